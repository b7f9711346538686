/**
 * A subscription: a durable group of consumers that share the event stream. Each event is lent to one of them and comes again
 * until it is acknowledged, or put aside as dead; those of one source come in order. Times are ms since 1970.
 */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"
import { ConditionInvalid } from "./condition/ConditionInvalid.ts"
import { HolonError } from "./Errors.ts"
import { HolonEvent } from "./Event.ts"
import {
  Cursor,
  DeadEvent,
  deadMax,
  SubscriptionRecord,
  SubscriptionSettings,
  Suspended,
  SuspendReason
} from "./SubscriptionState.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** How long a consumer may wait for events, ms. */
export const waitMillisMax = 30_000

const Cursors = Schema.Array(Cursor).check(Schema.isMinLength(1), Schema.isMaxLength(1000))

/** Consumers of one group have different names. */
const Consumer = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))

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
  dead: count,
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

/** Dead events without what is in them, oldest first; `next` goes into `from` for the page behind. */
export const DeadEventPage = Schema.Struct({
  events: Schema.Array(
    Schema.Struct({
      cursor: Schema.String,
      id: Schema.String,
      type: Schema.String,
      /** The actor that speaks, as `device/press-1`. */
      source: Schema.String,
      attempts: count,
      consumer: Schema.String,
      cause: Schema.String,
      deadAt: instant
    })
  ),
  next: Schema.optionalKey(Schema.String)
})
export type DeadEventPage = typeof DeadEventPage.Type

/** What an act of an operator came to. `cursors` names the first hundred. */
const Taken = Schema.Struct({ count, cursors: Schema.Array(Schema.String) })

const controls = { audience: "operator", capability: "event.subscribe", creates: false } as const

/** The subscription: kind of the actor that lends the events of the stream to a group of consumers. */
export const Subscription = Contract.make("subscription", {
  about: "lends the events of the stream to a group of consumers, again and again until each is acknowledged",
  state: SubscriptionRecord,
  messages: {
    Create: Contract.once({
      payload: {
        topic: SubscriptionSettings.fields.topic,
        where: SubscriptionSettings.fields.where,
        source: SubscriptionSettings.fields.source,
        samples: Schema.optionalKey(Schema.Boolean),
        /** Begins behind this event. Without it and `since`, with what comes from now on. */
        after: Schema.optionalKey(Cursor),
        /** Begins with what was written at this time or later. */
        since: Schema.optionalKey(instant),
        maxInFlight: Schema.optionalKey(SubscriptionSettings.fields.maxInFlight),
        ackWithinMillis: Schema.optionalKey(SubscriptionSettings.fields.ackWithinMillis),
        attemptsMax: SubscriptionSettings.fields.attemptsMax
      },
      success: SubscriptionView,
      error: Schema.Union([HolonError, ConditionInvalid]),
      audience: "operator",
      capability: "event.subscribe",
      about: "begins a group of consumers; one that is there with the same settings stays as it is"
    }),
    Pull: Contract.idempotent({
      payload: {
        consumer: Consumer,
        max: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
        /** Waits for so long while there is nothing, ms; the answer comes with the first event that is meant. */
        waitMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: waitMillisMax })))
      },
      success: Pulled,
      error: HolonError,
      ...controls,
      waits: { query: "WatchLendable", millis: "waitMillis", list: "events" },
      about: "lends events to a consumer, who may wait for some; none means to ask again"
    }),
    WatchLendable: Contract.watch({
      success: Schema.Boolean,
      ...controls,
      about: "whether a pull would bring something"
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
      ...controls,
      about: "the consumer has done with these events; what somebody else has by now is unknown"
    }),
    Nack: Contract.idempotent({
      payload: {
        consumer: Consumer,
        cursors: Cursors,
        /** Nobody gets them before, ms. */
        delayMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 }))),
        /** What is wrong; stands with the event when it is dead. */
        reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(500)))
      },
      success: Schema.Struct({ released: count }),
      error: HolonError,
      ...controls,
      about: "the consumer gives events back, and with them what it has of their sources behind them"
    }),
    GetDead: Contract.query({
      payload: {
        /** The page that begins behind this one. */
        from: Schema.optionalKey(Cursor),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: deadMax })))
      },
      success: DeadEventPage,
      audience: "operator",
      capability: "event.read",
      about: "events that nobody got done, with their causes, oldest first"
    }),
    GetDeadEvent: Contract.query({
      payload: { cursor: Cursor },
      success: DeadEvent,
      error: HolonError,
      audience: "operator",
      capability: "event.read",
      about: "one event that nobody got done, whole"
    }),
    Replay: Contract.once({
      payload: { cursors: Schema.optionalKey(Cursors) },
      success: Schema.Struct({ count }),
      error: HolonError,
      ...controls,
      about: "lends dead events again: those that are named, else all"
    }),
    Drop: Contract.once({
      payload: { cursors: Schema.optionalKey(Cursors) },
      success: Schema.Struct({ count }),
      error: HolonError,
      ...controls,
      about: "gives dead events up for good: those that are named, else all"
    }),
    Resume: Contract.idempotent({
      success: SubscriptionView,
      error: HolonError,
      ...controls,
      about: "lends again after it was suspended, from where it stands"
    }),
    Remove: Contract.once({
      success: SubscriptionView,
      error: HolonError,
      ...controls,
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
    /**
     * Nobody has acknowledged anything for a day, or a thousand events are dead. Nothing is lost; it goes on after a word of an
     * operator.
     */
    "subscription.suspended": Schema.Struct({
      reason: SuspendReason,
      position: Schema.optionalKey(Schema.String),
      unacknowledged: count,
      dead: count,
      silentSince: Schema.optionalKey(instant)
    }),
    /** An event was given out so often that it is put aside. */
    "subscription.dead": Schema.Struct({
      cursor: Schema.String,
      event: Schema.String,
      type: Schema.String,
      source: Schema.String,
      attempts: count,
      consumer: Schema.String,
      cause: Schema.String
    }),
    /** An operator has dead events lent again. */
    "subscription.replayed": Taken,
    /** An operator has given dead events up. */
    "subscription.discarded": Taken,
    "subscription.resumed": Schema.Struct({ position: Schema.optionalKey(Schema.String) }),
    "subscription.removed": Schema.Struct({
      position: Schema.optionalKey(Schema.String),
      unacknowledged: count,
      dead: count
    })
  },
  audited: {
    "subscription.created": "change",
    "subscription.suspended": "decision",
    "subscription.replayed": "change",
    "subscription.discarded": "change",
    "subscription.resumed": "change",
    "subscription.removed": "change"
  }
})
export type Subscription = typeof Subscription
