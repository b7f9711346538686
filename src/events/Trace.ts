/** What followed from one request or one event: the events of its chain of causes, found again in the journal. */
import { Effect, Schema } from "effect"
import { millisOf } from "../protocol/Ids.ts"
import type { EventStream, PlacedEvent, Selection, Start } from "./EventStream.ts"

/** Events of a trace, at most. */
export const traceEventsMax = 1000
/** Commits that are looked through for them. */
const commitsMax = 200_000
const batch = 2000
/** Clocks of nodes and of the database differ: the journal is read from a little earlier on, ms. */
const marginMillis = 60_000
/** Commits to begin with where the id does not say when it was made. */
const lastCommits = 20_000

/** Nothing in the journal, as far as it was looked through, has this id or belongs to its chain. */
export class TraceNotFound extends Schema.TaggedError<TraceNotFound>()("TraceNotFound", { id: Schema.String }) {}

/** The events of a chain, oldest first. */
export interface Trace {
  /** What the chain began with: a request, an event or a match. */
  readonly root: string
  readonly events: ReadonlyArray<PlacedEvent>
  /** Whether there may be more: there were too many events, or too many commits to look through. */
  readonly isCut: boolean
}

const startOf = (id: string): Start => {
  const millis = millisOf(id)
  return millis === undefined ? { _tag: "Last", commits: lastCommits } : { _tag: "Since", time: millis - marginMillis }
}

/** Whatever has this id, and whatever is in the chain that begins with it. */
const gathered = Effect.fnUntraced(function* (stream: EventStream["Service"], id: string) {
  const selection: Selection = {
    hasSamples: true,
    matches: (event) => event.id === id || event.context?.root === id
  }
  const events: Array<PlacedEvent> = []
  let start = startOf(id)
  for (let commits = 0; commits < commitsMax; commits += batch) {
    const page = yield* stream.read(start, selection, { events: traceEventsMax - events.length, commits: batch })
    events.push(...page.events)
    if (!page.hasMore) return { root: id, events, isCut: false } satisfies Trace
    if (events.length === traceEventsMax) break
    start = { _tag: "After", cursor: page.next }
    // A node lives of other things, too.
    yield* Effect.yieldNow
  }
  return { root: id, events, isCut: true } satisfies Trace
})

/** The chain with this root, or the one that the event of this id is in. Fails with {@link TraceNotFound}. */
export const traceOf = Effect.fnUntraced(function* (stream: EventStream["Service"], id: string) {
  const found = yield* gathered(stream, id)
  const [first] = found.events
  if (first === undefined) return yield* new TraceNotFound({ id })
  const root = first.event.context?.root ?? id
  return root === id ? found : yield* gathered(stream, root)
})
