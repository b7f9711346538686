/** The closed union of errors that a reply may carry, each a refusal that is permanent for its message unless it says otherwise. */
import { Schema } from "effect"
import { codeEntry, codes } from "./Codes.ts"

const millis = Schema.Finite
const optionalText = Schema.optionalKey(Schema.String)
const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`

/** What was sent has the wrong shape. */
export class Malformed extends Schema.TaggedError<Malformed>()(
  "Malformed",
  { path: Schema.String, reason: Schema.String },
  { httpApiStatus: 400 }
) {
  override get message() {
    return this.path === "" ? this.reason : `${this.path}: ${this.reason}`
  }
}

/** What was sent is larger than the receiver takes; both numbers in one unit, bytes unless the limit's place says otherwise. */
export class TooLarge extends Schema.TaggedError<TooLarge>()(
  "TooLarge",
  { limit: Schema.Finite, actual: Schema.Finite },
  { httpApiStatus: 413 }
) {
  override get message() {
    return this.actual > this.limit
      ? `${this.actual} is more than the limit of ${this.limit}; send less at a time`
      : "larger than the receiver takes; send less at a time"
  }
}

/** No credential, or one that is not known. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  "Unauthenticated",
  { kid: optionalText },
  { httpApiStatus: 401 }
) {
  override get message() {
    return this.kid === undefined
      ? "no credential, or a wrong one; sign in"
      : `the credential ${this.kid} is not accepted`
  }
}

/** A key is unknown, out of date or revoked, or the signature is wrong. */
export class BadSignature extends Schema.TaggedError<BadSignature>()(
  "BadSignature",
  { kid: optionalText },
  { httpApiStatus: 401 }
) {
  override get message() {
    return this.kid === undefined
      ? "the signature is wrong; sign with a key that is enrolled here"
      : `the key ${this.kid} did not make this signature, or is no longer valid; sign with a key that is enrolled here`
  }
}

/** The nonce or counter was seen before. */
export class Replay extends Schema.TaggedError<Replay>()("Replay", { nonce: optionalText }, { httpApiStatus: 409 }) {
  override get message() {
    return "this message was seen before; sign it again with a new nonce"
  }
}

/** The message outlived its life; `age` in ms. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", { age: millis }, { httpApiStatus: 408 }) {
  override get message() {
    return this.age > 0 ? `its life was over ${seconds(this.age)} after it began` : "its life was over before it began"
  }
}

/** The sender's clock is further from ours than we bear; positive is ahead, in ms. */
export class ClockSkew extends Schema.TaggedError<ClockSkew>()(
  "ClockSkew",
  { skewMs: millis },
  { httpApiStatus: 400 }
) {
  override get message() {
    return `your clock is ${seconds(Math.abs(this.skewMs))} ${this.skewMs > 0 ? "ahead" : "behind"}; set it`
  }
}

/** A policy withholds this; `guidance` says what would be permitted. */
export class PolicyDenied extends Schema.TaggedError<PolicyDenied>()(
  "PolicyDenied",
  {
    policyIds: Schema.Array(Schema.String),
    reason: Schema.String,
    guidance: Schema.String,
    /** Names the decision for `holon policy explain`; absent for what no policy has decided. */
    decision: optionalText
  },
  { httpApiStatus: 403 }
) {
  override get message() {
    return this.guidance === "" ? this.reason : `${this.reason}; ${this.guidance}`
  }
}

/** The asker has no rights in this zone. */
export class ZoneDenied extends Schema.TaggedError<ZoneDenied>()(
  "ZoneDenied",
  { zone: Schema.String },
  { httpApiStatus: 403 }
) {
  override get message() {
    return `it is outside of zone ${this.zone}, or you have no rights there`
  }
}

/** Nothing of that name can be done here; at most three names that come near. */
export class UnknownCapability extends Schema.TaggedError<UnknownCapability>()(
  "UnknownCapability",
  { name: Schema.String, suggestions: Schema.Array(Schema.String) },
  { httpApiStatus: 404 }
) {
  override get message() {
    const near = this.suggestions.length === 0 ? "" : `; did you mean ${this.suggestions.join(" or ")}?`
    return `there is no ${this.name}${near}`
  }
}

/** It does not exist; `what` names it whole. */
export class NotFound extends Schema.TaggedError<NotFound>()(
  "NotFound",
  { what: Schema.String, instead: Schema.optionalKey(Schema.String) },
  { httpApiStatus: 404 }
) {
  override get message() {
    return `there is no ${this.what}${this.instead === undefined ? "" : `; ${this.instead}`}`
  }
}

/** The present state does not permit this; `reason` says why, and what to do instead, where that is known. */
export class InvalidTransition extends Schema.TaggedError<InvalidTransition>()(
  "InvalidTransition",
  { from: Schema.String, event: Schema.String, reason: Schema.optionalKey(Schema.String) },
  { httpApiStatus: 409 }
) {
  override get message() {
    return this.reason ?? `${this.event} is not possible while ${this.from}`
  }
}

/** Something else is there first: another holder, until then, or a newer version. */
export class Conflict extends Schema.TaggedError<Conflict>()(
  "Conflict",
  { holder: Schema.String, untilMs: Schema.optionalKey(millis) },
  { httpApiStatus: 409 }
) {
  override get message() {
    return this.holder === ""
      ? "something else came first; read again and retry"
      : `${this.holder} came first; read again and retry`
  }
}

/** Too many asks. Transient: the same message may succeed after the wait. */
export class RateLimited extends Schema.TaggedError<RateLimited>()(
  "RateLimited",
  { bucket: Schema.String, retryAfterMs: millis },
  { httpApiStatus: 429 }
) {
  override get message() {
    return `too many asks of ${this.bucket}; retry in ${seconds(this.retryAfterMs)}`
  }
}

/** A queue is full. Transient: the same message may succeed after the wait. */
export class Backpressure extends Schema.TaggedError<Backpressure>()(
  "Backpressure",
  { bucket: Schema.String, retryAfterMs: millis },
  { httpApiStatus: 503 }
) {
  override get message() {
    return `${this.bucket} is full; retry in ${seconds(this.retryAfterMs)}`
  }
}

/** A tree or a chain is as deep as it may be. */
export class DepthExceeded extends Schema.TaggedError<DepthExceeded>()(
  "DepthExceeded",
  { depth: Schema.Finite, limit: Schema.Finite },
  { httpApiStatus: 422 }
) {
  override get message() {
    return `depth ${this.depth} is beyond the limit of ${this.limit}`
  }
}

/** A child may not be made. */
export class SpawnDenied extends Schema.TaggedError<SpawnDenied>()(
  "SpawnDenied",
  { reason: Schema.String },
  { httpApiStatus: 422 }
) {
  override get message() {
    return `no child was made: ${this.reason}`
  }
}

/** Too many failures in a row; nothing is tried until the wait is over. Transient. */
export class BreakerOpen extends Schema.TaggedError<BreakerOpen>()(
  "BreakerOpen",
  { retryAfterMs: millis },
  { httpApiStatus: 503 }
) {
  override get message() {
    return `it failed too often and is not tried now; retry in ${seconds(this.retryAfterMs)}`
  }
}

/** A budget does not suffice; `requested` and `available` in the resource's own unit. */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()(
  "BudgetExceeded",
  { resource: Schema.String, requested: Schema.Finite, available: Schema.Finite },
  { httpApiStatus: 402 }
) {
  override get message() {
    return this.requested > this.available
      ? `${this.resource}: ${this.requested} asked for, ${this.available} left`
      : `${this.resource} does not suffice`
  }
}

/** The board or the program tried and failed; `code` is a number of `codes`, `alternatives` what may work instead. */
export class CapabilityFailed extends Schema.TaggedError<CapabilityFailed>()(
  "CapabilityFailed",
  { code: Schema.Int, message: Schema.String, alternatives: Schema.Array(Schema.String) },
  { httpApiStatus: 502 }
) {}

/** No answer came within this time. Transient; the message may have taken effect. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", { ms: millis }, { httpApiStatus: 504 }) {
  override get message() {
    return `no answer${this.ms > 0 ? ` within ${seconds(this.ms)}` : " in time"}; it may still have been done`
  }
}

/** Nobody can take the message now. Transient. A device in quarantine answers with the cause `quarantined`. */
export class Unavailable extends Schema.TaggedError<Unavailable>()(
  "Unavailable",
  { cause: Schema.String, retryAfterMs: Schema.optionalKey(millis) },
  { httpApiStatus: 503 }
) {
  override get message() {
    return this.retryAfterMs === undefined ? this.cause : `${this.cause}; retry in ${seconds(this.retryAfterMs)}`
  }
}

/** Too few members answer to decide. Transient. */
export class QuorumLost extends Schema.TaggedError<QuorumLost>()(
  "QuorumLost",
  { have: Schema.Finite, need: Schema.Finite },
  { httpApiStatus: 503 }
) {
  override get message() {
    return `${this.have} of ${this.need} members answer; retry when more are back`
  }
}

/** A rule of safety forbids this remedy. */
export class UnsafeMitigation extends Schema.TaggedError<UnsafeMitigation>()(
  "UnsafeMitigation",
  { rule: Schema.String },
  { httpApiStatus: 422 }
) {
  override get message() {
    return `the safety rule ${this.rule} forbids it`
  }
}

/** A policy does not compile. */
export class PolicyInvalid extends Schema.TaggedError<PolicyInvalid>()(
  "PolicyInvalid",
  { diagnostics: Schema.Array(Schema.String) },
  { httpApiStatus: 422 }
) {
  override get message() {
    return `the policy does not compile: ${this.diagnostics.join("; ")}`
  }
}

/** A hash, an image or a chain is not what it should be. */
export class IntegrityFailed extends Schema.TaggedError<IntegrityFailed>()(
  "IntegrityFailed",
  { expected: Schema.String, actual: Schema.String, at: Schema.String },
  { httpApiStatus: 422 }
) {
  override get message() {
    return this.expected === "" ? this.at : `${this.at}: expected ${this.expected}, found ${this.actual}`
  }
}

/** A bug here. The asker learns only where to look. */
export class Internal extends Schema.TaggedError<Internal>()(
  "Internal",
  { traceId: Schema.String },
  { httpApiStatus: 500 }
) {
  override get message() {
    return this.traceId === ""
      ? "something is wrong inside; the log says what"
      : `something is wrong inside; the log says what under trace ${this.traceId}`
  }
}

/** Every error a reply may carry. */
export const HolonError = Schema.Union([
  Malformed,
  TooLarge,
  Unauthenticated,
  BadSignature,
  Replay,
  Expired,
  ClockSkew,
  PolicyDenied,
  ZoneDenied,
  UnknownCapability,
  NotFound,
  InvalidTransition,
  Conflict,
  RateLimited,
  Backpressure,
  DepthExceeded,
  SpawnDenied,
  BreakerOpen,
  BudgetExceeded,
  CapabilityFailed,
  Timeout,
  Unavailable,
  QuorumLost,
  UnsafeMitigation,
  PolicyInvalid,
  IntegrityFailed,
  Internal
])
export type HolonError = typeof HolonError.Type

/**
 * The error that says a code of a board or of the link, with its detail (a sentence where there is none). `ok` and
 * `ECANCELED` are outcomes; asking for their error gives a `CapabilityFailed` that carries the code.
 */
export const errorOfCode = (code: number, detail = "", retryAfterMs?: number): HolonError => {
  const said = detail === "" ? codeEntry(code).sentence : detail
  const added = detail === "" ? "" : ` (${detail})`
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs }
  switch (code) {
    case codes.EPERM:
    case codes.WrongId:
      return new PolicyDenied({ policyIds: [], reason: said, guidance: "" })
    case codes.ENOENT:
    case codes.ESRCH:
      return new NotFound({ what: detail === "" ? "such thing on the board" : detail })
    case codes.Retired:
      return new NotFound({ what: detail === "" ? "such device any more: it is retired" : detail })
    case codes.ENOTSUP:
      return new UnknownCapability({ name: detail === "" ? "such ability on this board" : detail, suggestions: [] })
    case codes.EAGAIN:
      return new Backpressure({ bucket: `the board${added}`, retryAfterMs: retryAfterMs ?? 1000 })
    case codes.ENOMEM:
      return new BudgetExceeded({ resource: `the board's memory${added}`, requested: 0, available: 0 })
    case codes.ENOSPC:
      return new BudgetExceeded({ resource: `the board's storage${added}`, requested: 0, available: 0 })
    case codes.EDQUOT:
      return new BudgetExceeded({ resource: `the quota${added}`, requested: 0, available: 0 })
    case codes.EBUSY:
      return new InvalidTransition({ from: "busy", event: detail === "" ? "this" : detail })
    case codes.EEXIST:
    case codes.ESTALE:
      return new Conflict({ holder: detail })
    case codes.EINVAL:
    case codes.ERANGE:
    case codes.EPROTO:
    case codes.Malformed:
    case codes.UnknownType:
    case codes.Version:
    case codes.TooDeep:
    case codes.NotJson:
      return new Malformed({ path: "", reason: said })
    case codes.ETIME:
      return new Expired({ age: 0 })
    case codes.EBADMSG:
      return new IntegrityFailed({ expected: "", actual: "", at: said })
    case codes.EMSGSIZE:
      return new TooLarge({ limit: 0, actual: 0 })
    case codes.ETIMEDOUT:
      return new Timeout({ ms: 0 })
    case codes.ENOKEY:
    case codes.EKEYEXPIRED:
    case codes.EKEYREVOKED:
    case codes.EKEYREJECTED:
      return new BadSignature({})
    case codes.Unauthenticated:
      return new Unauthenticated({})
    case codes.Replay:
      return new Replay({})
    case codes.Quarantined:
      return new Unavailable({ cause: "quarantined", ...retry })
    case codes.NotAttached:
    case codes.Draining:
    case codes.Unavailable:
      return new Unavailable({ cause: said, ...retry })
    case codes.RateLimited:
      return new RateLimited({ bucket: `the board${added}`, retryAfterMs: retryAfterMs ?? 1000 })
    case codes.Internal:
      return new Internal({ traceId: detail })
    default:
      return new CapabilityFailed({ code, message: said, alternatives: [] })
  }
}

/** The code that says an error to a board. */
export const codeOfError = (error: HolonError): number => {
  switch (error._tag) {
    case "Malformed":
    case "ClockSkew":
    case "PolicyInvalid":
      return codes.Malformed
    case "TooLarge":
      return codes.EMSGSIZE
    case "Unauthenticated":
      return codes.Unauthenticated
    case "BadSignature":
      return codes.EKEYREJECTED
    case "Replay":
      return codes.Replay
    case "Expired":
      return codes.ETIME
    case "PolicyDenied":
    case "ZoneDenied":
    case "SpawnDenied":
    case "UnsafeMitigation":
      return codes.EPERM
    case "UnknownCapability":
      return codes.ENOTSUP
    case "NotFound":
      return codes.ENOENT
    case "InvalidTransition":
      return codes.EBUSY
    case "Conflict":
      return codes.ESTALE
    case "RateLimited":
      return codes.RateLimited
    case "Backpressure":
      return codes.EAGAIN
    case "DepthExceeded":
      return codes.TooDeep
    case "BudgetExceeded":
      return codes.EDQUOT
    case "CapabilityFailed":
      return error.code
    case "Timeout":
      return codes.ETIMEDOUT
    case "Unavailable":
      return error.cause === "quarantined" ? codes.Quarantined : codes.Unavailable
    case "BreakerOpen":
    case "QuorumLost":
      return codes.Unavailable
    case "IntegrityFailed":
      return codes.EBADMSG
    case "Internal":
      return codes.Internal
  }
}
