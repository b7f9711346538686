/** A chain of causes as people read it: each event below what led to it. */
import type { PlacedEventView, TraceView } from "../gateways/http/EventQueries.ts"
import { lineOf } from "./EventLine.ts"

/** Below twenty causes lines are no longer moved to the right, characters. */
const barsMax = 60

/** The cause below which an event stands: the last one of those that are in the chain. */
const parentOf = ({ event }: PlacedEventView, ids: ReadonlySet<string>): string | undefined =>
  event.causes.findLast((cause) => cause !== event.id && ids.has(cause))

/** The tree, an event a line. */
export const treeOf = ({ root, events, isCut }: TraceView): string => {
  const ids = new Set(events.map(({ event }) => event.id))
  const below = new Map<string, Array<PlacedEventView>>()
  const first: Array<PlacedEventView> = []
  for (const placed of events) {
    const parent = parentOf(placed, ids)
    if (parent === undefined) first.push(placed)
    else if (below.has(parent)) below.get(parent)?.push(placed)
    else below.set(parent, [placed])
  }
  const lines: Array<string> = []
  const told = new Set<string>()
  const tell = (placed: PlacedEventView, bars: string, mark: "" | "├─ " | "└─ "): void => {
    if (told.has(placed.event.id)) return
    told.add(placed.event.id)
    lines.push(`${bars}${mark}${lineOf(placed)}`)
    const under = mark === "" ? "" : `${bars}${mark === "├─ " ? "│  " : "   "}`
    const next = below.get(placed.event.id) ?? []
    for (const [index, each] of next.entries())
      tell(each, under.slice(0, barsMax), index < next.length - 1 ? "├─ " : "└─ ")
  }
  for (const placed of first) tell(placed, "", "")
  // Clocks may lie, ids not: what names each other in a circle still stands there.
  for (const placed of events) tell(placed, "", "")
  const begun = ids.has(root) ? "an event" : "what was asked for, or a match"
  const count = `${events.length} ${events.length === 1 ? "event" : "events"}`
  const cut = isCut ? ["… there may be more"] : []
  return [`${root} (${begun}), ${count}`, ...lines, ...cut].join("\n")
}
