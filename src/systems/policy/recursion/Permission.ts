/** Whether a VSM may stand where a parent wants it: what the tree and its bounds say, as a pure function. */
import { DepthExceeded, SpawnDenied } from "../../../protocol/Errors.ts"
import { depthMax, type Member, type RecursionState } from "../../../protocol/vsm/Recursion.ts"
import { rootId, type VsmId } from "../../../protocol/vsm/VsmId.ts"

/** A VSM that is wanted. */
export interface Wanted {
  readonly parent: VsmId
  readonly child: VsmId
  readonly spawn: string
  readonly template?: string | undefined
}

const memberOf = ({ members }: RecursionState, id: VsmId): Member | undefined =>
  Object.hasOwn(members, id) ? members[id] : undefined

const isPermit = ({ expiresAt }: Member): boolean => expiresAt !== undefined

/** The ids from a VSM up to the root. A guard that knows no way to the root knows no such VSM. */
const wayUp = (state: RecursionState, from: VsmId): ReadonlyArray<VsmId> | undefined => {
  const way: Array<VsmId> = []
  for (let id = from; id !== rootId; ) {
    const member = memberOf(state, id)
    if (member === undefined || isPermit(member) || way.includes(id)) return undefined
    way.push(id)
    id = member.parent
  }
  return [...way, rootId]
}

/** Permits that were not used in time hold no place any more. */
export const withoutExpired = (state: RecursionState, now: number): RecursionState => {
  const entries = Object.entries(state.members)
  const kept = entries.filter(([, { expiresAt = Number.POSITIVE_INFINITY }]) => expiresAt > now)
  return kept.length === entries.length ? state : { ...state, members: Object.fromEntries(kept) }
}

/** Why the VSM may not stand there, or the depth at which it may. */
export const judged = (
  state: RecursionState,
  { parent, child, spawn, template }: Wanted
): DepthExceeded | SpawnDenied | number => {
  const { bounds, depthLimit } = state
  const deny = (reason: string): SpawnDenied => new SpawnDenied({ reason })
  const way = wayUp(state, parent)
  if (way === undefined) return deny(`${parent} is no VSM of this tree`)
  if (way.includes(child)) return deny("loop")
  const known = memberOf(state, child)
  if (known !== undefined && known.spawn !== spawn)
    return deny(`there is a VSM ${child} already, below ${known.parent}`)
  if (way.length > depthLimit) return new DepthExceeded({ depth: way.length, limit: depthLimit })
  const others = Object.entries(state.members).filter(([id]) => id !== child)
  if (others.length >= bounds.total)
    return deny(`there are ${bounds.total} VSMs below the root, as many as there may be`)
  const siblings = others.reduce((count, [, member]) => (member.parent === parent ? count + 1 : count), 0)
  if (siblings >= bounds.children) return deny(`${parent} has ${siblings} children, as many as it may have`)
  if (template !== undefined) {
    const same = way.filter((id) => memberOf(state, id)?.template === template).length
    if (same >= bounds.sameTemplate) return deny(`${same} VSMs of template ${template} stand above each other already`)
  }
  return way.length
}

/** The members with a VSM and all below it at their depths, after it has moved. */
export const withDepths = ({ members }: RecursionState, id: VsmId, depth: number): RecursionState["members"] => {
  const next = new Map(Object.entries(members))
  const place = (at: string, level: number): void => {
    const member = next.get(at)
    // None stands so deep: a way that goes round would never end.
    if (member === undefined || level > depthMax) return
    next.set(at, { ...member, depth: level })
    for (const [below, { parent }] of next) if (parent === at) place(below, level + 1)
  }
  place(id, depth)
  return Object.fromEntries(next)
}
