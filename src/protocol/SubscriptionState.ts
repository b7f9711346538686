/** What rests of a subscription: what the group is to get, where it stands, what is lent and what is dead. Times are ms since 1970. */
import { Schema } from "effect"
import { charactersMax } from "./condition/Token.ts"
import { HolonEvent } from "./Event.ts"
import { TopicGlob } from "./Topic.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** A group of which nobody has acknowledged anything for so long is suspended, ms. */
export const silenceMillisMax = 24 * 3600 * 1000

/** How often an event is given out before it is dead, where a group does not say. */
export const attemptsMaxDefault = 8
/** Dead events of one group; with one more it is suspended. */
export const deadMax = 1000

/** Stands behind an event of the stream. */
export const Cursor = Schema.String.check(
  Schema.isPattern(/^\d{1,19}\.\d{1,16}(\.\d{1,6})?$/, { expected: "the cursor of an event, such as 731.5 or 731.5.2" })
)
/** What a group is to get, and how. */
export const SubscriptionSettings = Schema.Struct({
  /** A glob over the topics of events, which must have it. */
  topic: Schema.optionalKey(TopicGlob),
  /** A condition that events must fulfil. */
  where: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(charactersMax))),
  /** Only what this actor says, as `device/press-1`. */
  source: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[^/]+\/.+$/, { expected: "kind and id of an actor, such as device/press-1" }),
      Schema.isMaxLength(160)
    )
  ),
  /** Also what boards measure, which is kept for a day. */
  samples: Schema.Boolean,
  /** Events that the whole group may have at a time without having acknowledged them. */
  maxInFlight: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
  /** How long a consumer has an event for itself. */
  ackWithinMillis: Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 3_600_000 })),
  /** How often an event is given out before it is dead; absent in groups of earlier releases. */
  attemptsMax: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })))
})
export type SubscriptionSettings = typeof SubscriptionSettings.Type

/** An event that was given out and is not acknowledged. */
export const Lease = Schema.Struct({
  cursor: Schema.String,
  /** The actor that speaks, as `device/press-1`. */
  source: Schema.String,
  /** When the event was written. */
  at: instant,
  /** Who has it, or had it last. */
  consumer: Schema.String,
  /** From then on it may be given to somebody else. */
  until: instant,
  attempts: count,
  /** The consumer has given it back: until then nobody gets it. */
  isReturned: Schema.optionalKey(Schema.Boolean),
  /** Why it was last given back. */
  reason: Schema.optionalKey(Schema.String)
})
export type Lease = typeof Lease.Type

/** An event that was put aside because nobody has got it done. */
export const DeadEvent = Schema.Struct({
  cursor: Schema.String,
  event: HolonEvent,
  attempts: count,
  /** Who had it last. */
  consumer: Schema.String,
  cause: Schema.String,
  /** Absent while it is lent again by the word of an operator. */
  deadAt: Schema.optionalKey(instant)
})
export type DeadEvent = typeof DeadEvent.Type

/** Why a group lends nothing: nobody acknowledges anything, or too much is dead. */
export const SuspendReason = Schema.Literals(["silence", "dead"])
/** See {@link SuspendReason}; without one it is silence. */
export const Suspended = Schema.Struct({ since: instant, reason: Schema.optionalKey(SuspendReason) })

/** What rests of a subscription. */
export const SubscriptionRecord = Schema.Struct({
  /** Absent before it is created, and after it was removed. */
  settings: Schema.optionalKey(SubscriptionSettings),
  createdAt: instant,
  /** Everything up to here is acknowledged, or not meant. */
  position: Schema.optionalKey(Schema.String),
  /** Where it begins while it has no position. */
  since: instant,
  /** When the position was noted. */
  notedAt: instant,
  leases: Schema.Array(Lease),
  /** Acknowledged behind the position: something in front of them is not. */
  acknowledged: Schema.Array(Schema.String),
  /** What was put aside, oldest first. */
  aside: Schema.Array(DeadEvent),
  /** Since when something is given out and nothing was acknowledged. */
  silentSince: Schema.optionalKey(instant),
  suspended: Schema.optionalKey(Suspended),
  given: count,
  again: count,
  done: count
})
export type SubscriptionRecord = typeof SubscriptionRecord.Type
