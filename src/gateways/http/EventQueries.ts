/** Which events a client wants and where it begins, as it says so in words. */
import { Clock, Duration, Effect, Option, Schema } from "effect"
import { documentPredicate } from "../../events/condition/Closure.ts"
import { eventPositionOf, type Selection, type Start } from "../../events/EventStream.ts"
import type { CursorMalformed } from "../../events/JournalReader.ts"
import { documentOf } from "../../events/matching/Document.ts"
import { topicTest } from "../../events/matching/Topic.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import type { Source } from "../../protocol/condition/Source.ts"
import { charactersMax } from "../../protocol/condition/Token.ts"
import { Malformed } from "../../protocol/Errors.ts"
import { HolonEvent } from "../../protocol/Event.ts"
import { TopicGlob } from "../../protocol/Topic.ts"
import type { ConditionParameters } from "./DeviceQueries.ts"

/** An event with the cursor behind it. */
export const PlacedEventView = Schema.Struct({ cursor: Schema.String, event: HolonEvent })
export type PlacedEventView = typeof PlacedEventView.Type

/** A part of the stream, oldest first. `next` goes into `after` for the part behind. */
export const EventPageView = Schema.Struct({
  events: Schema.Array(PlacedEventView),
  next: Schema.String,
  hasMore: Schema.Boolean
})

/** A chain of causes, oldest event first. */
export const TraceView = Schema.Struct({
  root: Schema.String,
  events: Schema.Array(PlacedEventView),
  isCut: Schema.Boolean
})
export type TraceView = typeof TraceView.Type

/** The root of a chain, or any event in it. */
export const TraceId = Schema.String.check(Schema.isMaxLength(64))

const word = (most: number) => Schema.optionalKey(Schema.String.check(Schema.isMaxLength(most)))

/** At most one of `after`, `since` and `last`. */
export const eventQueryFields = {
  /** Cursor of an event. */
  after: word(64),
  /** An instant such as `2026-11-21T08:00:00Z`, or how long ago, such as `10 minutes`, `90s`, `2h`. */
  since: word(64),
  /** `KIND/ID` of the actor that speaks. */
  source: word(160),
  /** A glob over the topics of events, such as `root.hall.*.error`. */
  topic: Schema.optionalKey(TopicGlob),
  /** A condition that an event must fulfil, such as `type glob "command.*" or severity == "error"`. */
  where: word(charactersMax)
}

/** What is asked for. */
export interface EventQuery {
  readonly after?: string
  readonly since?: string
  readonly last?: number
  readonly source?: string
  readonly topic?: string
  readonly where?: string
  readonly parameters?: typeof ConditionParameters.Type
  readonly samples?: boolean
}

/** Short forms of the command line; all others are those of Effect. */
const shortUnits: Readonly<Record<string, Duration.Unit>> = {
  ms: "millis",
  s: "seconds",
  m: "minutes",
  min: "minutes",
  h: "hours",
  d: "days"
}

const agoOf = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text.trim()) ?? []
  if (amount === undefined || unit === undefined) return Option.none()
  return Duration.fromInput(`${Number(amount)} ${shortUnits[unit] ?? unit}` as Duration.Input)
}

const instant = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/

/** A time as people write it, ms. Fails with {@link Malformed}. */
export const timeOf = Effect.fnUntraced(function* (text: string) {
  const now = yield* Clock.currentTimeMillis
  const ago = agoOf(text)
  if (Option.isSome(ago)) return now - Duration.toMillis(ago.value)
  const time = instant.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(time)) return time
  return yield* new Malformed({
    path: "since",
    reason: `"${text}" is no time; write an instant such as 2026-11-21T08:00:00Z, or how long ago, such as 10min or 2h`
  })
})

/** A cursor that is none, in the words of the API. */
export const spokenCursor = ({ cursor }: CursorMalformed): Malformed =>
  new Malformed({ path: "after", reason: `"${cursor}" is no cursor of an event` })

/** Where to begin; `otherwise` when the query says nothing of it. Fails with {@link Malformed}. */
export const startOf = Effect.fnUntraced(function* ({ after, since, last }: EventQuery, otherwise: Start) {
  const given = [after, since, last].filter((each) => each !== undefined)
  if (given.length > 1)
    return yield* new Malformed({ path: "", reason: "say one of after, since and last: each says where to begin" })
  if (after !== undefined) {
    yield* Effect.mapError(eventPositionOf(after), spokenCursor)
    return { _tag: "After", cursor: after } satisfies Start
  }
  if (since !== undefined) return { _tag: "Since", time: yield* timeOf(since) } satisfies Start
  if (last !== undefined) return { _tag: "LastEvents", events: last } satisfies Start
  return otherwise
})

/** Which events are meant; the condition speaks about `kind`. Fails with {@link Malformed}, and with what is wrong in it. */
export const selectionOf = Effect.fnUntraced(function* (query: EventQuery, kind: Source) {
  const { source, topic, where, parameters, samples = false } = query
  if (where === undefined && parameters !== undefined)
    return yield* new Malformed({ path: "parameters", reason: "there is no `where` that they belong to" })
  const holds =
    where === undefined ? () => true : documentPredicate(yield* Effect.fromResult(bindText(where, kind, parameters)))
  const isOnTopic = topicTest(topic)
  if (source === undefined)
    return {
      hasSamples: samples,
      matches: (event) => isOnTopic(event) && holds(documentOf(event))
    } satisfies Selection
  const [, actor, id] = /^([^/]+)\/(.+)$/.exec(source) ?? []
  if (actor === undefined || id === undefined)
    return yield* new Malformed({ path: "source", reason: `"${source}" names no actor; write it as device/press-1` })
  return {
    hasSamples: samples,
    matches: (event) =>
      event.source.actor === actor && event.source.id === id && isOnTopic(event) && holds(documentOf(event))
  } satisfies Selection
})
