/**
 * A subscription: a durable group of consumers that share the event stream. Each event is lent to one of them and comes again
 * until it is acknowledged; those of one source come in order. Times are ms since 1970.
 */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"
import { ConditionInvalid } from "./condition/ConditionInvalid.ts"
import { charactersMax } from "./condition/Token.ts"
import { HolonError } from "./Errors.ts"
import { HolonEvent } from "./Event.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** A group of which nobody has acknowledged anything for so long is suspended, ms. */
export const silenceMillisMax = 24 * 3600 * 1000

/** Stands behind an event of the stream. */
const Cursor = Schema.String.check(
  Schema.isPattern(/^\d{1,20}\.\d{1,16}(\.\d{1,6})?$/, { expected: "the cursor of an event, such as 731.5 or 731.5.2" })
)
const Cursors = Schema.Array(Cursor).check(Schema.isMinLength(1), Schema.isMaxLength(1000))

/** Consumers of one group have different names. */
const Consumer = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))

/** What a group is to get, and how. */
export const SubscriptionSettings = Schema.Struct({
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
  ackWithinMillis: Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 3_600_000 }))
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
  attempts: count
})
export type Lease = typeof Lease.Type

const Suspended = Schema.Struct({ since: instant })

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
  /** Since when something is given out and nothing was acknowledged. */
  silentSince: Schema.optionalKey(instant),
  suspended: Schema.optionalKey(Suspended),
  given: count,
  again: count,
  done: count
})
export type SubscriptionRecord = typeof SubscriptionRecord.Type

/** A subscription as people see it. */
export const SubscriptionView = Schema.Struct({
  state: Schema.Literals(["active", "suspended", "removed"]),
  suspended: Schema.optionalKey(Suspended),
  settings: Schema.optionalKey(SubscriptionSettings),
  createdAt: instant,
  position: Schema.optionalKey(Schema.String),
  /** Events that somebody has for itself now. */
  inFlight: count,
  /** Given out before and free again. */
  lapsed: count,
  consumers: Schema.Array(Schema.Struct({ consumer: Schema.String, inFlight: count })),
  /** When the oldest event that is known and not acknowledged was written; absent where there is none. */
  oldestAt: Schema.optionalKey(instant),
  /** Events given out, how many of them more than once, and how many acknowledged. */
  given: count,
  again: count,
  done: count
})
export type SubscriptionView = typeof SubscriptionView.Type

/** Events of one pull, oldest first. `attempt` is 1 for the first time. */
export const Pulled = Schema.Struct({
  events: Schema.Array(Schema.Struct({ cursor: Schema.String, attempt: count, event: HolonEvent }))
})
export type Pulled = typeof Pulled.Type

/** The subscription: kind of the actor that lends the events of the stream to a group of consumers. */
export const Subscription = Contract.make("subscription", {
  about: "lends the events of the stream to a group of consumers, again and again until each is acknowledged",
  state: SubscriptionRecord,
  messages: {
    Create: Contract.once({
      payload: {
        where: SubscriptionSettings.fields.where,
        source: SubscriptionSettings.fields.source,
        samples: Schema.optionalKey(Schema.Boolean),
        /** Begins behind this event. Without it and `since`, with what comes from now on. */
        after: Schema.optionalKey(Cursor),
        /** Begins with what was written at this time or later. */
        since: Schema.optionalKey(instant),
        maxInFlight: Schema.optionalKey(SubscriptionSettings.fields.maxInFlight),
        ackWithinMillis: Schema.optionalKey(SubscriptionSettings.fields.ackWithinMillis)
      },
      success: SubscriptionView,
      error: Schema.Union([HolonError, ConditionInvalid]),
      audience: "operator",
      capability: "event.subscribe",
      about: "begins a group of consumers; one that is there with the same settings stays as it is"
    }),
    Pull: Contract.idempotent({
      payload: { consumer: Consumer, max: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })) },
      success: Pulled,
      error: HolonError,
      audience: "operator",
      capability: "event.subscribe",
      creates: false,
      about: "lends events to a consumer; none means to ask again a little later"
    }),
    Ack: Contract.idempotent({
      payload: {
        consumer: Consumer,
        cursors: Schema.optionalKey(Cursors),
        /** All that this consumer has up to this one. */
        upTo: Schema.optionalKey(Cursor)
      },
      success: Schema.Struct({ acknowledged: count, unknown: count }),
      error: HolonError,
      audience: "operator",
      capability: "event.subscribe",
      creates: false,
      about: "the consumer has done with these events; what somebody else has by now is unknown"
    }),
    Nack: Contract.idempotent({
      payload: { consumer: Consumer, cursors: Cursors },
      success: Schema.Struct({ released: count }),
      error: HolonError,
      audience: "operator",
      capability: "event.subscribe",
      creates: false,
      about: "the consumer gives events back, and with them what it has of their sources behind them"
    }),
    Resume: Contract.idempotent({
      success: SubscriptionView,
      error: HolonError,
      audience: "operator",
      capability: "event.subscribe",
      creates: false,
      about: "lends again after it was suspended, from where it stands"
    }),
    Remove: Contract.once({
      success: SubscriptionView,
      error: HolonError,
      audience: "operator",
      capability: "event.subscribe",
      creates: false,
      about: "ends the group and forgets its position"
    }),
    GetState: Contract.query({
      success: SubscriptionView,
      audience: "operator",
      capability: "event.read",
      about: "where the group stands, what it has in flight, and how old its backlog is"
    })
  },
  events: {
    "subscription.created": SubscriptionSettings,
    /** Nobody has acknowledged anything for a day. Nothing is lost; it goes on after a word of an operator. */
    "subscription.suspended": Schema.Struct({
      position: Schema.optionalKey(Schema.String),
      unacknowledged: count,
      silentSince: instant
    }),
    "subscription.resumed": Schema.Struct({ position: Schema.optionalKey(Schema.String) }),
    "subscription.removed": Schema.Struct({ position: Schema.optionalKey(Schema.String), unacknowledged: count })
  }
})
export type Subscription = typeof Subscription
