/** How a subscription reads the event stream: as an effect, from a cursor, a bounded part at a time. */
import { Cause, Effect, Option } from "effect"
import { documentPredicate } from "../../events/condition/Closure.ts"
import { type EventPage, EventStream, type Selection, type Start } from "../../events/EventStream.ts"
import { documentOf } from "../../events/matching/Document.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { events } from "../../protocol/condition/Source.ts"
import type { SubscriptionSettings } from "../../protocol/Subscription.ts"

/** Commits looked through for one part, so that a condition which nothing fulfils ends. */
const commitsMax = 10_000

/** What is read. */
export interface ReadInput {
  readonly start: Start
  readonly settings: Pick<SubscriptionSettings, "where" | "source" | "samples">
  /** Events at most. */
  readonly limit: number
}

/** What came of it. */
export type ReadOutcome = { readonly _tag: "Read"; readonly page: EventPage } | { readonly _tag: "Unavailable" }

const unavailable: ReadOutcome = { _tag: "Unavailable" }

const selectionOf = ({ where, source, samples }: ReadInput["settings"]) =>
  Effect.gen(function* () {
    const holds =
      where === undefined ? () => true : documentPredicate(yield* Effect.fromResult(bindText(where, events)))
    return {
      hasSamples: samples,
      matches: (event) =>
        (source === undefined || source === `${event.source.actor}/${event.source.id}`) && holds(documentOf(event))
    } satisfies Selection
  })

const readPart = ({ start, settings, limit }: ReadInput) =>
  Effect.gen(function* () {
    const stream = yield* Effect.serviceOption(EventStream)
    // A process without a journal, such as a simulation.
    if (Option.isNone(stream)) return unavailable
    const selection = yield* selectionOf(settings)
    const page = yield* stream.value.read(start, selection, { events: limit, commits: commitsMax })
    return { _tag: "Read", page } satisfies ReadOutcome
  })

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
