/**
 * How a child comes into the tree: the guard permits it, the budget is set aside, the child begins, the guard counts it, the child
 * is active. Each step is one commit of this row and a tell; whatever fails runs the steps back, in reverse order.
 */
import {
  Backpressure,
  BudgetExceeded,
  Conflict,
  type HolonError,
  InvalidTransition,
  SpawnDenied,
  Timeout,
  ZoneDenied
} from "../../protocol/Errors.ts"
import { uuidV7 } from "../../protocol/Ids.ts"
import { type Budget, lacking } from "../../protocol/vsm/Budget.ts"
import { isEnded, type Refusal, refusalOf, type SpawnView } from "../../protocol/vsm/Spawn.ts"
import { rootId, type VsmId } from "../../protocol/vsm/VsmId.ts"
import type { VsmState } from "../../protocol/vsm/VsmState.ts"
import { contains, type Zone } from "../../protocol/Zone.ts"
import { costOf, leftOf } from "./Ledger.ts"
import { drop, put, type Turn, tellGuard, tellVsm } from "./Turn.ts"

/** Spawns of one VSM under way at a time. */
const underWayMax = 32
/** A step that nobody answers fails after this, ms. */
const patienceMillis = 30_000
/** How long the outcome of a spawn is known, ms. */
const keptMillis = 600_000

/** What is asked for. */
export interface Wanted {
  readonly child: VsmId
  readonly budget?: Budget
  readonly zone?: Zone
  readonly template?: string
}

const isShort = (state: VsmState, budget: Budget): BudgetExceeded | undefined => {
  const short = lacking(leftOf(state), costOf(budget))
  return short === undefined ? undefined : new BudgetExceeded(short)
}

/** Why the spawn is refused here already, without asking anybody. */
export const objection = (state: VsmState, { child, budget = {}, zone }: Wanted): HolonError | undefined => {
  const { status, path, children, spawns } = state
  if (status !== "active") return new InvalidTransition({ from: status, event: "Spawn" })
  if (child === rootId || path.includes(child)) return new SpawnDenied({ reason: "loop" })
  const before = spawns.get(child)
  if (children.has(child) || (before !== undefined && !isEnded(before)))
    return new Conflict({ holder: `${child}, a child of ${path.at(-1)},` })
  if (zone !== undefined && state.zone !== undefined && !contains(state.zone, zone))
    return new ZoneDenied({ zone: state.zone })
  if ([...spawns.values()].filter((spawn) => !isEnded(spawn)).length >= underWayMax)
    return new Backpressure({ bucket: `the spawns of ${path.at(-1)}`, retryAfterMs: 1000 })
  return isShort(state, budget)
}

const write = (turn: Turn, spawn: SpawnView): void => {
  turn.state = { ...turn.state, spawns: put(turn.state.spawns, spawn.child, spawn) }
}

const step = (turn: Turn, spawn: SpawnView, to: SpawnView["step"]): SpawnView => {
  const next = { ...spawn, step: to, since: turn.now }
  write(turn, next)
  return next
}

const idOf = ({ context, now }: Turn): string =>
  context.requestId === ""
    ? uuidV7(now, (count) => Uint8Array.from({ length: count }, () => Math.floor(context.random() * 256)))
    : context.requestId

const wantedOf = ({ id }: Turn, { child, spawn, template }: SpawnView) => ({
  parent: id,
  child,
  spawn,
  ...(template === undefined ? {} : { template })
})

/** Begins a spawn to which there is no {@link objection}. */
export const beginSpawn = (turn: Turn, { child, budget = {}, zone = turn.state.zone, template }: Wanted): SpawnView => {
  const spawn: SpawnView = {
    child,
    spawn: idOf(turn),
    step: "reserving",
    budget,
    ...(zone === undefined ? {} : { zone }),
    ...(template === undefined ? {} : { template }),
    begunAt: turn.now,
    since: turn.now
  }
  write(turn, spawn)
  const data = { child, budget, ...(zone === undefined ? {} : { zone }) }
  turn.events.push({ type: "vsm.spawning", data })
  tellGuard(turn, "CheckSpawn", wantedOf(turn, spawn))
  return spawn
}

const refuse = (turn: Turn, spawn: SpawnView, refusal: Refusal): void => {
  write(turn, { ...spawn, step: "refused", since: turn.now, refusal })
  turn.events.push({
    type: "vsm.spawn-refused",
    severity: "warn",
    data: { child: spawn.child, error: refusal }
  })
}

const giveBack = (turn: Turn, { child, spawn }: Pick<SpawnView, "child" | "spawn">): void =>
  tellGuard(turn, "Failed", { parent: turn.id, child, spawn })

/** The child has begun, or may have: it ends first, then its budget and its place are free. */
const undo = (turn: Turn, spawn: SpawnView, refusal: Refusal): void => {
  write(turn, { ...spawn, step: "undoing", since: turn.now, refusal })
  tellVsm(turn, spawn.child, "Undo", { spawn: spawn.spawn, parent: turn.id, child: spawn.child })
}

interface Named {
  readonly child: VsmId
  readonly spawn: string
}

const current = ({ state }: Turn, { child, spawn }: Named): SpawnView | undefined => {
  const known = state.spawns.get(child)
  return known?.spawn === spawn ? known : undefined
}

/** The guard permits it. */
export const permitted = (turn: Turn, named: Named): void => {
  const spawn = current(turn, named)
  if (spawn?.step !== "reserving") {
    // Nobody waits for it any more; of one that goes on the guard may have said it twice.
    if (spawn === undefined || spawn.step === "refused") giveBack(turn, named)
    return
  }
  const { status } = turn.state
  const error =
    status === "active" ? isShort(turn.state, spawn.budget) : new InvalidTransition({ from: status, event: "Spawn" })
  if (error !== undefined) {
    giveBack(turn, named)
    return refuse(turn, spawn, refusalOf(error))
  }
  const { budget, zone, template } = step(turn, spawn, "creating")
  tellVsm(turn, spawn.child, "Start", {
    spawn: spawn.spawn,
    path: turn.state.path,
    budget,
    ...(zone === undefined ? {} : { zone }),
    ...(template === undefined ? {} : { template })
  })
}

/** The guard does not permit it, or does not count the child. */
export const denied = (turn: Turn, named: Named, refusal: Refusal): void => {
  const spawn = current(turn, named)
  if (spawn?.step === "reserving") refuse(turn, spawn, refusal)
  else if (spawn?.step === "confirming") undo(turn, spawn, refusal)
}

/** The child is there. */
export const announced = (turn: Turn, named: Named): void => {
  const spawn = current(turn, named)
  if (spawn?.step !== "creating") return
  const { status } = turn.state
  if (status !== "active") return undo(turn, spawn, refusalOf(new InvalidTransition({ from: status, event: "Spawn" })))
  tellGuard(turn, "Commit", wantedOf(turn, step(turn, spawn, "confirming")))
}

/** The guard counts the child: it stands in the tree. */
export const admitted = (turn: Turn, named: Named): void => {
  const spawn = current(turn, named)
  if (spawn?.step !== "confirming") return
  const { child, budget, zone } = step(turn, spawn, "active")
  const info = { id: child, budget, ...(zone === undefined ? {} : { zone }), since: turn.now }
  turn.state = { ...turn.state, children: put(turn.state.children, child, info) }
  tellVsm(turn, child, "Activate", { spawn: spawn.spawn })
  turn.events.push({ type: "vsm.spawned", data: { child, depth: turn.state.path.length } })
}

/** The child has ended again, or never began: its budget and its place are free. */
export const undone = (turn: Turn, named: Named): void => {
  const spawn = current(turn, named)
  if (spawn?.step !== "undoing") return
  giveBack(turn, named)
  refuse(turn, spawn, spawn.refusal ?? refusalOf(new SpawnDenied({ reason: "it was undone" })))
}

/** There is such a VSM already, of another spawn: it is left as it is. */
export const declined = (turn: Turn, named: Named): void => {
  const spawn = current(turn, named)
  if (spawn?.step !== "creating" && spawn?.step !== "undoing") return
  giveBack(turn, named)
  refuse(turn, spawn, spawn.refusal ?? refusalOf(new Conflict({ holder: named.child })))
}

/** A tell of the spawn will never arrive. */
export const unreachable = (turn: Turn, named: Named, cause: string): void => {
  const spawn = current(turn, named)
  if (spawn === undefined || isEnded(spawn)) return
  giveBack(turn, named)
  refuse(turn, spawn, refusalOf(new SpawnDenied({ reason: cause })))
}

/** Ends what is under way, because the VSM itself retires. */
export const abandonSpawns = (turn: Turn): void => {
  const refusal = refusalOf(new InvalidTransition({ from: turn.state.status, event: "Spawn" }))
  for (const spawn of turn.state.spawns.values())
    if (spawn.step === "creating" || spawn.step === "confirming") undo(turn, spawn, refusal)
}

/** Whether a spawn is under way. */
export const isSpawning = ({ spawns }: VsmState): boolean => [...spawns.values()].some((spawn) => !isEnded(spawn))

/** When a spawn waits too long, or its outcome is forgotten; infinite for never. */
export const spawnsDue = ({ spawns }: VsmState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const spawn of spawns.values()) {
    // What is undone is waited for: the budget is not free before the child has ended.
    if (spawn.step === "undoing") continue
    due = Math.min(due, spawn.since + (isEnded(spawn) ? keptMillis : patienceMillis))
  }
  return due
}

/** Ends the wait for who does not answer, and forgets outcomes that are old. */
export const endOverdueSpawns = (turn: Turn): void => {
  const late = refusalOf(new Timeout({ ms: patienceMillis }))
  for (const spawn of turn.state.spawns.values()) {
    const age = turn.now - spawn.since
    if (isEnded(spawn)) {
      if (age >= keptMillis) turn.state = { ...turn.state, spawns: drop(turn.state.spawns, spawn.child) }
    } else if (age < patienceMillis || spawn.step === "undoing") continue
    else if (spawn.step === "reserving") {
      // Its permit, should it still come, is given back behind this.
      giveBack(turn, spawn)
      refuse(turn, spawn, late)
    } else undo(turn, spawn, late)
  }
}
