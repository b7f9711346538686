/** One act of a batch: sent under its own id, followed to its end, tried again where that does no harm, and stopped when asked to. */
import { Clock, Deferred, Effect, Random, Schema } from "effect"
import type { Refused } from "../../../actors/Actors.ts"
import { CommandView } from "../../../protocol/Device.ts"
import { type HolonError, Timeout } from "../../../protocol/Errors.ts"
import { derivedId } from "../../../protocol/Ids.ts"
import type { Step } from "../../../protocol/intent/Plan.ts"
import type { Act } from "../../../protocol/vsm/Op.ts"
import { errorOf, refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { graceMillis, type Run, runtimeFor } from "./Batch.ts"
import { isLost } from "./Claiming.ts"
import { type Following, failed, failureOf, follow, type Outcome } from "./Following.ts"
import { tokenOf } from "./Resources.ts"

const patienceMillis = 10_000
const triesMax = 3
const firstWaitMillis = 200
const ttlMillisMax = 30_000

const Named = Schema.Struct({ name: Schema.String, ttlMillis: Schema.optionalKey(Schema.Finite) })
const decodeNamed = Schema.decodeUnknownSync(Named)
const decodeCommand = Schema.decodeUnknownEffect(CommandView)

const isCommand = ({ message, kind }: Step): boolean => kind === "device" && message === "Invoke"

/** The message as it goes out: under its claim, and a command under its own id with what is left of the op's life. */
const payloadOf = (step: Step, { batch }: Run, fence: number | undefined, request: string, now: number): unknown => {
  const claim = tokenOf(step, batch.vsm, fence)
  const claimed = { ...Object(step.payload), ...(claim !== undefined && { claim }) }
  if (!isCommand(step)) return claimed
  const { ttlMillis = ttlMillisMax } = decodeNamed(step.payload)
  return { ...claimed, id: request, ttlMillis: Math.max(1, Math.min(ttlMillis, batch.until - now)) }
}

const followingOf = (run: Run, { place }: Act): Following => ({
  actors: run.actors,
  // Who may do it hears what came of it, also where he may not read everything there.
  by: { asker: runtimeFor(run.batch.asker) },
  patienceMillis,
  onProgress: (progress, note) => {
    if (progress !== undefined) run.progress.set(place, progress)
    if (note !== undefined) run.note = note
    run.news++
  }
})

/** A command that is cancelled before it has come is never begun; the board is asked to stop one that was, and says how it ended. */
const withdraw = (run: Run, act: Act, request: string): Effect.Effect<Outcome, HolonError | Refused> =>
  Effect.gen(function* () {
    const { step } = act
    const { name } = decodeNamed(step.payload)
    const asked = yield* run.actors.send(step, "CancelCommand", { id: request, name }, { asker: run.batch.asker })
    return yield* follow(followingOf(run, act), step, yield* Effect.orDie(decodeCommand(asked)))
  })

/** Whether nobody knows what became of it. */
const unknownEnd: Outcome = { outcome: "cancelled", refusal: refusalOf(new Timeout({ ms: 0 })) }

/** What is left to do of an act that is not wanted any more, and may have been sent by a node that died. */
const stopped = (run: Run, act: Act, request: string) =>
  isCommand(act.step)
    ? withdraw(run, act, request)
    : Effect.succeed<Outcome>(run.batch.isCancelling ? unknownEnd : { outcome: "cancelled" })

const sent = (run: Run, act: Act, fence: number | undefined, request: string) =>
  Effect.gen(function* () {
    if (yield* Deferred.isDone(run.stop)) return yield* stopped(run, act, request)
    const { step } = act
    const now = yield* Clock.currentTimeMillis
    // A command says itself how long it lives; anything else would be begun too late, if no node that died has sent it.
    if (now >= run.batch.until && !isCommand(step)) return failed(new Timeout({ ms: 0 }))
    const payload = payloadOf(step, run, fence, request, now)
    const by = { asker: run.batch.asker, requestId: request }
    const end = Effect.flatMap(run.actors.send(step, step.message, payload, by), (reply) =>
      follow(followingOf(run, act), step, reply)
    )
    // What cannot be withdrawn once it is sent ends by itself.
    return isCommand(step)
      ? yield* Effect.raceFirst(end, Effect.andThen(Deferred.await(run.stop), withdraw(run, act, request)))
      : yield* end
  })

/** Whether what failed for now may be sent once more, and under which id: of what a board tried only what is declared to bear it. */
export const again = ({ payload, ...step }: Step, { outcome, refusal }: Outcome): "same" | "new" | undefined => {
  if (outcome !== "failed" || refusal === undefined) return undefined
  const isIdempotent = Object(payload)["idempotent"] === true
  if (refusal._tag === "CapabilityFailed") return isIdempotent ? "new" : undefined
  const isTransient = ["Unavailable", "Timeout", "Backpressure"].includes(errorOf(refusal)._tag)
  return isTransient && (isIdempotent || !isCommand({ ...step, payload })) ? "same" : undefined
}

/** What an act comes to; nothing when its claim was lost before it was begun. */
export const carryOne = (run: Run, act: Act, fence: number | undefined): Effect.Effect<Outcome | undefined> =>
  Effect.gen(function* () {
    let request = act.request
    for (let tries = 1; ; tries++) {
      const now = yield* Clock.currentTimeMillis
      const end = yield* sent(run, act, fence, request).pipe(
        Effect.catch((error) => Effect.succeed(failed(failureOf(error)))),
        Effect.timeoutOrElse({
          duration: Math.max(1, run.batch.until + graceMillis - now),
          orElse: () => Effect.succeed(failed(new Timeout({ ms: 0 })))
        })
      )
      if (end.refusal?._tag === "Conflict" && fence !== undefined && (yield* isLost(run))) {
        run.isLost = true
        return undefined
      }
      const how = again(act.step, end)
      if (how === undefined || tries === triesMax || (yield* Deferred.isDone(run.stop))) return end
      run.retries++
      if (how === "new") request = derivedId(act.request, `try ${tries}`)
      yield* Effect.sleep((yield* Random.next) * firstWaitMillis * 2 ** (tries - 1))
    }
  })
