/** The event stream over HTTP: pages of JSON, and a live tail as Server-Sent Events. */
import { Effect, Option, Schema, Stream } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ChainIndex } from "../../events/ChainIndex.ts"
import { EventStream, lookedBackMax, type PlacedEvent, type Start } from "../../events/EventStream.ts"
import { CursorMalformed, JournalUnavailable } from "../../events/JournalReader.ts"
import { TraceNotFound, traceOf } from "../../events/Trace.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { HolonError, type Malformed, NotFound, Unavailable } from "../../protocol/Errors.ts"
import { HolonEvent } from "../../protocol/Event.ts"
import { Authorization } from "./Authorization.ts"
import { ConditionParameters } from "./DeviceQueries.ts"
import {
  EventPageView,
  type EventQuery,
  eventQueryFields,
  selectionOf,
  spokenCursor,
  startOf,
  TraceId,
  TraceView
} from "./EventQueries.ts"
import { Needs } from "./Needs.ts"
import { Sources } from "./Sources.ts"

const whole = (maximum: number) =>
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum }))
const flag = Schema.Literals(["true", "false"])

const query = {
  ...eventQueryFields,
  parameters: Schema.optionalKey(Schema.fromJsonString(ConditionParameters)),
  last: Schema.optionalKey(whole(10_000)),
  samples: Schema.optionalKey(flag)
}

/** Commits looked through for one page, so that a filter that matches nothing ends. */
const scannedMax = 10_000
const pageDefault = 100
/** Events that are shown of the past when nothing else is asked for. */
const pastDefault = 50
const batch = 1000

const listEvents = HttpApiEndpoint.get("listEvents", "/api/events", {
  query: { ...query, limit: Schema.optionalKey(whole(1000)) },
  success: EventPageView,
  error: [...HolonError.members, ConditionInvalid]
})
  .annotate(Needs, "event.read")
  .annotate(
    OpenApi.Description,
    `Events, oldest first: behind the cursor \`after\`, from the time \`since\` on, or the \`last\` ones that match (default ${pageDefault}; looked for in the last ${lookedBackMax} commits). \`next\` goes into \`after\` for the page behind, also where a filter left all out. \`samples=true\` adds what boards measure. \`parameters\` says as JSON what \`$names\` in \`where\` stand for.`
  )

/** An event as `EventSource` takes it; its id comes back as `Last-Event-ID`. `alive` says only that the line is. */
const TailEvent = Schema.Union([
  Schema.Struct({ id: Schema.String, event: Schema.Literal("message"), data: Schema.fromJsonString(HolonEvent) }),
  Schema.Struct({ event: Schema.Literal("alive"), data: Schema.String })
])
/** Proxies close what is silent for longer, and a client hears nothing at all before the first word. */
const aliveEvery = "15 seconds"
const alive = { event: "alive", data: "" } as const

const tailEvents = HttpApiEndpoint.get("tailEvents", "/api/events/tail", {
  query,
  headers: { "last-event-id": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))) },
  success: HttpApiSchema.StreamSse({ events: TailEvent }),
  error: [...HolonError.members, ConditionInvalid]
})
  .annotate(Needs, "event.read")
  .annotate(
    OpenApi.Description,
    "Events as they happen, as Server-Sent Events; from now on where nothing else is said. Each has its cursor as id, so that a browser goes on where its connection broke. An event `alive` comes at once and every 15 seconds."
  )

const traceEvents = HttpApiEndpoint.get("traceEvents", "/api/events/trace/:id", {
  params: { id: TraceId },
  success: TraceView,
  error: HolonError.members
})
  .annotate(Needs, "event.read")
  .annotate(
    OpenApi.Description,
    "What followed from a request or an event: all events of the chain of causes that begins with this id, or that the event of this id is in. Each names what led to it in `causes`. With `isCut` there may be more."
  )

/** The group of the API. */
export const eventGroup = HttpApiGroup.make("events").add(listEvents, tailEvents, traceEvents).middleware(Authorization)

type EventFailure = Malformed | Unavailable | ConditionInvalid

/** What the stream cannot do, in the words of the API. */
export const spokenFailure = (
  error: JournalUnavailable | CursorMalformed | Malformed | ConditionInvalid
): Malformed | Unavailable | ConditionInvalid => {
  if (error instanceof JournalUnavailable) return new Unavailable({ cause: "the journal does not answer" })
  return error instanceof CursorMalformed ? spokenCursor(error) : error
}

interface Query extends Omit<EventQuery, "samples"> {
  readonly samples?: "true" | "false"
}

const readable = ({ samples, ...rest }: Query): EventQuery => ({ ...rest, samples: samples === "true" })

/** Reads and follows by a query; failures in the words of the API. */
export const eventReads = Effect.map(Effect.all([EventStream, ChainIndex, Sources]), ([events, index, sources]) => ({
  page: (asked: EventQuery, limit: number) =>
    Effect.gen(function* () {
      const start = yield* startOf(asked, { _tag: "LastEvents", events: limit })
      const selection = yield* selectionOf(asked, sources.events)
      return yield* events.read(start, selection, { events: limit, commits: scannedMax })
    }).pipe(Effect.mapError(spokenFailure)),
  trace: (id: string): Effect.Effect<TraceView, Unavailable | NotFound> =>
    Effect.mapError(traceOf(index, id), (error) =>
      error instanceof TraceNotFound
        ? new NotFound({ what: `event or chain of causes ${id} in the journal` })
        : new Unavailable({ cause: "the journal does not answer" })
    ),
  /** From where the query begins to where the stream ends for now. */
  past: (asked: EventQuery): Stream.Stream<PlacedEvent, EventFailure> =>
    Effect.gen(function* () {
      const first = yield* startOf(asked, { _tag: "LastEvents", events: pastDefault })
      const selection = yield* selectionOf(asked, sources.events)
      return Stream.paginate(first, (start: Start) =>
        Effect.map(
          events.read(start, selection, { events: batch, commits: batch }),
          ({ events: placed, next, hasMore }) => [
            placed,
            hasMore ? Option.some<Start>({ _tag: "After", cursor: next }) : Option.none()
          ]
        )
      ).pipe(Stream.mapError(spokenFailure))
    }).pipe(Stream.unwrap),
  /** Fails at once with what is wrong in the query. */
  tail: (
    asked: EventQuery,
    otherwise: Start
  ): Effect.Effect<Stream.Stream<PlacedEvent, EventFailure>, Malformed | ConditionInvalid> =>
    Effect.gen(function* () {
      const start = yield* startOf(asked, otherwise)
      const selection = yield* selectionOf(asked, sources.events)
      return Stream.mapError(events.follow(start, selection), spokenFailure)
    })
}))

/** What each endpoint does. */
export const eventHandlers = Effect.map(eventReads, (reads) => ({
  trace: reads.trace,
  list: ({ limit = pageDefault, ...asked }: Query & { readonly limit?: number }) => reads.page(readable(asked), limit),
  tail: (asked: Query, lastEventId: string | undefined) =>
    Effect.map(
      reads.tail(readable(lastEventId === undefined ? asked : resumed(asked, lastEventId)), { _tag: "Now" }),
      (tail) =>
        Stream.merge(
          Stream.orDie(
            Stream.map(tail, ({ cursor, event }) => ({ id: cursor, event: "message" as const, data: event }))
          ),
          Stream.as(Stream.tick(aliveEvery), alive)
        )
    )
}))

/** A browser that comes back says what it saw last; its address still says where it first began. */
const resumed = ({ since: _since, last: _last, ...asked }: Query, after: string): Query => ({ ...asked, after })
