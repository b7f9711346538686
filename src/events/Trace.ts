/** What followed from one request or one event: the events of its chain of causes, found again in the journal. */
import { Effect, Schema } from "effect"
import { millisOf } from "../protocol/Ids.ts"
import type { ChainIndex } from "./ChainIndex.ts"
import { compareCursors, type PlacedEvent, placedIn } from "./EventStream.ts"

/** Events of a trace, at most. */
export const traceEventsMax = 1000

/** Nothing in the journal has this id or belongs to its chain. */
export class TraceNotFound extends Schema.TaggedError<TraceNotFound>()("TraceNotFound", { id: Schema.String }) {}

/** The events of a chain, oldest first. */
export interface Trace {
  /** What the chain began with: a request, an event or a match. */
  readonly root: string
  readonly events: ReadonlyArray<PlacedEvent>
  /** Whether there are more events than these. */
  readonly isCut: boolean
}

type Index = ChainIndex["Service"]

/** The events of the commit that has the event of this id; none when there is no such event. */
export const commitOf = Effect.fnUntraced(function* (index: Index, id: string) {
  const millis = millisOf(id)
  if (millis === undefined) return []
  const commits = yield* index.madeAt(millis)
  return commits.map(placedIn).find((placed) => placed.some(({ event }) => event.id === id)) ?? []
})

const inChain = (placed: ReadonlyArray<PlacedEvent>, root: string): ReadonlyArray<PlacedEvent> =>
  placed.filter(({ event }) => event.id === root || event.context?.root === root)

/** The chain with this root, or the one that the event of this id is in. Fails with {@link TraceNotFound}. */
export const traceOf = Effect.fnUntraced(function* (index: Index, id: string) {
  const found = yield* commitOf(index, id)
  const root = found.find(({ event }) => event.id === id)?.event.context?.root ?? id
  const begun = root === id ? found : yield* commitOf(index, root)
  const commits = yield* index.ofRoot(root, traceEventsMax + 1)
  // What was found is shown also where the index does not know of it: the journal may be older.
  const all = new Map<string, PlacedEvent>()
  for (const placed of [begun, found, ...commits.map(placedIn)])
    for (const each of inChain(placed, root)) all.set(each.cursor, each)
  if (all.size === 0) return yield* new TraceNotFound({ id })
  const events = [...all.values()].sort((left, right) => compareCursors(left.cursor, right.cursor))
  const trace: Trace = { root, events: events.slice(0, traceEventsMax), isCut: events.length > traceEventsMax }
  return trace
})
