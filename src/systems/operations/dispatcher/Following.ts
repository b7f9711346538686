/** What became of a message: known from its answer, or by watching what it began until that is over. */
import { Effect, Option, Schema, Stream } from "effect"
import { type Actors, type By, Refused } from "../../../actors/Actors.ts"
import { codes } from "../../../protocol/Codes.ts"
import { CommandView } from "../../../protocol/Device.ts"
import { CapabilityFailed, type HolonError, Timeout } from "../../../protocol/Errors.ts"
import type { Step, StepOutcome } from "../../../protocol/intent/Plan.ts"
import { SessionView } from "../../../protocol/Session.ts"
import type { ActEnd } from "../../../protocol/vsm/Op.ts"
import { errorOf, Refusal, refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { outcomeOfItem, outcomeOfReply, watchingOf } from "../asking/Ends.ts"

/** What a message came to. */
export type Outcome = Omit<ActEnd, "place">

/** How a message is followed. */
export interface Following {
  readonly actors: Actors["Service"]
  readonly by: By
  /** How far what it began is, 0 to 1, and what it says. */
  readonly onProgress: (progress: number | undefined, note: string | undefined) => void
  /** How long a board that is there may take to become what it is desired to be, before that counts as `later`, ms. */
  readonly patienceMillis: number
}

/** An answer longer than this is left out, in characters of JSON. */
const valueMax = 1024

/** What went wrong. */
export const failed = (error: HolonError): Outcome => ({ outcome: "failed", refusal: refusalOf(error) })

const isRefusal = Schema.is(Refusal)

/** What an ask failed with. */
export const failureOf = (error: HolonError | Refused): HolonError => {
  if (!(error instanceof Refused)) return error
  return isRefusal(error.error)
    ? errorOf(error.error)
    : new CapabilityFailed({ code: codes.EINVAL, message: error.message, alternatives: [] })
}

const endOf = ({ state, note, refusal, value }: StepOutcome): Outcome => {
  if (refusal?._tag === "CapabilityFailed" && refusal.code === codes.ECANCELED) return { outcome: "cancelled" }
  const isShort = value !== undefined && value !== null && JSON.stringify(value).length <= valueMax
  return {
    outcome: state,
    ...(note !== undefined && { note }),
    ...(refusal !== undefined && { refusal }),
    ...(isShort && { value })
  }
}

const isCommand = Schema.is(CommandView)
const isSession = Schema.is(SessionView)

const showProgress = ({ onProgress }: Following, item: unknown): void => {
  if (isCommand(item)) onProgress(item.progress, item.note)
  else if (isSession(item)) onProgress(item.total > 0 ? item.bytes / item.total : undefined, item.state)
}

/**
 * What is known without watching: a watch begins after a pause in which others may join it, and most of what is asked is over by
 * then. The twin is looked at once; everything else says in its answer how far it is.
 */
const known = ({ actors, by }: Following, step: Step, reply: unknown) =>
  Effect.gen(function* () {
    const said = outcomeOfReply(step, reply)
    if (said !== undefined) return said
    if (step.end === "session" || step.end === "retirement") return undefined
    const item = step.end === "applied" ? yield* actors.send(step, "GetTwin", {}, { asker: by.asker }) : reply
    return outcomeOfItem(step, reply, item)
  })

/** What a message that was answered with this came to. */
export const follow = (
  following: Following,
  step: Step,
  reply: unknown
): Effect.Effect<Outcome, HolonError | Refused> =>
  Effect.gen(function* () {
    const { actors, by, patienceMillis } = following
    const soon = yield* known(following, step, reply)
    if (soon !== undefined) return endOf(soon)
    const watching = watchingOf(step, reply)
    if (watching === undefined) return failed(new Timeout({ ms: 0 }))
    const { message, payload } = watching
    const watch = actors.watch(watching, message, payload, { asker: by.asker }).pipe(
      Stream.map((item) => {
        showProgress(following, item)
        return outcomeOfItem(step, reply, item)
      }),
      Stream.takeUntil((end) => end !== undefined),
      Stream.runLast,
      Effect.map((last) => {
        const end = Option.getOrUndefined(last)
        return end === undefined ? failed(new Timeout({ ms: 0 })) : endOf(end)
      })
    )
    if (step.end !== "applied") return yield* watch
    return yield* Effect.timeoutOrElse(watch, {
      duration: patienceMillis,
      orElse: () => Effect.succeed<Outcome>({ outcome: "later", note: "its board has not taken it yet" })
    })
  })
