/**
 * How a VSM ends: its children first, each handing its devices to its parent, then its own devices, then itself. Nothing is orphaned:
 * a device that does not answer in time is handed over by this VSM's word, and told so for as long as it takes.
 */
import { type HolonError, InvalidTransition } from "../../protocol/Errors.ts"
import { rootId, type VsmId } from "../../protocol/vsm/VsmId.ts"
import type { UnitInfo, VsmState } from "../../protocol/vsm/VsmState.ts"
import { handUp } from "./Adopting.ts"
import { abandonSpawns, isSpawning } from "./Spawning.ts"
import { become, drop, hasRoom, parentOf, put, type Turn, tellGuard, tellVsm } from "./Turn.ts"
import { unitCount } from "./Units.ts"

/** How long units are waited for, ms, unless somebody says another time. */
const drainMillis = 10_000
/** When more is to be told than may leave at a time, it goes on after this, ms. */
const paceMillis = 100
/** Units of one message. */
const unitsMax = 200

/** How it is to end. */
export interface Manner {
  readonly mode: "drain" | "now"
  readonly deadlineMillis?: number
}

/** Why it cannot retire. */
export const objection = ({ status }: VsmState, id: string): HolonError | undefined => {
  if (id === rootId)
    return new InvalidTransition({ from: "the root", event: "Retire", reason: "the root never retires" })
  return status === "absent" || status === "spawning"
    ? new InvalidTransition({ from: status, event: "Retire" })
    : undefined
}

/** Begins to end. A VSM that ends already only gets another deadline. */
export const beginRetirement = (turn: Turn, { mode, deadlineMillis = drainMillis }: Manner): void => {
  if (turn.state.status === "retired") return
  const retireBy = turn.now + (mode === "now" ? 0 : deadlineMillis)
  const isNew = turn.state.status !== "retiring"
  if (isNew) become(turn, "retiring")
  turn.state = { ...turn.state, retireBy, handed: turn.state.handed ?? { page: 0, after: "", units: 0 } }
  if (!isNew) return goOn(turn)
  const { children, units } = turn.state
  turn.events.push({ type: "vsm.retiring", data: { children: children.size, units: unitCount(units) } })
  abandonSpawns(turn)
  // Before any unit comes up: a parent that did not know would hand it down again, without end.
  const parent = parentOf(turn.state)
  if (parent !== undefined) tellVsm(turn, parent, "ChildRetiring", { child: turn.id })
  for (const child of children.values()) {
    turn.state = { ...turn.state, children: put(turn.state.children, child.id, { ...child, isRetiring: true }) }
    tellVsm(turn, child.id, "Retire", { mode, deadlineMillis })
  }
  goOn(turn)
}

/** A child retires, whoever told it to. */
export const childRetiring = (turn: Turn, id: VsmId): void => {
  const child = turn.state.children.get(id)
  if (child === undefined || child.isRetiring === true) return
  turn.state = { ...turn.state, children: put(turn.state.children, id, { ...child, isRetiring: true }) }
}

/** A child has ended. */
export const childRetired = (turn: Turn, child: VsmId): void => {
  if (!turn.state.children.has(child)) return
  const { children, ailing, digests } = turn.state
  const key = `vsm/${child}`
  turn.state = {
    ...turn.state,
    children: drop(children, child),
    digests: drop(digests, child),
    ...(ailing.has(key) ? { ailing: drop(ailing, key) } : {})
  }
  turn.events.push({ type: "vsm.child-retired", data: { child } })
}

/** Tells the units one after another to go to the parent, as many as may leave at a time. */
const tellUnits = (turn: Turn): void => {
  const { handed } = turn.state
  if (handed === undefined) return
  let { page, after, units: told } = handed
  while (page < turn.state.units.length) {
    const next: UnitInfo | undefined = turn.state.units[page]?.find(({ id }) => id > after)
    if (next === undefined) {
      page++
      after = ""
    } else if (!hasRoom(turn)) break
    else {
      handUp(turn, next.id)
      after = next.id
      told++
    }
  }
  if (page !== handed.page || after !== handed.after)
    turn.state = { ...turn.state, handed: { page, after, units: told } }
}

const isAllTold = ({ handed, units }: VsmState): boolean => (handed?.page ?? 0) >= units.length

/** Whether only the units stand between the VSM and its end. */
const isAlone = (state: VsmState): boolean => state.children.size === 0 && !isSpawning(state) && isAllTold(state)

/** Hands the units that are left to the parent by its own word, as many as may leave at a time. */
const pass = (turn: Turn): void => {
  const parent = parentOf(turn.state)
  if (parent === undefined) return
  while (hasRoom(turn)) {
    const { units } = turn.state
    const number = units.findIndex(({ length }) => length > 0)
    const page = units[number]
    if (page === undefined) return
    tellVsm(turn, parent, "TakeUnits", { from: turn.id, units: page.slice(0, unitsMax) })
    turn.state = { ...turn.state, units: units.with(number, page.slice(unitsMax)) }
  }
}

/** Does what can be done now, and ends when nothing is left. */
export const goOn = (turn: Turn): void => {
  if (turn.state.status !== "retiring") return
  tellUnits(turn)
  const isOver = isAlone(turn.state) && turn.now >= (turn.state.retireBy ?? 0)
  if (isOver) pass(turn)
  const { nextAt: _, ...state } = turn.state
  const isLeft = unitCount(state.units) > 0
  turn.state = !isAllTold(state) || (isOver && isLeft) ? { ...state, nextAt: turn.now + paceMillis } : state
  if (isAlone(state) && !isLeft) end(turn)
}

const end = (turn: Turn): void => {
  const parent = parentOf(turn.state)
  if (parent === undefined) return
  const { retireBy: _, handed, nextAt: __, ...state } = turn.state
  turn.state = { ...state, adoptions: new Map(), ailing: new Map(), digests: new Map() }
  become(turn, "retired")
  tellVsm(turn, parent, "ChildRetired", { child: turn.id })
  tellGuard(turn, "Released", { child: turn.id })
  turn.tells.push({ to: { kind: "coordinator", id: turn.id }, message: "Retired", payload: {} })
  turn.events.push({ type: "vsm.retired", data: { parent, handedUp: handed?.units ?? 0 } })
}

/** When a retirement goes on by itself; infinite when it waits for others. */
export const retirementDue = (state: VsmState): number => {
  const { status, retireBy = 0, nextAt = Number.POSITIVE_INFINITY } = state
  if (status !== "retiring") return Number.POSITIVE_INFINITY
  return Math.min(nextAt, isAlone(state) && nextAt === Number.POSITIVE_INFINITY ? retireBy : Number.POSITIVE_INFINITY)
}
