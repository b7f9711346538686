/** How a policy comes into force, is tried, and ends. */

import { Result } from "effect"
import { type HolonError, InvalidTransition, Malformed, NotFound, PolicyDenied } from "../../../protocol/Errors.ts"
import { checkPolicyText } from "../../../protocol/policy/PolicyCheck.ts"
import type { PolicyKeeperState } from "../../../protocol/vsm/PolicyKeeper.ts"
import type { PolicyView } from "../../../protocol/vsm/PolicyView.ts"
import { contains } from "../../../protocol/Zone.ts"
import { leadMillis, type PublishOutcome } from "./PolicyRegister.ts"
import { force, found, nameOf, say, type Turn, versionsOf, write } from "./Turn.ts"

/** Activations further ahead than this are not taken, ms: 30 days. */
const aheadMax = 30 * 86_400_000
/** An activation is begun so long before its instant, ms. */
const beginMillis = 2 * leadMillis
const trialMillisDefault = 60_000

/** How somebody wants a policy to come into force. */
export interface Wanted {
  readonly at?: number
  readonly canaryZones?: readonly [string, ...Array<string>]
  readonly canaryMillis?: number
}

const inState = (turn: Turn, name: string, state: PolicyView["state"]): PolicyView | undefined =>
  versionsOf(turn.state, name).find((each) => each.state === state)

/** What stands only while something is in force, or waits to be. */
const without = ({ publishing: _, at: __, ...view }: PolicyView): PolicyView => view

/** Ends a version. */
const end = (turn: Turn, view: PolicyView, state: PolicyView["state"], reason: string, at = turn.now): PolicyView =>
  write(turn, { ...without(view), state, since: turn.now, reason }, at)

const bringIn = (
  turn: Turn,
  staged: PolicyView,
  { canaryZones, canaryMillis = trialMillisDefault }: Wanted
): PolicyView => {
  const view = without(staged)
  const at = Math.max(turn.now, staged.at ?? turn.now)
  const before = inState(turn, view.name, "active")
  const tried = inState(turn, view.name, "canary")
  if (tried !== undefined) end(turn, tried, "superseded", `version ${view.version} came into force`, at)
  if (canaryZones !== undefined) {
    const none = { decisions: 0, denials: 0, errors: 0 }
    const trial = {
      zones: canaryZones,
      until: at + canaryMillis,
      millis: canaryMillis,
      tried: none,
      before: none,
      rest: none
    }
    return force(turn, { ...view, state: "canary", since: turn.now, trial }, at)
  }
  if (before !== undefined) end(turn, before, "superseded", `version ${view.version} came into force`, at)
  return force(turn, { ...view, state: "active", since: turn.now }, at)
}

/** Puts a staged policy into force, at once or at its instant. */
export const activate = (turn: Turn, view: PolicyView, wanted: Wanted): PolicyView | HolonError => {
  if (view.state !== "staged") return new InvalidTransition({ from: view.state, event: "Activate" })
  const { name, needs, approvals, zone } = view
  if (approvals.length < needs)
    return new PolicyDenied({
      policyIds: [name],
      reason: `${name} must be approved by ${needs} people, and ${approvals.length === 0 ? "nobody has" : `only ${approvals.map(({ by }) => by).join(", ")} has`}`,
      guidance: `\`holon policy approve ${name}\`, by each of them`
    })
  const { at, canaryZones } = wanted
  if (at !== undefined && at > turn.now + aheadMax)
    return new Malformed({ path: "at", reason: "an activation is at most 30 days ahead" })
  const outside = zone === undefined ? undefined : canaryZones?.find((each) => !contains(zone, each))
  if (outside !== undefined)
    return new Malformed({ path: "canaryZones", reason: `${name} speaks of ${zone}, and ${outside} is not in it` })
  if (at === undefined || at <= turn.now + beginMillis)
    return bringIn(turn, { ...view, ...(at !== undefined && { at }) }, wanted)
  if (canaryZones !== undefined)
    return new Malformed({ path: "at", reason: "a trial begins at once; leave out at, or the zones" })
  return write(turn, { ...view, at })
}

/** Puts the former version back where there is one, and says so. */
export const rollBack = (
  turn: Turn,
  view: PolicyView,
  by: string,
  reason: string,
  toVersion?: number
): PolicyView | HolonError => {
  const { name } = view
  const wasActive = inState(turn, name, "active")
  const target =
    toVersion === undefined
      ? view.state === "active"
        ? versionsOf(turn.state, name).find((each) => each.state === "superseded" && each.epoch !== undefined)
        : undefined
      : found(turn.state, { name, version: toVersion })
  if (toVersion !== undefined && target?.epoch === undefined)
    return new NotFound({ what: `version ${toVersion} of policy ${name} that was in force once` })
  const ended = end(turn, view, "rolled_back", reason)
  if (target !== undefined && target !== wasActive) {
    if (wasActive !== undefined && wasActive !== view) end(turn, wasActive, "rolled_back", reason)
    const { reason: _, expiresAt: __, trial: ___, ...former } = target
    force(turn, { ...without(former), state: "active", since: turn.now })
  }
  const to = target?.version ?? (view === wasActive ? undefined : wasActive?.version)
  say(turn, "policy.rolled-back", view, { by, reason, ...(to !== undefined && { toVersion: to }) }, "warn")
  return ended
}

/** Ends all versions of a name that are staged or in force. */
export const withdraw = (turn: Turn, name: string, reason: string): PolicyView | HolonError => {
  const held = versionsOf(turn.state, name).filter(({ state }) => /^(staged|canary|active)$/.test(state))
  const [newest] = held
  if (newest === undefined) return new NotFound({ what: `policy ${name} of ${turn.id} that is staged or in force` })
  const by = nameOf(turn)
  for (const each of held) {
    end(turn, each, "withdrawn", reason)
    say(turn, "policy.withdrawn", each, { by, reason })
  }
  return found(turn.state, newest) ?? newest
}

/** How long a policy is in force, ms; nothing where it has no end. */
export const ttlOf = ({ source }: PolicyView): number | undefined => {
  const checked = checkPolicyText(source)
  return Result.isSuccess(checked) ? checked.success.policy.ttlMillis : undefined
}

/** All nodes can know of it: from then on it is in force at its instant. */
const known = (turn: Turn, view: PolicyView, epoch: number, from: number): PolicyView => {
  const { publishing: _, at: __, ...rest } = view
  const ttlMillis = ttlOf(view)
  const expiresAt = view.expiresAt ?? (ttlMillis === undefined ? undefined : from + ttlMillis)
  const { trial } = rest
  const until =
    view.state === "canary" && trial !== undefined ? { trial: { ...trial, until: from + trial.millis } } : {}
  const by = view.approvals.at(-1)?.by ?? view.author
  if (view.state === "canary")
    say(turn, "policy.trial-begun", view, {
      by,
      epoch,
      from,
      zones: trial?.zones ?? [],
      until: until.trial?.until ?? from
    })
  else say(turn, "policy.activated", view, { by, epoch, from })
  return { ...rest, ...until, epoch, from, ...(expiresAt !== undefined && { expiresAt }) }
}

/** The register has answered. */
export const takePublished = (turn: Turn, outcome: PublishOutcome): void => {
  turn.resident = { ...turn.resident, isPublishing: false }
  if (outcome._tag === "Unavailable") return
  const { revision, epoch, at } = outcome
  const { pending, ...rest } = turn.state
  const policies = new Map(rest.policies)
  if (epoch !== undefined && at !== undefined)
    for (const [key, view] of policies)
      if (view.publishing !== undefined && view.publishing <= revision) policies.set(key, known(turn, view, epoch, at))
  turn.state = {
    ...rest,
    policies,
    epoch: epoch ?? rest.epoch,
    ...(pending !== undefined && pending.revision > revision && { pending })
  }
}

const isBegun = ({ publishing }: PolicyView): boolean => publishing === undefined

const dueOf = (view: PolicyView): number => {
  const { state, at, trial, expiresAt = Number.POSITIVE_INFINITY } = view
  if (state === "staged") return at === undefined ? Number.POSITIVE_INFINITY : at - beginMillis
  if (!isBegun(view)) return Number.POSITIVE_INFINITY
  const ends = expiresAt - leadMillis
  if (state === "active") return ends
  return state === "canary" ? Math.min(ends, trial?.until ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
}

/** When something is to be done without anybody asking; nothing for never. */
export const dueAt = (state: PolicyKeeperState): number | undefined => {
  let due = state.pending?.at ?? Number.POSITIVE_INFINITY
  for (const view of state.policies.values()) due = Math.min(due, dueOf(view))
  return due === Number.POSITIVE_INFINITY ? undefined : due
}

/** What was to come into force does, what was tried long enough is in force, and what has lived ends. */
export const passTime = (turn: Turn): void => {
  for (const view of [...turn.state.policies.values()]) {
    if (dueOf(view) > turn.now) continue
    if (view.state === "staged") bringIn(turn, view, {})
    else if ((view.expiresAt ?? Number.POSITIVE_INFINITY) - leadMillis <= turn.now) {
      end(turn, view, "expired", "its ttl was over", view.expiresAt)
      say(turn, "policy.expired", view, {})
    } else promote(turn, view)
  }
}

/** The trial went well. */
const promote = (turn: Turn, view: PolicyView): void => {
  const before = inState(turn, view.name, "active")
  if (before !== undefined) end(turn, before, "superseded", `version ${view.version} came into force`)
  force(turn, { ...view, state: "active", since: turn.now })
}
