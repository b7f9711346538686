/** Whether something is wrong with a VSM. It is active all the same: `degraded` is how people see it, and an event on either side. */
import type { Ailing, ShownStatus, Trouble, VsmState } from "../../protocol/vsm/VsmState.ts"
import type { Turn } from "./Turn.ts"

/** Pain beyond doubt. */
const painMin = 0.85
/** Troubles that are named; of more of them the rest is no news. */
const namedMax = 16

/** Whether it stands still, as far as its supervisor knows. */
export const isStill = ({ restartAt, restarts, since }: Ailing): boolean =>
  restartAt !== undefined || !restarts.some((at) => at >= since)

/** What is wrong with it. */
export const troublesOf = ({ path, ailing, children, digests, pain = 0 }: VsmState): ReadonlyArray<Trouble> => {
  const found: Array<Trouble> = []
  for (const each of ailing.values())
    if (isStill(each)) found.push({ kind: each.kind, id: each.id, what: "quarantined" })
  for (const { id, status } of digests.values())
    if (status === "quarantined" && children.has(id) && !ailing.has(`vsm/${id}`))
      found.push({ kind: "vsm", id, what: "quarantined" })
  const self = path.at(-1)
  if (pain >= painMin && self !== undefined) found.push({ kind: "vsm", id: self, what: "pain" })
  return found.slice(0, namedMax)
}

/** Its status as people see it. */
export const shownStatus = (state: VsmState): ShownStatus =>
  state.status === "active" && troublesOf(state).length > 0 ? "degraded" : state.status

/** Says it when something has become wrong, and when nothing is any more. One that is not active any more is neither. */
export const noteHealth = (turn: Turn): void => {
  const { status, degradedAt } = turn.state
  const troubles = status === "active" ? troublesOf(turn.state) : []
  if (troubles.length > 0 === (degradedAt !== undefined)) return
  const { degradedAt: _, ...state } = turn.state
  turn.state = troubles.length > 0 ? { ...state, degradedAt: turn.now } : state
  if (troubles.length > 0) turn.events.push({ type: "vsm.degraded", severity: "warn", data: { troubles } })
  else if (status === "active") turn.events.push({ type: "vsm.recovered", data: {} })
}
