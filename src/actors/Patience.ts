/** Asks that wait for an answer worth having: beside the actor, by a standing query, so that who goes away leaves nothing behind. */
import { Effect, Stream } from "effect"
import type { Waits } from "../protocol/Contract.ts"
import type { HolonError } from "../protocol/Errors.ts"
import type { Reply } from "./Envelope.ts"

/** The actor is asked again at least so often, ms: one that has moved meanwhile does not know that somebody waits. */
const sliceMillis = 5000

/** An ask that may wait. */
export interface Patience {
  readonly waits: Waits
  readonly payload: unknown
  /** Asks the actor, which answers at once. */
  readonly ask: Effect.Effect<Reply>
  /** Items of the standing query. */
  readonly watch: Stream.Stream<unknown, HolonError>
  readonly monotonic: () => number
}

/** Whether there is nothing in the answer. A refusal is an answer. */
const isEmpty = ({ list }: Waits, reply: Reply): boolean => {
  if (reply._tag !== "Success") return false
  const items: unknown = Object(reply.value)[list]
  return Array.isArray(items) && items.length === 0
}

/** How long the sender would wait, ms; most do not say. */
const millisOf = ({ millis }: Waits, payload: unknown): number => {
  const said: unknown = Object(payload)[millis]
  return typeof said === "number" ? said : 0
}

/** Answers as soon as the actor has something, or with nothing when the time is over. */
export const patiently = ({ waits, payload, ask, watch, monotonic }: Patience): Effect.Effect<Reply> => {
  const until = monotonic() + millisOf(waits, payload)
  const again: Effect.Effect<Reply> = Effect.flatMap(ask, (reply) => {
    const left = until - monotonic()
    if (left <= 0 || !isEmpty(waits, reply)) return Effect.succeed(reply)
    const roused = watch.pipe(
      Stream.filter((isWorthIt) => isWorthIt === true),
      Stream.take(1),
      Stream.runDrain,
      Effect.timeoutOption(Math.min(left, sliceMillis))
    )
    // Who cannot watch learns why with the next ask; until then nothing is what there is.
    return Effect.matchEffect(roused, { onFailure: () => Effect.succeed(reply), onSuccess: () => again })
  })
  return again
}
