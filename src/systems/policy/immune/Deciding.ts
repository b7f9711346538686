/** When something is done: by itself as soon as the fleet is counted, or when people say so. */
import * as Behaviour from "../../../actors/Behaviour.ts"
import type { PayloadOf } from "../../../protocol/Contract.ts"
import { InvalidTransition, NotFound, PolicyDenied, UnsafeMitigation } from "../../../protocol/Errors.ts"
import type { Immune, ImmuneState } from "../../../protocol/vsm/Immune.ts"
import { automaticMillisMax, type Mitigation, partsOf, type Subject } from "../../../protocol/vsm/Threat.ts"
import { answerThreat, beginApproved, drafted, end, enter, judged, lasting } from "./Mitigating.ts"
import type { Fleet } from "./SafetyGate.ts"
import { unanswered } from "./Suspecting.ts"
import { type Answered, begin, type Context, repliedOf, type Turn, write } from "./Turn.ts"
import { unsuspected } from "./Weighing.ts"

/** The fleet is counted anew before something is done, where the last count is older, ms. */
const freshMillis = 10_000
/** A count that has not ended by then never will, ms. */
const stuckMillis = 60_000

/** Threats that are answered in one transition: each may tell four others, and so many tells must stand in the outbox. */
const answersMax = 16
/** Before those that are left are answered, ms. */
const againMillis = 100

const approvedOf = ({ mitigations }: ImmuneState): ReadonlyArray<Mitigation> =>
  [...mitigations.values()].filter(({ state }) => state === "approved")

/** The fleet, if it was counted a moment ago. */
const freshFleet = ({ resident, now }: Turn): Fleet | undefined =>
  now < resident.countedAt + freshMillis ? resident.fleet : undefined

/** Counts the fleet, unless that is under way. */
const count = (turn: Turn): void => {
  if (turn.resident.countDueAt !== Number.POSITIVE_INFINITY) return
  const number = turn.resident.count + 1
  turn.resident = { ...turn.resident, count: number, countDueAt: turn.now + stuckMillis }
  turn.effects.push({ name: "count", id: String(number), input: undefined })
}

/** Answers threats, and begins what was approved, with the fleet as it is now: at once, or when it is counted. */
export const settle = (turn: Turn): void => {
  if (approvedOf(turn.state).length === 0 && unanswered(turn).length === 0) return
  const fleet = freshFleet(turn)
  if (fleet === undefined) return count(turn)
  for (const mitigation of approvedOf(turn.state).slice(0, answersMax)) beginApproved(turn, mitigation, fleet)
  const threats = unanswered(turn)
  for (const suspect of threats.slice(0, answersMax)) answerThreat(turn, suspect, fleet)
  if (threats.length > answersMax) turn.resident = { ...turn.resident, countDueAt: turn.now + againMillis }
}

const nameOf = ({ asker }: Context): string => `${asker.kind}/${asker.id}`

const ofHimself = new PolicyDenied({
  policyIds: [],
  reason: "nobody decides on what is done against himself",
  guidance: "ask somebody else who has the right threat.govern"
})

const forPeople = new PolicyDenied({
  policyIds: [],
  reason: "people decide on what is done against somebody, and not what they have written",
  guidance: "ask somebody who has the right threat.govern"
})

const mayDecide = (context: Context, subject: Subject): boolean => nameOf(context) !== subject

/** A rule that needs no count forbids it, or one that does, where the fleet was counted a moment ago. */
const forbiddenBy = (turn: Turn, mitigation: Mitigation): string | undefined => {
  const judgement = judged(turn, mitigation, freshFleet(turn))
  return judgement._tag === "Forbidden" ? judgement.rule : undefined
}

/** People want something done. */
export const mitigate = (
  state: ImmuneState,
  { subject, template, ttlMillis, reason }: PayloadOf<Immune, "Mitigate">,
  context: Context
): Answered<Mitigation> => {
  // What is over takes with it what spoke against the subject.
  if (!mayDecide(context, subject)) return Behaviour.refuse(ofHimself)
  const turn = begin(state, context)
  const suspect = state.suspects.get(subject) ?? unsuspected(subject, turn.now)
  const mitigation = drafted(turn, suspect, { template, ttlMillis, by: nameOf(context), reason })
  const rule = forbiddenBy(turn, mitigation)
  if (rule !== undefined) return Behaviour.refuse(new UnsafeMitigation({ rule }))
  enter(turn, mitigation)
  settle(turn)
  return repliedOf(turn, turn.state.mitigations.get(mitigation.id) ?? mitigation)
}

/** Changes a mitigation that somebody names, if it is in one of these states and not against himself. */
const changing =
  <Payload extends { readonly mitigation: string }>(
    states: ReadonlyArray<Mitigation["state"]>,
    change: (turn: Turn, mitigation: Mitigation, payload: Payload) => UnsafeMitigation | undefined
  ) =>
  (state: ImmuneState, payload: Payload, context: Context): Answered<Mitigation> => {
    const id = payload.mitigation
    const mitigation = state.mitigations.get(id)
    if (mitigation === undefined)
      return Behaviour.refuse(new NotFound({ what: `mitigation ${id} in ${context.self.id}` }))
    if (!states.includes(mitigation.state))
      return Behaviour.refuse(
        new InvalidTransition({
          from: mitigation.state,
          event: "this",
          reason: `${id} is ${mitigation.state}; this is for what is ${states.join(" or ")}`
        })
      )
    // A pattern speaks as the runtime: it would be another person for whoever wrote it.
    if (context.asker.kind !== "user") return Behaviour.refuse(forPeople)
    if (!mayDecide(context, mitigation.subject)) return Behaviour.refuse(ofHimself)
    const turn = begin(state, context)
    const refusal = change(turn, mitigation, payload)
    if (refusal !== undefined) return Behaviour.refuse(refusal)
    return repliedOf(turn, turn.state.mitigations.get(id) ?? mitigation)
  }

/** Somebody approves. Who has approved already, or began it, counts once. */
export const approve = changing<PayloadOf<Immune, "Approve">>(["proposed"], (turn, proposal, { ttlMillis }) => {
  const by = nameOf(turn.context)
  const { id, subject } = proposal
  const mitigation = lasting(proposal, ttlMillis ?? proposal.ttlMillis)
  // Nobody has agreed to a longer time than was proposed to him.
  const agreed = mitigation.ttlMillis > proposal.ttlMillis ? [] : proposal.approvals
  const approvals = [...new Set([...agreed, by])]
  // Whoever makes it longer asks for more people.
  const needed = Math.max(proposal.needed, mitigation.ttlMillis > automaticMillisMax ? 2 : 1)
  const rule = forbiddenBy(turn, mitigation)
  if (rule !== undefined) return new UnsafeMitigation({ rule })
  const missing = Math.max(0, needed - approvals.length)
  turn.events.push({ type: "immune.approved", unit: partsOf(subject).id, data: { mitigation: id, by, missing } })
  write(turn, { ...mitigation, approvals, needed, ...(missing === 0 && { state: "approved" }) })
  settle(turn)
  return undefined
})

/** Somebody does not want what is proposed. */
export const reject = changing<PayloadOf<Immune, "Reject">>(
  ["proposed", "approved"],
  (turn, mitigation, { isFalseAlarm }) => {
    end(turn, mitigation, "rejected", isFalseAlarm === undefined ? {} : { isFalseAlarm })
    return undefined
  }
)

/** Somebody ends what is done. */
export const lift = changing<PayloadOf<Immune, "Lift">>(["active"], (turn, mitigation, { isFalseAlarm }) => {
  end(turn, mitigation, "lifted", isFalseAlarm === undefined ? {} : { isFalseAlarm })
  return undefined
})
