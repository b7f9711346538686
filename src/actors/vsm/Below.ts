/**
 * How those below stand. Each VSM tells it to the three above, with the sums of what is below itself: so one message to one VSM
 * shows its tree, and nobody reads a thousand rows for it.
 */
import { rootId, type VsmId } from "../../protocol/vsm/VsmId.ts"
import { type Digest, levelsMax, type Sums, type VsmState } from "../../protocol/vsm/VsmState.ts"
import { isStill, shownStatus } from "./Health.ts"
import { leftOf } from "./Ledger.ts"
import { drop, hasRoom, parentOf, put, type Turn, tellVsm } from "./Turn.ts"
import { unitCount } from "./Units.ts"

/** Least time between two words about itself, ms: a storm of attaching boards is a few of them. */
const paceMillis = 500

/** Sums over the children, as they have told; one that has not told yet is one VSM. */
export const sumsOf = ({ children, digests }: VsmState): Sums => {
  let sums: Sums = { vsms: 0, units: 0, pain: 0 }
  for (const id of children.keys()) {
    const { units = 0, pain = 0, below = { vsms: 0, units: 0, pain: 0 } } = digests.get(id) ?? {}
    sums = {
      vsms: sums.vsms + 1 + below.vsms,
      units: sums.units + units + below.units,
      pain: Math.max(sums.pain, pain, below.pain)
    }
  }
  return sums
}

/** The VSMs below as deep as is asked for, each behind its parent. What its parent does not have any more is left out. */
export const treeBelow = (state: VsmState, depth: number): ReadonlyArray<Digest> => {
  const byParent = Map.groupBy(state.digests.values(), ({ parent }) => parent)
  const below = (id: VsmId, level: number): ReadonlyArray<Digest> =>
    level > depth ? [] : (byParent.get(id) ?? []).flatMap((digest) => [digest, ...below(digest.id, level + 1)])
  return [...state.children.keys()].flatMap((id) => {
    const digest = state.digests.get(id)
    return digest === undefined || depth < 1 ? [] : [digest, ...below(id, 2)]
  })
}

const digestOf = (turn: Turn, parent: VsmId): Digest => {
  const { state, id } = turn
  const { zone, budget, pain = 0 } = state
  return {
    id,
    parent,
    status: shownStatus(state),
    ...(zone === undefined ? {} : { zone }),
    budget,
    left: leftOf(state),
    units: unitCount(state.units),
    quarantined: [...state.ailing.values()].filter(isStill).length,
    pain,
    below: sumsOf(state)
  }
}

const isSame = (one: Digest, other: Digest): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Whether those above are to hear of it: from when it is active until it has retired. */
const isHeardOf = ({ status, said }: VsmState): boolean =>
  status === "active" ||
  status === "quarantined" ||
  status === "retiring" ||
  (status === "retired" && said !== undefined)

/** Tells those above how this VSM stands, where that has changed: at once, and then not before a while is over. */
export const tellAbove = (turn: Turn): void => {
  const parent = parentOf(turn.state)
  if (parent === undefined || turn.id === rootId || !isHeardOf(turn.state)) return
  const digest = digestOf(turn, parent)
  const { sayAt: _, ...state } = turn.state
  const { said } = state
  if (said !== undefined && isSame(said.digest, digest)) {
    if (turn.state.sayAt !== undefined) turn.state = state
    return
  }
  const mayAt = said === undefined || digest.status !== said.digest.status ? turn.now : said.at + paceMillis
  // A retired one is not heard of any more: nothing may keep that back.
  const isFull = !hasRoom(turn) && digest.status !== "retired"
  if (turn.now < mayAt || isFull) {
    const { sayAt = 0 } = turn.state
    // A time that has passed is set anew: the timer would ring for it without end.
    if (sayAt <= turn.now) turn.state = { ...state, sayAt: turn.now < mayAt ? mayAt : turn.now + paceMillis }
    return
  }
  for (const above of state.path.slice(-1 - levelsMax, -1)) tellVsm(turn, above, "Below", { digest })
  if (digest.status === "retired") {
    const { said: __, ...rest } = state
    turn.state = rest
  } else turn.state = { ...state, said: { digest, at: turn.now } }
}

/** A VSM below says how it stands. */
export const heardBelow = (turn: Turn, digest: Digest): void => {
  const { digests, status } = turn.state
  if (status === "retired" || status === "absent") return
  if (digest.status !== "retired") turn.state = { ...turn.state, digests: put(digests, digest.id, digest) }
  else if (digests.has(digest.id)) turn.state = { ...turn.state, digests: drop(digests, digest.id) }
}
