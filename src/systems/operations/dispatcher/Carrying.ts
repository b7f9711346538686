/**
 * Carries out a batch: claims what it moves, does all of it side by side, and gives the claim back. It may be begun again on
 * another node: the claim and every message have the ids that they had there.
 */
import { Deferred, Effect } from "effect"
import { wayToActors } from "../../../actors/WayToActors.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import type { Meant } from "../../../protocol/vsm/Op.ts"
import type { Batch, Carried, Run } from "./Batch.ts"
import { claim, release, renewing } from "./Claiming.ts"
import { failed } from "./Following.ts"
import { carryOne } from "./Invoking.ts"
import { reporting } from "./Reporting.ts"
import { type Measured, timed } from "./Timing.ts"

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

/** See the file. Never fails: what goes wrong is what the acts come to. `meant` is what the op does not know of itself yet. */
export const carry = (batch: Batch, measured: Measured, meant?: Meant): Effect.Effect<Carried> =>
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
    yield* Effect.forkScoped(reporting(run, meant))
    if (batch.isCancelling) yield* Deferred.succeed(stop, undefined)
    const stopped = () => Deferred.doneUnsafe(stop, Effect.void)
    yield* Effect.acquireRelease(
      Effect.sync(() => batch.stops.listen(batch.op, stopped)),
      () => Effect.sync(() => batch.stops.forget(batch.op))
    )
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
