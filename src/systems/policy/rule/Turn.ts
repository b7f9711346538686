/** One transition of a keeper under way: its rules change it one after another, its outcome is what leaves. */
import type { EffectOrder, Emitted, Outcome, Tell, TransitionContext } from "../../../actors/Behaviour.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import type { PolicyKeeperState } from "../../../protocol/vsm/PolicyKeeper.ts"
import type { PolicyView, Tally } from "../../../protocol/vsm/PolicyView.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"
import type { Forced, Published } from "./PolicyRegister.ts"

/** What a node has counted of a trial. */
export interface Counted {
  readonly tried: Tally
  readonly before: Tally
  readonly rest: Tally
}
/** By node. */
export type NodeTallies = ReadonlyMap<string, Counted>

/** Memory of one activation. */
export interface Resident {
  readonly isPublishing: boolean
  /** Keys of the policies whose impact is being looked for. */
  readonly looking: ReadonlySet<string>
  /** By key of the policy. */
  readonly tallies: ReadonlyMap<string, NodeTallies>
}

export type Context = TransitionContext<Resident>
/** What leaves one that somebody waits for. */
export type Answered<Reply> = Outcome<PolicyKeeperState, Resident, Reply, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Outcome<PolicyKeeperState, Resident, void, never>

/** Memory of an activation that has just begun. */
export const freshResident = (): Resident => ({ isPublishing: false, looking: new Set(), tallies: new Map() })

/** One transition under way. */
export interface Turn {
  readonly context: Context
  readonly id: VsmId
  readonly now: number
  state: PolicyKeeperState
  resident: Resident
  readonly events: Array<Emitted>
  readonly tells: Array<Tell>
  readonly effects: Array<EffectOrder>
}

/** Begins a transition. */
export const begin = (state: PolicyKeeperState, context: Context): Turn => ({
  context,
  id: VsmId.make(context.self.id),
  now: context.now,
  state,
  resident: context.resident,
  events: [],
  tells: [],
  effects: []
})

/** Who asks, as records name it. */
export const nameOf = ({ context: { asker } }: Turn): string => `${asker.kind}:${asker.id}`

/** The key of a version of a policy. Names hold no `@`. */
export const keyOf = ({ name, version }: Pick<PolicyView, "name" | "version">): string => `${name}@${version}`

/** All versions of a name, the newest first. */
export const versionsOf = ({ policies }: PolicyKeeperState, name: string): ReadonlyArray<PolicyView> =>
  [...policies.values()].filter((each) => each.name === name).sort((one, other) => other.version - one.version)

/** A version of a policy, the newest where none is named. */
export const found = (
  state: PolicyKeeperState,
  { name, version }: { readonly name: string; readonly version?: number }
): PolicyView | undefined => {
  const all = versionsOf(state, name)
  return version === undefined ? all[0] : all.find((each) => each.version === version)
}

/** Writes a policy, which the register hears of; not before `at` where it changes what is in force. */
export const write = (turn: Turn, view: PolicyView, at = turn.now): PolicyView => {
  const { policies, pending } = turn.state
  const key = keyOf(view)
  const revision = turn.state.revision + 1
  const rows = [...new Set([...(pending?.rows ?? []), key])]
  turn.state = {
    ...turn.state,
    policies: new Map(policies).set(key, view),
    revision,
    pending: { revision, at: Math.max(at, pending?.at ?? at), rows }
  }
  return view
}

/** Writes a policy that is in force from now on, or from `at`. */
export const force = (turn: Turn, view: PolicyView, at = turn.now): PolicyView =>
  write(turn, { ...view, publishing: turn.state.revision + 1 }, at)

/** Says on the event stream what has become of a policy. */
export const say = (
  turn: Turn,
  type: string,
  { name, version }: PolicyView,
  more: object,
  severity: "info" | "warn" = "info"
): void => {
  turn.events.push({ type, severity, data: { name, version, ...more } })
}

const forcedOf = ({ policies }: PolicyKeeperState): ReadonlyArray<Forced> => {
  const all = [...policies.values()]
  return all.flatMap(({ name, version, state, trial }): ReadonlyArray<Forced> => {
    if (state === "canary" && trial !== undefined) return [{ name, version, zones: trial.zones }]
    if (state !== "active") return []
    const next = all.find((each) => each.name === name && each.state === "canary")
    return [{ name, version, ...(next?.trial !== undefined && { except: next.trial.zones }) }]
  })
}

/** The order to make known what is pending, unless one is under way. */
const publish = (turn: Turn): void => {
  const { pending, policies } = turn.state
  if (pending === undefined || turn.resident.isPublishing) return
  const { revision, at, rows } = pending
  turn.resident = { ...turn.resident, isPublishing: true }
  const input: Published = {
    vsm: turn.id,
    revision,
    at,
    rows: rows.flatMap((key) => policies.get(key) ?? []),
    force: forcedOf(turn.state)
  }
  turn.effects.push({ name: "publish", id: String(revision), input })
}

const left = (turn: Turn) => {
  publish(turn)
  const { state, resident, events, tells, effects } = turn
  return { state, resident, events, tells, effects }
}

/** What leaves it, for what nobody waits for. */
export const notedOf = (turn: Turn): Noted => left(turn)

/** What leaves it, with a reply. */
export const repliedOf = <Reply>(turn: Turn, reply: Reply): Answered<Reply> => ({ ...left(turn), reply })
