/** What is done against a threat: proposed, approved, begun, ended. Every step is an event of the one before. */
import { agony, sourceOf } from "../../../protocol/vsm/Signal.ts"
import {
  isOpen,
  type Mitigation,
  type MitigationState,
  partsOf,
  type Suspect,
  type Template
} from "../../../protocol/vsm/Threat.ts"
import { discounted, isFutile, learned, remembered, signatureOf } from "./Learning.ts"
import { type Circumstances, type Draft, type Fleet, type Judgement, judge } from "./SafetyGate.ts"
import { policyOf, remedyFor } from "./Templates.ts"
import { activeOf, say, type Turn, write, writeSuspect } from "./Turn.ts"
import { kindsOf, levelOf, stageOf } from "./Weighing.ts"

/** A proposal that nobody has answered lapses: what spoke for it has faded by then, ms. */
const proposalMillis = 3_600_000
/** Mitigations that are kept for people to look at; those that are over give way, the oldest first. */
const keptMax = 100
/** Who begins what no person has. */
const itself = "immune"
/** Mitigations that end in one transition: each may tell three others, and so many tells must stand in the outbox. */
const endingsMax = 32
/** Unacknowledged tells past which nobody is told where it hurts: that channel does not answer. */
const tellsMax = 128

const nameOf = ({ id }: Pick<Mitigation, "id">): string => `immune-${id.replace(".", "-")}`

/** Whether a policy is one of the immune system's own. */
export const isOwnPolicy = (name: string): boolean => /^immune-.+-[0-9]+$/.test(name)

const draftOf = ({ subject, template, ttlMillis, policy, zone }: Mitigation): Draft => ({
  subject,
  template,
  ttlMillis,
  ...(policy !== undefined && { policy }),
  ...(zone !== undefined && { zone })
})

/** Whether it may be done, with all that the rules of safety ask for. */
export const judged = (turn: Turn, mitigation: Mitigation, fleet: Fleet | undefined): Judgement => {
  const circumstances: Circumstances = {
    fleet,
    active: activeOf(turn.state),
    others: turn.state.suspects.get(mitigation.subject)?.others ?? 0
  }
  return judge(draftOf(mitigation), circumstances)
}

const summary = (mitigation: Mitigation) => {
  const { id, subject, template, level, signature, reason, by, ids } = mitigation
  return { mitigation: id, subject, template, level, signature, reason, by, ids }
}

const tell = (
  turn: Turn,
  to: { kind: string; id: string },
  message: string,
  payload: unknown,
  causedBy: number
): void => {
  turn.tells.push({ to, message, payload, causedBy })
}

/** Says where it hurts that somebody means harm. A person is called for a proposal only: what is done is taken care of. */
const cry = (turn: Turn, { id: mitigation, subject, level, ids, state }: Mitigation, causedBy: number): void => {
  if (turn.context.tellCount + turn.tells.length >= tellsMax) return
  const { kind, id } = partsOf(subject)
  const to = { kind: "algedonic", id: turn.id }
  const signal = { source: sourceOf(kind, id), metric: "threat" }
  const feeling = { ...signal, intensity: Math.min(agony - 0.01, level), ids }
  const isOver = state !== "proposed" && state !== "active"
  tell(turn, to, "Feel", isOver ? { ...feeling, isOver } : feeling, causedBy)
  if (state === "active") tell(turn, to, "Tend", { ...signal, action: `mitigation ${mitigation}` }, causedBy)
}

/** The same for another time. */
export const lasting = (mitigation: Mitigation, ttlMillis: number): Mitigation => {
  const { template, subject } = mitigation
  const policy = policyOf(template, subject, { name: nameOf(mitigation), ttlMillis })
  return { ...mitigation, ttlMillis, ...(policy !== undefined && { policy }) }
}

/** A mitigation that nobody knows of yet. */
export const drafted = (
  turn: Turn,
  suspect: Suspect,
  wanted: { readonly template: Template; readonly ttlMillis: number; readonly by?: string; readonly reason?: string }
): Mitigation => {
  const { template, ttlMillis, by, reason = "" } = wanted
  const { subject, zone } = suspect
  const mitigation: Mitigation = {
    id: `${turn.id}.${turn.state.last + 1}`,
    subject,
    template,
    state: by === undefined ? "proposed" : "approved",
    level: Math.round(levelOf(suspect.evidence, turn.now) * 1000) / 1000,
    signature: signatureOf(suspect),
    ...(zone !== undefined && { zone }),
    ttlMillis,
    reason,
    by: by ?? itself,
    // What a pattern wants has no person's approval yet.
    approvals: by?.startsWith("user/") === true ? [by] : [],
    needed: 1,
    createdAt: turn.now,
    until: turn.now + proposalMillis,
    ids: suspect.ids
  }
  return lasting(mitigation, ttlMillis)
}

/** Keeps a mitigation, and makes room among those that are over. */
export const enter = (turn: Turn, mitigation: Mitigation): Mitigation => {
  turn.state = { ...turn.state, last: turn.state.last + 1 }
  write(turn, mitigation)
  for (const [id, old] of turn.state.mitigations) {
    if (turn.state.mitigations.size <= keptMax) break
    if (isOpen(old)) continue
    const mitigations = new Map(turn.state.mitigations)
    mitigations.delete(id)
    turn.state = { ...turn.state, mitigations }
  }
  return mitigation
}

/** People are asked. */
export const propose = (turn: Turn, mitigation: Mitigation, reason: string, people: number): Mitigation => {
  const { subject, ids } = mitigation
  const proposal = write(turn, {
    ...mitigation,
    state: "proposed",
    reason,
    needed: people,
    until: turn.now + proposalMillis
  })
  const data = { ...summary(proposal), until: proposal.until }
  cry(turn, proposal, say(turn, "immune.proposed", subject, data, { severity: "warn", ids }))
  return proposal
}

/** It begins. A weaker one against the same subject ends. */
export const activate = (turn: Turn, mitigation: Mitigation): Mitigation => {
  const { id, subject, template, ttlMillis, policy, ids, createdAt } = mitigation
  for (const other of turn.state.mitigations.values())
    if (other.id !== id && other.subject === subject && isOpen(other)) end(turn, other, "lifted", { isReplaced: true })
  const until = turn.now + ttlMillis
  const active = write(turn, { ...mitigation, state: "active", until })
  const data = { ...summary(active), until, ...(policy !== undefined && { policy }) }
  const cause = say(turn, "immune.mitigated", subject, data, { severity: "warn", ids })
  if (template === "isolate")
    tell(turn, { kind: "device", id: partsOf(subject).id }, "Isolate", { mitigation: id, until }, cause)
  if (policy !== undefined)
    tell(turn, { kind: "policy", id: turn.id }, "Deploy", { source: policy, mitigation: id, answerTo: turn.id }, cause)
  cry(turn, active, cause)
  const suspect = turn.state.suspects.get(subject)
  if (suspect !== undefined)
    turn.state = { ...turn.state, incidents: remembered(turn.state.incidents, suspect, createdAt) }
  return active
}

interface Ending {
  /** The subject had done no harm. */
  readonly isFalseAlarm?: boolean
  /** Something stronger takes its place: what speaks against the subject goes on to. */
  readonly isReplaced?: boolean
  readonly reason?: string
}

/** Takes back what was begun and does not end by itself. */
const takeBack = (turn: Turn, { id, subject, template, policy }: Mitigation, cause: number): void => {
  if (template === "isolate")
    tell(turn, { kind: "device", id: partsOf(subject).id }, "Readmit", { mitigation: id }, cause)
  if (policy !== undefined)
    tell(turn, { kind: "policy", id: turn.id }, "Revoke", { name: nameOf({ id }), reason: `${id} is lifted` }, cause)
}

/** Of a signature every kind counts for less. */
const doubted = (turn: Turn, { signature, createdAt }: Mitigation): void => {
  const [who = "", kinds = ""] = signature.split(":")
  let { discounts } = turn.state
  for (const kind of kinds.split("+")) discounts = discounted(discounts, `${who}:${kind}`)
  turn.state = { ...turn.state, discounts, incidents: turn.state.incidents.filter(({ at }) => at !== createdAt) }
}

/** It is over. What spoke against the subject was answered by it, and counts no more. */
export const end = (turn: Turn, mitigation: Mitigation, state: MitigationState, ending: Ending = {}): Mitigation => {
  const { subject, ids } = mitigation
  const { isFalseAlarm, isReplaced = false, reason = mitigation.reason } = ending
  const ended = write(turn, { ...mitigation, state, reason, endedAt: turn.now })
  const data = { ...summary(ended), state, ...(isFalseAlarm !== undefined && { isFalseAlarm }) }
  const cause = say(turn, "immune.ended", subject, data, { severity: "info", ids })
  const wasActive = mitigation.state === "active"
  if (wasActive && state === "lifted") takeBack(turn, mitigation, cause)
  if (isReplaced) return ended
  cry(turn, ended, cause)
  if (isFalseAlarm === true) doubted(turn, mitigation)
  if (wasActive && (state === "expired" || isFalseAlarm === true)) {
    // Who went on after it had begun was not kept from it.
    const lastAt = turn.state.suspects.get(subject)?.lastAt ?? 0
    const isGood = isFalseAlarm !== true && lastAt <= mitigation.until - mitigation.ttlMillis
    turn.state = { ...turn.state, efficacies: learned(turn.state.efficacies, mitigation, isGood) }
  }
  writeSuspect(turn, subject, undefined)
  return ended
}

const answer = (turn: Turn, suspect: Suspect): void => {
  const stage = stageOf(levelOf(suspect.evidence, turn.now))
  writeSuspect(turn, suspect.subject, { ...suspect, answered: stage })
}

/** Does what a threat calls for, or asks a person, or says which rule forbids it. */
export const answerThreat = (turn: Turn, suspect: Suspect, fleet: Fleet): void => {
  const { subject } = suspect
  const { terms, efficacies } = turn.state
  const remedy = remedyFor(subject, stageOf(levelOf(suspect.evidence, turn.now)), kindsOf(suspect), terms)
  answer(turn, suspect)
  if (remedy === undefined) return
  const open = [...turn.state.mitigations.values()].filter((one) => one.subject === subject && isOpen(one))
  // It is proposed, or done, already: graver evidence for the same remedy changes nothing.
  if (open.some(({ template }) => template === remedy.template)) return
  const mitigation = drafted(turn, suspect, remedy)
  const judgement = judged(turn, mitigation, fleet)
  if (judgement._tag === "Forbidden") {
    const { template, level, ids } = mitigation
    const data = { subject, template, level, rule: judgement.rule }
    say(turn, "immune.withheld", subject, data, { severity: "warn", ids })
    return
  }
  const doubt = !terms.isAutomatic
    ? "nothing is done here without a person"
    : isFutile(efficacies, mitigation)
      ? `${mitigation.template} has rarely helped against this`
      : undefined
  enter(turn, mitigation)
  if (judgement._tag === "Safe" && doubt === undefined) activate(turn, { ...mitigation, reason: mitigation.signature })
  else if (judgement._tag === "Ask") propose(turn, mitigation, judgement.rule, judgement.people)
  else propose(turn, mitigation, doubt ?? "", 1)
}

/** Begins what people have approved, if the rules of safety allow it now. */
export const beginApproved = (turn: Turn, mitigation: Mitigation, fleet: Fleet): void => {
  const judgement = judged(turn, mitigation, fleet)
  if (judgement._tag === "Forbidden") end(turn, mitigation, "failed", { reason: judgement.rule })
  else if (judgement._tag === "Ask" && judgement.people > mitigation.approvals.length)
    propose(turn, mitigation, judgement.rule, judgement.people)
  else activate(turn, mitigation)
}

/** Ends what has lasted long enough, and proposals that nobody has answered; what is left is due at once again. */
export const endOverdue = (turn: Turn): void => {
  const overdue = [...turn.state.mitigations.values()].filter((each) => isOpen(each) && turn.now >= each.until)
  for (const mitigation of overdue.slice(0, endingsMax))
    end(turn, mitigation, mitigation.state === "active" ? "expired" : "lapsed")
}

/** When the next one is over, ms; infinite for never. */
export const endsAt = (mitigations: Iterable<Mitigation>): number => {
  let due = Number.POSITIVE_INFINITY
  for (const mitigation of mitigations) if (isOpen(mitigation)) due = Math.min(due, mitigation.until)
  return due
}
