/** How a VSM begins: the root by itself, every other one by the spawn of its parent. */

import { type Budget, lacking, resources } from "../../protocol/vsm/Budget.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import type { VsmPath, VsmState } from "../../protocol/vsm/VsmState.ts"
import type { Zone } from "../../protocol/Zone.ts"
import { become, parentOf, type Turn, tellChannel, tellVsm } from "./Turn.ts"
import { noUnits } from "./Units.ts"

/** VSMs that may be below the root. */
const spawnMax = 1024
/** Of everything else the root has more than any machine: what bounds its children is what they are given. */
const rootUnits = 1_000_000_000

const rootBudget: Budget = {
  ...Object.fromEntries(resources.map((resource) => [resource, rootUnits])),
  spawn: spawnMax
}

const isSame = (one: Budget, other: Budget): boolean =>
  lacking(one, other) === undefined && lacking(other, one) === undefined

/** A VSM that nobody has begun; the root needs nobody. */
export const initial = (id: string): VsmState => ({
  status: id === rootId ? "active" : "absent",
  since: 0,
  createdAt: 0,
  path: [VsmId.make(id)],
  budget: id === rootId ? rootBudget : {},
  children: new Map(),
  spawns: new Map(),
  adoptions: new Map(),
  ailing: new Map(),
  digests: new Map(),
  units: noUnits
})

/** The root is there from its first message on; it is said once. What the config does not bound is as much as ever. */
export const found = (turn: Turn, { budget: wanted }: { readonly budget?: Budget }): void => {
  if (turn.id !== rootId) return
  if (turn.state.createdAt === 0) {
    turn.state = { ...turn.state, createdAt: turn.now, since: turn.now }
    turn.events.push({ type: "vsm.founded", data: {} })
  }
  const budget = { ...rootBudget, ...wanted }
  if (wanted === undefined || isSame(budget, turn.state.budget)) return
  turn.state = { ...turn.state, budget }
  turn.events.push({ type: "vsm.budget-set", data: { budget } })
}

/** What a parent gives its child. */
export interface Beginning {
  readonly spawn: string
  readonly path: VsmPath
  readonly budget: Budget
  readonly zone?: Zone
  readonly template?: string
}

/** A parent begins this VSM. One that lives is not begun again by anybody. */
export const start = (turn: Turn, { spawn, path, budget, zone, template }: Beginning): void => {
  const parent = path.at(-1)
  if (parent === undefined) return
  const { status } = turn.state
  const isNew = status === "absent" || status === "retired"
  if (isNew && turn.id !== rootId && !path.includes(turn.id)) {
    // Its coordinator gives nothing of what has retired.
    if (status === "retired")
      turn.tells.push({ to: { kind: "coordinator", id: turn.id }, message: "Begun", payload: {} })
    turn.state = {
      ...initial(turn.id),
      status: "spawning",
      since: turn.now,
      createdAt: turn.now,
      path: [...path, turn.id],
      budget,
      spawn,
      ...(zone === undefined ? {} : { zone }),
      ...(template === undefined ? {} : { template })
    }
  }
  const isBegun = turn.state.spawn === spawn && turn.state.status === "spawning"
  tellVsm(turn, parent, isBegun ? "Announced" : "Declined", { child: turn.id, spawn })
}

/** The VSM stands in the tree. */
export const activate = (turn: Turn, spawn: string): void => {
  const parent = parentOf(turn.state)
  if (turn.state.status !== "spawning" || turn.state.spawn !== spawn || parent === undefined) return
  become(turn, "active")
  turn.events.push({ type: "vsm.activated", data: { parent, depth: turn.state.path.length - 1 } })
  tellChannel(turn, "Placed", { path: turn.state.path })
}

/** The spawn failed. One of another spawn stays as it is: for this one there is nothing to undo. */
export const undoStart = (turn: Turn, { spawn, parent }: { readonly spawn: string; readonly parent: VsmId }): void => {
  if (turn.state.status === "spawning" && turn.state.spawn === spawn) become(turn, "retired", "its spawn failed")
  tellVsm(turn, parent, "Undone", { child: turn.id, spawn })
}
