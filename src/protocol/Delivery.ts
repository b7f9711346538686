/**
 * A delivery: what matches of patterns have done beyond the cluster, at one target. Its id names the target. Letters leave in
 * order per key and at least once, each with the id of its match, by which the other side knows a repeat. Times are ms since 1970.
 */
import { createHash } from "node:crypto"
import { Schema } from "effect"
import * as Contract from "./Contract.ts"
import { HolonError } from "./Errors.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** Letters that one target may have waiting or dead; with one more it is suspended. */
export const lettersMax = 100_000
/** A target whose oldest letter has waited for so long is suspended, ms. */
export const waitMillisMax = 24 * 3600 * 1000
/** Dead letters of one page, and ids of matches that one message can name. */
export const deadPageMax = 1000

/** Beyond the cluster: a web server that takes posts, or whoever subscribes to a topic of the embedded MQTT broker. */
export const DeliveryTarget = Schema.Union([
  Schema.TaggedStruct("Webhook", { url: Schema.String.check(Schema.isMaxLength(2048)) }),
  Schema.TaggedStruct("Mqtt", { topic: Schema.String.check(Schema.isMaxLength(1024)) })
])
export type DeliveryTarget = typeof DeliveryTarget.Type

/** Id of the actor that delivers to a target: as `webhook:` or `mqtt:` and 32 hexadecimal digits. */
export const deliveryIdOf = (target: DeliveryTarget): string => {
  const text = target._tag === "Webhook" ? target.url : target.topic
  const digits = createHash("sha256").update(text).digest("hex").slice(0, 32)
  return `${target._tag === "Webhook" ? "webhook" : "mqtt"}:${digits}`
}

/** The target for logs and events: a query and an account in an address may be secret, and are left out. */
export const shownTarget = (target: DeliveryTarget): string => {
  if (target._tag === "Mqtt") return `mqtt:${target.topic}`
  const url = URL.parse(target.url)
  return url === null ? "an address that is none" : `${url.origin}${url.pathname}`
}

/** One match on its way to the target. */
export const Letter = Schema.Struct({
  /** Place in the order of arrival. */
  seq: count,
  matchId: Schema.String,
  pattern: Schema.String,
  key: Schema.String,
  /** The match as the target gets it. */
  envelope: Schema.Json,
  at: instant,
  attempts: count,
  /** The next attempt; absent before the first one. */
  notBefore: Schema.optionalKey(instant),
  lastError: Schema.optionalKey(Schema.String),
  /** An attempt has last found the target away then, which is no fault of the letter. */
  awayAt: Schema.optionalKey(instant),
  /** It is not tried any more: an operator replays or drops it. */
  deadAt: Schema.optionalKey(instant),
  /** What led to it: the event of the match, and the chain of causes that this is in. */
  because: Schema.optionalKey(
    Schema.Struct({
      causes: Schema.Array(Schema.String),
      root: Schema.String,
      traceparent: Schema.optionalKey(Schema.String)
    })
  )
})
export type Letter = typeof Letter.Type

/** Some letters in a row: what is left of them, and the ids of all, by which a repeat is known. */
export const LetterPage = Schema.Struct({
  number: count,
  ids: Schema.Array(Schema.String),
  letters: Schema.Array(Letter)
})
export type LetterPage = typeof LetterPage.Type

/** Why a target takes nothing new: too many letters, one that has waited too long, or an operator. */
export const SuspendReason = Schema.Literals(["backlog", "age", "operator"])
export type SuspendReason = typeof SuspendReason.Type

const Suspended = Schema.Struct({ reason: SuspendReason, since: instant })

/** A target at which nobody answers: letters wait in their order, and one of them asks now and then. */
const Away = Schema.Struct({
  since: instant,
  /** When it is asked next. */
  nextAt: instant,
  /** How often it was asked in vain since then. */
  tries: count,
  lastError: Schema.String
})

/** What rests of a delivery. */
export const DeliveryRecord = Schema.Struct({
  target: Schema.optionalKey(DeliveryTarget),
  nextSeq: count,
  /** In order of their numbers. */
  pages: Schema.Array(LetterPage),
  /** Letters that wait or are on their way. */
  queued: count,
  dead: count,
  delivered: count,
  /** Dropped while suspended, and how many of them no event has told of. */
  dropped: count,
  untold: count,
  toldAt: Schema.optionalKey(instant),
  suspended: Schema.optionalKey(Suspended),
  away: Schema.optionalKey(Away),
  /** When it last answered an attempt, whatever it said. */
  answeredAt: Schema.optionalKey(instant),
  /** Letters that are older have been waited for once already. */
  resumedAt: Schema.optionalKey(instant),
  /** When to look again. */
  dueAt: Schema.optionalKey(instant)
})
export type DeliveryRecord = typeof DeliveryRecord.Type

/** A delivery as people see it. */
export const DeliveryView = Schema.Struct({
  target: Schema.optionalKey(DeliveryTarget),
  state: Schema.Literals(["active", "suspended"]),
  suspended: Schema.optionalKey(Suspended),
  away: Schema.optionalKey(Away),
  queued: count,
  inFlight: count,
  dead: count,
  delivered: count,
  dropped: count,
  /** When the oldest letter that waits came. */
  oldestAt: Schema.optionalKey(instant)
})
export type DeliveryView = typeof DeliveryView.Type

const { envelope: _, ...lineFields } = Letter.fields
/** Dead letters without what is in them, oldest first; `next` goes into `from` for the page behind. */
export const DeadPage = Schema.Struct({
  letters: Schema.Array(Schema.Struct(lineFields)),
  next: Schema.optionalKey(count)
})
export type DeadPage = typeof DeadPage.Type

const MatchIds = Schema.Array(Schema.String.check(Schema.isMaxLength(128))).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(deadPageMax)
)

/** What an act of an operator came to. `matchIds` names the first hundred. */
const Taken = Schema.Struct({ target: Schema.String, count, matchIds: Schema.Array(Schema.String) })

/** The delivery: kind of the actor that brings matches to one target. */
export const Delivery = Contract.make("delivery", {
  about: "brings what patterns found to one target beyond the cluster, and keeps trying",
  state: DeliveryRecord,
  messages: {
    Deliver: Contract.idempotent({
      payload: {
        matchId: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128)),
        pattern: Schema.String,
        target: DeliveryTarget,
        /** Letters of one pattern and key arrive in order. */
        key: Schema.String,
        envelope: Schema.Json
      },
      about: "a match is to reach the target; one that is known is not sent again"
    }),
    GetState: Contract.query({
      success: DeliveryView,
      audience: "operator",
      capability: "delivery.read",
      about: "the target, and how many letters wait, are dead or have arrived"
    }),
    GetDead: Contract.query({
      payload: {
        from: Schema.optionalKey(count),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: deadPageMax })))
      },
      success: DeadPage,
      audience: "operator",
      capability: "delivery.read",
      about: "dead letters with their causes, oldest first"
    }),
    GetLetter: Contract.query({
      payload: { matchId: Schema.String },
      success: Letter,
      error: HolonError,
      audience: "operator",
      capability: "delivery.read",
      about: "one letter that has not arrived, whole"
    }),
    Replay: Contract.once({
      payload: { matchIds: Schema.optionalKey(MatchIds) },
      success: Schema.Struct({ count }),
      audience: "operator",
      capability: "delivery.control",
      creates: false,
      about: "tries dead letters again: those of the matches named, else all"
    }),
    Drop: Contract.once({
      payload: {
        matchIds: Schema.optionalKey(MatchIds),
        /** Also what waits, not only what is dead. */
        queued: Schema.optionalKey(Schema.Boolean)
      },
      success: Schema.Struct({ count }),
      audience: "operator",
      capability: "delivery.control",
      creates: false,
      about: "gives letters up for good: those of the matches named, else all that are dead"
    }),
    Suspend: Contract.idempotent({
      success: DeliveryView,
      audience: "operator",
      capability: "delivery.control",
      creates: false,
      about: "takes nothing new; what waits goes on"
    }),
    Resume: Contract.idempotent({
      success: DeliveryView,
      audience: "operator",
      capability: "delivery.control",
      creates: false,
      about: "takes letters again after it was suspended, and asks a target that is away at once"
    })
  },
  events: {
    /** All attempts have failed, or the target has refused the letter for good. */
    "delivery.dead": Schema.Struct({
      matchId: Schema.String,
      pattern: Schema.String,
      key: Schema.String,
      target: Schema.String,
      attempts: count,
      lastError: Schema.String
    }),
    /** An operator has dead letters tried again. */
    "delivery.replayed": Taken,
    /** An operator has given letters up. */
    "delivery.discarded": Taken,
    "delivery.suspended": Schema.Struct({ target: Schema.String, reason: SuspendReason, queued: count, dead: count }),
    /** Nobody answers there, for the second time in a row: its letters wait, and none of them uses up an attempt. */
    "delivery.away": Schema.Struct({ target: Schema.String, since: instant, lastError: Schema.String, queued: count }),
    /** It answers again, so long after nobody did first. */
    "delivery.back": Schema.Struct({ target: Schema.String, awayMillis: Schema.Finite, queued: count }),
    "delivery.resumed": Schema.Struct({ target: Schema.String, dropped: count }),
    /** So many matches did not reach a suspended target since the last such event. */
    "delivery.dropped": Schema.Struct({ target: Schema.String, count }),
    /** A sample, in the chain of its match: a letter has arrived, so long after it came. */
    "delivery.delivered": Schema.Struct({
      target: Schema.String,
      matchId: Schema.String,
      pattern: Schema.String,
      attempts: count,
      millis: Schema.Finite
    })
  },
  audited: {
    "delivery.replayed": "change",
    "delivery.discarded": "change",
    "delivery.suspended": "decision",
    "delivery.resumed": "change"
  }
})
export type Delivery = typeof Delivery
