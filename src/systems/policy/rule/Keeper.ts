/** The keeper of the policies of a VSM. Its rules stand beside it: how policies come, how they come into force, how they are tried. */
import { Effect, Schema } from "effect"
import * as Behaviour from "../../../actors/Behaviour.ts"
import { vsmOver } from "../../../actors/Supervisor.ts"
import { type HolonError, InvalidTransition, NotFound, PolicyInvalid } from "../../../protocol/Errors.ts"
import { ImpactReport } from "../../../protocol/policy/Impact.ts"
import { PolicyKeeper, type PolicyKeeperState } from "../../../protocol/vsm/PolicyKeeper.ts"
import type { PolicyView } from "../../../protocol/vsm/PolicyView.ts"
import { rootId, VsmId } from "../../../protocol/vsm/VsmId.ts"
import { activate, dueAt, passTime, rollBack, takePublished, ttlOf, withdraw } from "./Activating.ts"
import { type Draft, PastActs, PolicyRegister, type Published, PublishOutcome } from "./PolicyRegister.ts"
import { approve, lookAtImpacts, stage } from "./Staging.ts"
import { storage } from "./Stored.ts"
import { takeTally } from "./Trying.ts"
import {
  type Answered,
  begin,
  type Context,
  force,
  found,
  freshResident,
  type Noted,
  nameOf,
  notedOf,
  type Resident,
  repliedOf,
  type Turn,
  versionsOf
} from "./Turn.ts"

/** What a cluster begins with, so that it works before anybody has said anything: everything is allowed. */
export const foundingSource = "policy founding { when true { allow } }"

const initial: PolicyKeeperState = { policies: new Map(), revision: 0, epoch: 0 }

const isOutcome = Schema.is(PublishOutcome)
const isImpact = Schema.is(ImpactReport)

const isView = (result: PolicyView | HolonError): result is PolicyView => "state" in result

const noted =
  <Payload>(change: (turn: Turn, payload: Payload) => void) =>
  (state: PolicyKeeperState, payload: Payload, context: Context): Noted => {
    const turn = begin(state, context)
    change(turn, payload)
    return notedOf(turn)
  }

/** A change of one policy that is there. */
const changing =
  <Payload extends { readonly name: string; readonly version?: number }>(
    change: (turn: Turn, view: PolicyView, payload: Payload) => PolicyView | HolonError
  ) =>
  (state: PolicyKeeperState, payload: Payload, context: Context): Answered<PolicyView> => {
    const turn = begin(state, context)
    const view = found(state, payload)
    if (view === undefined) return Behaviour.refuse(unknown(turn.id, payload))
    const changed = change(turn, view, payload)
    return isView(changed) ? repliedOf(turn, changed) : Behaviour.refuse(changed)
  }

const unknown = (vsm: string, { name, version }: { readonly name: string; readonly version?: number }) =>
  new NotFound({ what: `${version === undefined ? "" : `version ${version} of `}policy ${name} of ${vsm}` })

const newest = (state: PolicyKeeperState): ReadonlyArray<PolicyView> => {
  const names = new Set([...state.policies.values()].map(({ name }) => name))
  return [...names].flatMap((name) => {
    const versions = versionsOf(state, name)
    const inForce = versions.filter((each) => each.state === "active" || each.state === "canary")
    const [last] = versions
    // A version that waits hides none that is in force.
    return last === undefined || inForce.includes(last) ? inForce : [last, ...inForce]
  })
}

/** What `Rollback` is about: what is tried, else what is in force. */
const takenBackOf = (state: PolicyKeeperState, name: string): PolicyView | undefined => {
  const versions = versionsOf(state, name)
  return versions.find((each) => each.state === "canary") ?? versions.find((each) => each.state === "active")
}

/** What the immune system has put into force ends by its own word: else whom it holds back could let himself out. */
const ofImmunity = (view: PolicyView, event: string): HolonError | undefined =>
  view.class === "immune" && view.author.startsWith("vsm:")
    ? new InvalidTransition({
        from: view.state,
        event,
        reason: "the immune system put it into force; lift its mitigation: holon threats lift"
      })
    : undefined

const deploy = (turn: Turn, source: string): PolicyView | HolonError => {
  const staged = stage(turn, source, `vsm:${turn.id}`)
  if (!isView(staged)) return staged
  if (staged.class !== "immune" || ttlOf(staged) === undefined)
    return new PolicyInvalid({
      diagnostics: ["the immune system puts only policies of class immune with a ttl into force"]
    })
  // Its own safety gate has asked the people whom a longer life needs.
  return activate(turn, { ...staged, needs: 0 }, {})
}

/** The behaviour of keepers. */
export const policyKeeper: Behaviour.AnyBehaviour = Behaviour.make<PolicyKeeper, Resident>(PolicyKeeper, {
  initial: () => initial,
  storage,
  supervisor: vsmOver,
  awake: freshResident,
  vsmOf: (_state, id) => (id === rootId ? undefined : id),
  dueAt,
  timeout: (state, context) => {
    const turn = begin(state, context)
    passTime(turn)
    lookAtImpacts(turn)
    return notedOf(turn)
  },

  effects: {
    publish: (input) => Effect.flatMap(PolicyRegister, ({ publish }) => publish(input as Published)),
    impact: (input) => Effect.flatMap(PastActs, ({ impactOf }) => impactOf(input as Draft))
  },
  completed: (state, { name, id, outcome }, context) => {
    const turn = begin(state, context)
    if (name === "publish" && isOutcome(outcome)) takePublished(turn, outcome)
    if (name === "impact") {
      const looking = new Set(turn.resident.looking)
      looking.delete(id)
      turn.resident = { ...turn.resident, looking }
      const view = state.policies.get(id)
      if (view?.state === "staged" && isImpact(outcome))
        turn.state = { ...state, policies: new Map(state.policies).set(id, { ...view, impact: outcome }) }
      // Where the journal did not answer, the next one to stage or wait asks again.
      if (isImpact(outcome)) lookAtImpacts(turn)
    }
    return notedOf(turn)
  },

  GetPolicies: (state, { state: wanted }, { self }) => ({
    reply: {
      vsm: VsmId.make(self.id),
      epoch: state.epoch,
      policies:
        wanted === undefined ? newest(state) : [...state.policies.values()].filter((each) => each.state === wanted)
    }
  }),
  GetPolicy: (state, asked, { self }) => {
    const view = found(state, asked)
    return view === undefined ? Behaviour.refuse<HolonError>(unknown(self.id, asked)) : { reply: view }
  },
  Watch: (state, asked) => ({ reply: found(state, asked) ?? null }),

  Stage: (state, { source }, context) => {
    const turn = begin(state, context)
    const staged = stage(turn, source, nameOf(turn))
    if (!isView(staged)) return Behaviour.refuse(staged)
    if (staged.class === "immune") {
      const reason =
        "policies of class immune come from the immune system; leave the class out, or see: holon threats act"
      return Behaviour.refuse<HolonError>(new PolicyInvalid({ diagnostics: [reason] }))
    }
    lookAtImpacts(turn)
    return repliedOf(turn, staged)
  },
  Approve: changing(approve),
  Activate: changing((turn, view, { name: _, version: __, ...wanted }) => activate(turn, view, wanted)),
  Rollback: (state, { name, toVersion, reason }, context) => {
    const turn = begin(state, context)
    const by = nameOf(turn)
    const view = takenBackOf(state, name)
    if (view === undefined) {
      const staged = found(state, { name })
      return Behaviour.refuse<HolonError>(
        staged === undefined
          ? unknown(turn.id, { name })
          : new InvalidTransition({ from: staged.state, event: "Rollback" })
      )
    }
    const held = ofImmunity(view, "Rollback")
    if (held !== undefined) return Behaviour.refuse(held)
    const ended = rollBack(turn, view, by, reason ?? `${by} took it back`, toVersion)
    return isView(ended) ? repliedOf(turn, ended) : Behaviour.refuse(ended)
  },
  Withdraw: (state, { name, reason }, context) => {
    const turn = begin(state, context)
    const view = takenBackOf(state, name)
    const held = view === undefined ? undefined : ofImmunity(view, "Withdraw")
    if (held !== undefined) return Behaviour.refuse(held)
    const ended = withdraw(turn, name, reason ?? `${nameOf(turn)} withdrew it`)
    return isView(ended) ? repliedOf(turn, ended) : Behaviour.refuse(ended)
  },

  Found: noted((turn) => {
    if (turn.id !== rootId || turn.state.policies.size > 0) return
    const staged = stage(turn, foundingSource, nameOf(turn))
    if (isView(staged)) force(turn, { ...staged, state: "active" })
  }),
  Deploy: (state, { source, mitigation, answerTo }, context) => {
    const turn = begin(state, context)
    const deployed = deploy(turn, source)
    const to = { kind: "immune", id: answerTo }
    if (isView(deployed)) {
      turn.tells.push({ to, message: "PolicyDeployed", payload: { mitigation } })
      return notedOf(turn)
    }
    const payload = { mitigation, reason: deployed.message }
    return { tells: [{ to, message: "PolicyRefused", payload }] }
  },
  Revoke: (state, { name, reason }, context) => {
    const turn = begin(state, context)
    const view = found(state, { name })
    if (view?.class !== "immune") return Behaviour.refuse<HolonError>(unknown(turn.id, { name }))
    const ended = withdraw(turn, name, reason)
    return isView(ended) ? notedOf(turn) : Behaviour.refuse<HolonError>(ended)
  },

  NoteDecisions: noted((turn, { decisions }) => {
    for (const data of decisions) {
      const isDenied = data.decision.effect === "deny"
      turn.events.push({
        type: isDenied ? "policy.denied" : "policy.obliged",
        severity: isDenied ? "warn" : "info",
        at: data.at,
        data
      })
    }
  }),
  NoteTrial: noted((turn, { name, version, ...tally }) => {
    const view = found(turn.state, { name, version })
    if (view !== undefined) takeTally(turn, view, tally)
  })
})
