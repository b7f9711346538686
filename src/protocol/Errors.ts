/** The closed union of errors that any actor or edge may answer. Refusals of one kind stand in its contract instead. */
import { Schema } from "effect"

const { String: Text, Number: Count } = Schema

/** What was sent does not fit. Permanent for this message. */
export class Malformed extends Schema.TaggedError<Malformed>()(
  "Malformed",
  { path: Text, reason: Text },
  { httpApiStatus: 400 }
) {
  override get message(): string {
    return this.path === "" ? this.reason : `${this.path}: ${this.reason}`
  }
}

/** Larger than the limit that stands at this place. Permanent. */
export class TooLarge extends Schema.TaggedError<TooLarge>()(
  "TooLarge",
  { what: Text, limit: Count, actual: Count },
  { httpApiStatus: 413 }
) {
  override get message(): string {
    return `${this.what} has ${this.actual} bytes, the limit is ${this.limit}`
  }
}

/** No credential, or one that is not right. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()(
  "Unauthenticated",
  { reason: Text },
  { httpApiStatus: 401 }
) {
  override get message(): string {
    return this.reason
  }
}

/** The message's end of life has passed; it had no effect. Send it again under a new id. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", { age: Count }, { httpApiStatus: 408 }) {
  override get message(): string {
    return `the request was ${Math.round(this.age / 1000)} s old, past its life: nothing was done, send it anew`
  }
}

/** The asker may not. */
export class PolicyDenied extends Schema.TaggedError<PolicyDenied>()(
  "PolicyDenied",
  { policyIds: Schema.Array(Text), reason: Text, guidance: Text },
  { httpApiStatus: 403 }
) {
  override get message(): string {
    return this.guidance === "" ? this.reason : `${this.reason}: ${this.guidance}`
  }
}

/** Nothing of that name here or on that board. */
export class UnknownCapability extends Schema.TaggedError<UnknownCapability>()(
  "UnknownCapability",
  { name: Text, suggestions: Schema.Array(Text) },
  { httpApiStatus: 404 }
) {
  override get message(): string {
    const hint = this.suggestions.length === 0 ? "" : `; did you mean ${this.suggestions.join(", ")}?`
    return `there is no ${this.name}${hint}`
  }
}

/** No such actor, message or entry. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { what: Text }, { httpApiStatus: 404 }) {
  override get message(): string {
    return `${this.what} does not exist`
  }
}

/** The event does not fit the state. */
export class InvalidTransition extends Schema.TaggedError<InvalidTransition>()(
  "InvalidTransition",
  { from: Text, event: Text },
  { httpApiStatus: 409 }
) {
  override get message(): string {
    return `${this.event} is not possible while ${this.from}`
  }
}

/** Somebody else was first. */
export class Conflict extends Schema.TaggedError<Conflict>()(
  "Conflict",
  { holder: Text, untilMs: Schema.optionalKey(Count) },
  { httpApiStatus: 409 }
) {
  override get message(): string {
    return `conflicts with ${this.holder}`
  }
}

/** More often than allowed; try again after the time. */
export class RateLimited extends Schema.TaggedError<RateLimited>()(
  "RateLimited",
  { bucket: Text, retryAfterMs: Count },
  { httpApiStatus: 429 }
) {
  override get message(): string {
    return `${this.bucket} is over its rate, try again in ${this.retryAfterMs} ms`
  }
}

/** A queue is full; nothing was taken. */
export class Backpressure extends Schema.TaggedError<Backpressure>()(
  "Backpressure",
  { bucket: Text, retryAfterMs: Count },
  { httpApiStatus: 503 }
) {
  override get message(): string {
    return `${this.bucket} is full, nothing was taken: try again in ${this.retryAfterMs} ms`
  }
}

/** A budget or quota does not hold this. */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()(
  "BudgetExceeded",
  { resource: Text, requested: Count, available: Count },
  { httpApiStatus: 402 }
) {
  override get message(): string {
    return `${this.resource}: ${this.requested} wanted, ${this.available} left`
  }
}

/** The board or plugin tried and failed, with the code of the link protocol. */
export class CapabilityFailed extends Schema.TaggedError<CapabilityFailed>()(
  "CapabilityFailed",
  { code: Count, reason: Text, alternatives: Schema.Array(Text) },
  { httpApiStatus: 502 }
) {
  override get message(): string {
    return `failed with code ${this.code}: ${this.reason}`
  }
}

/** No answer in time; the message may have taken effect. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", { ms: Count }, { httpApiStatus: 504 }) {
  override get message(): string {
    return `no answer within ${this.ms} ms; it may have taken effect: ask again with the same request id`
  }
}

/** Not now: storage, shard or node is away. Transient. */
export class Unavailable extends Schema.TaggedError<Unavailable>()(
  "Unavailable",
  { cause: Text, retryAfterMs: Schema.optionalKey(Count) },
  { httpApiStatus: 503 }
) {
  override get message(): string {
    return `not available now: ${this.cause}`
  }
}

/** Bytes are not what they should be. */
export class IntegrityFailed extends Schema.TaggedError<IntegrityFailed>()(
  "IntegrityFailed",
  { expected: Text, actual: Text, at: Text },
  { httpApiStatus: 422 }
) {
  override get message(): string {
    return `${this.at}: expected ${this.expected}, found ${this.actual}`
  }
}

/** A bug of ours. The trace id stands in the log of the node and in the dead letter. */
export class Internal extends Schema.TaggedError<Internal>()("Internal", { traceId: Text }, { httpApiStatus: 500 }) {
  override get message(): string {
    return `a defect in the program, logged with trace ${this.traceId}`
  }
}

/** Any of them. */
export const HolonError = Schema.Union([
  Malformed,
  TooLarge,
  Unauthenticated,
  Expired,
  PolicyDenied,
  UnknownCapability,
  NotFound,
  InvalidTransition,
  Conflict,
  RateLimited,
  Backpressure,
  BudgetExceeded,
  CapabilityFailed,
  Timeout,
  Unavailable,
  IntegrityFailed,
  Internal
])
export type HolonError = typeof HolonError.Type
