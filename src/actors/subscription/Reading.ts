/** How a subscription reads the event stream: as an effect, from a cursor, a bounded part at a time. */
import { Cause, Effect, Option } from "effect"
import { Arrivals } from "../../events/Arrivals.ts"
import { documentPredicate } from "../../events/condition/Closure.ts"
import { compareCursors, type EventPage, EventStream, type Selection, type Start } from "../../events/EventStream.ts"
import { documentOf } from "../../events/matching/Document.ts"
import { topicTest } from "../../events/matching/Topic.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { events } from "../../protocol/condition/Source.ts"
import type { SubscriptionSettings } from "../../protocol/SubscriptionState.ts"

/** Commits looked through for one part, so that a condition which nothing fulfils ends. */
const commitsMax = 10_000

/** What is read. */
export interface ReadInput {
  readonly start: Start
  readonly settings: Pick<SubscriptionSettings, "topic" | "where" | "source" | "samples">
  /** Events at most. */
  readonly limit: number
  /** Waits for so long while there is nothing, ms. */
  readonly waitMillis: number
}

/** What came of it. */
export type ReadOutcome = { readonly _tag: "Read"; readonly page: EventPage } | { readonly _tag: "Unavailable" }

const unavailable: ReadOutcome = { _tag: "Unavailable" }

const selectionOf = ({ topic, where, source, samples }: ReadInput["settings"]) =>
  Effect.gen(function* () {
    const holds =
      where === undefined ? () => true : documentPredicate(yield* Effect.fromResult(bindText(where, events)))
    const isOnTopic = topicTest(topic)
    return {
      hasSamples: samples,
      matches: (event) =>
        (source === undefined || source === `${event.source.actor}/${event.source.id}`) &&
        isOnTopic(event) &&
        holds(documentOf(event))
    } satisfies Selection
  })

const isWorthIt = ({ events, hasMore }: EventPage): boolean => events.length > 0 || hasMore

const readPart = ({ start, settings, limit, waitMillis }: ReadInput) =>
  Effect.gen(function* () {
    const stream = yield* Effect.serviceOption(EventStream)
    const arrivals = yield* Effect.serviceOption(Arrivals)
    // A process without a journal, such as a simulation.
    if (Option.isNone(stream) || Option.isNone(arrivals)) return unavailable
    const selection = yield* selectionOf(settings)
    const readFrom = (from: Start) =>
      Effect.map(
        stream.value.read(from, selection, { events: limit, commits: commitsMax }),
        (page): ReadOutcome => ({ _tag: "Read", page })
      )
    if (waitMillis <= 0) return yield* readFrom(start)
    // It listens before it reads: what comes in between is not missed.
    const { first, cursor } = yield* arrivals.value.watch(selection)
    const before = yield* readFrom(start)
    if (before._tag !== "Read" || isWorthIt(before.page)) return before
    const { page } = before
    const come = yield* Effect.timeoutOption(first, waitMillis)
    if (Option.isSome(come)) return yield* readFrom({ _tag: "After", cursor: page.next })
    // Nothing of what was heard is meant: none of it need be read again.
    const heard = cursor()
    const next = compareCursors(heard, page.next) > 0 ? heard : page.next
    return { _tag: "Read", page: { ...page, next } } satisfies ReadOutcome
  }).pipe(Effect.scoped)

/** Answers {@link ReadOutcome}, whatever happens: the next pull reads again. */
export const read = (input: unknown): Effect.Effect<ReadOutcome> =>
  // Only the subscription itself orders it, and it goes through no storage.
  readPart(input as ReadInput).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.as(Effect.logWarning("a subscription cannot read the event stream", cause), unavailable)
    )
  )
