/**
 * Carries out a batch: claims what it moves, does all of it side by side, and gives the claim back. It may be begun again on
 * another node: the claim and every message have the ids that they had there.
 */
import { Deferred, Effect, Schema, Stream } from "effect"
import { wayToActors } from "../../../actors/WayToActors.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import { OpView } from "../../../protocol/vsm/Op.ts"
import { type Batch, type Carried, type Run, runtimeFor } from "./Batch.ts"
import { claim, release, renewing } from "./Claiming.ts"
import { failed } from "./Following.ts"
import { carryOne } from "./Invoking.ts"
import { type Measured, timed } from "./Timing.ts"

/** What ends sooner is told with the end of the batch alone. */
const reportMillis = 40

/** Stops the batch once its op is cancelled. Most batches have ended before anybody looks. */
const watching = ({ actors, batch, stop }: Run): Effect.Effect<void> =>
  actors
    .watch({ kind: Dispatcher.kind, id: batch.vsm }, "WatchOp", { op: batch.op }, { asker: runtimeFor(batch.asker) })
    .pipe(
      Stream.mapEffect((item) => Effect.orDie(Schema.decodeUnknownEffect(OpView)(item))),
      Stream.takeUntil((view) => view.isCancelling === true),
      Stream.runDrain,
      Effect.andThen(Deferred.succeed(stop, undefined)),
      Effect.ignore,
      Effect.delay(reportMillis)
    )

const progressOf = ({ batch, ends, progress }: Run): number => {
  const ended = new Set(ends.map(({ place }) => place))
  const sum = batch.acts.reduce((total, { place }) => total + (ended.has(place) ? 1 : (progress.get(place) ?? 0)), 0)
  return Math.min(1, Math.max(0, sum / batch.acts.length))
}

/** Tells the dispatcher what there is to tell, as long as it is not interrupted. */
const reporting = (run: Run): Effect.Effect<never> => {
  const { actors, batch } = run
  let told = 0
  const report = Effect.suspend(() => {
    if (run.news === told) return Effect.void
    const { news, note } = run
    const payload = {
      op: batch.op,
      batch: batch.batch,
      ends: [...run.ends],
      progress: progressOf(run),
      ...(note !== undefined && { note: note.slice(0, 256) })
    }
    return actors.ask(Dispatcher, batch.vsm, "Progress", payload, { asker: runtimeFor(batch.asker) }).pipe(
      Effect.andThen(
        Effect.sync(() => {
          told = news
        })
      ),
      Effect.ignore
    )
  })
  return report.pipe(Effect.delay(reportMillis), Effect.forever)
}

const invoke = (run: Run, fence: number | undefined) =>
  Effect.forEach(
    run.batch.acts,
    (act) =>
      Effect.map(carryOne(run, act, fence), (end) => {
        if (end !== undefined) run.ends.push({ place: act.place, ...end })
        run.news++
      }),
    { concurrency: "unbounded", discard: true }
  )

const fail = ({ batch, ends }: Run, error: HolonError): void => {
  for (const { place } of batch.acts) ends.push({ place, ...failed(error) })
}

const carried = ({ batch, ends, isLost, retries, measured }: Run): Carried => ({
  batch: batch.batch,
  attempt: batch.attempt,
  ends,
  isLost,
  retries,
  took: measured
})

/** Claims, unless it is not wanted any more meanwhile. */
const claimUnlessStopped = (run: Run) =>
  Effect.raceFirst(timed(run.measured, "claim", claim(run)), Effect.as(Deferred.await(run.stop), undefined))

/** See the file. Never fails: what goes wrong is what the acts come to. */
export const carry = (batch: Batch, measured: Measured = {}): Effect.Effect<Carried> =>
  Effect.gen(function* () {
    const actors = yield* wayToActors
    const stop = yield* Deferred.make<void>()
    const run: Run = {
      batch,
      actors,
      measured,
      stop,
      ends: [],
      progress: new Map(),
      note: undefined,
      retries: 0,
      isLost: false,
      news: 0
    }
    yield* Effect.forkScoped(watching(run))
    yield* Effect.forkScoped(reporting(run))
    if (batch.isCancelling) yield* Deferred.succeed(stop, undefined)
    // Nobody waits until it is back: who dies before that leaves a claim that ends by itself.
    yield* Effect.addFinalizer(() => Effect.forkDetach(timed({}, "release", release(run))))
    yield* claimUnlessStopped(run).pipe(
      Effect.tap(() => Effect.forkScoped(renewing(run))),
      Effect.flatMap((fence) => (run.isLost ? Effect.void : timed(measured, "invoke", invoke(run, fence)))),
      Effect.catch((error: HolonError) => Effect.sync(() => fail(run, error)))
    )
    return carried(run)
  }).pipe(
    Effect.scoped,
    Effect.catch((error: HolonError) =>
      Effect.succeed<Carried>({
        batch: batch.batch,
        attempt: batch.attempt,
        ends: batch.acts.map(({ place }) => ({ place, ...failed(error) })),
        isLost: false,
        retries: 0,
        took: measured
      })
    )
  )
