/** The claim that covers a batch: asked for, waited for, renewed while it is needed, and given back. */
import { Clock, Effect, Option, Schema, Stream } from "effect"
import { Conflict, type HolonError } from "../../../protocol/Errors.ts"
import { ClaimView, type Wanted, waitMillisMax } from "../../../protocol/vsm/Claim.ts"
import { Coordinator } from "../../../protocol/vsm/Coordinator.ts"
import type { Act } from "../../../protocol/vsm/Op.ts"
import { errorOf } from "../../../protocol/vsm/Spawn.ts"
import { refusalOf } from "../../coordination/RateLimiter.ts"
import { leaseOf, type Run, runtimeFor } from "./Batch.ts"
import { resourceOf } from "./Resources.ts"

const holdMillis = 20_000
const renewMillis = 6000

const ClaimOrNone = Schema.NullOr(ClaimView)

/** What the acts need, each resource once. */
const wantedBy = (acts: ReadonlyArray<Act>): ReadonlyArray<Wanted> =>
  [...new Set(acts.flatMap(({ step }) => resourceOf(step) ?? []))].map((resource) => ({ resource, mode: "write" }))

const ask = ({ actors, batch }: Run, claims: ReadonlyArray<Wanted>, now: number) => {
  const waitMillis = Math.min(waitMillisMax, Math.max(0, batch.until - now))
  const { vsm, op, priority } = batch
  const by = { asker: runtimeFor(batch.asker), requestId: leaseOf(batch) }
  return actors.ask(Coordinator, vsm, "Claim", { claims, op, priority, holdMillis, waitMillis }, by)
}

/** The claim once it is not waited for any more. */
const settled = ({ actors, batch }: Run) =>
  actors
    .watch(
      { kind: Coordinator.kind, id: batch.vsm },
      "WatchClaim",
      { lease: leaseOf(batch) },
      {
        asker: runtimeFor(batch.asker)
      }
    )
    .pipe(
      Stream.mapEffect((item) => Effect.orDie(Schema.decodeUnknownEffect(ClaimOrNone)(item))),
      Stream.takeUntil((claim) => claim?.state !== "waiting"),
      Stream.runLast,
      Effect.map((last) => Option.getOrElse(last, () => null))
    )

/** The fence of the claim; nothing where the acts need none. A claim that is over by now is lost. */
export const claim = (run: Run): Effect.Effect<number | undefined, HolonError> =>
  Effect.gen(function* () {
    const { rate, acts } = run.batch
    const now = yield* Clock.currentTimeMillis
    const limited =
      rate === undefined ? undefined : refusalOf(rate.limiter.consume([rate.bucket], run.batch.priority, now))
    if (limited !== undefined) return yield* limited
    const wanted = wantedBy(acts)
    if (wanted.length === 0) return undefined
    const asked = yield* ask(run, wanted, now)
    // A repeat gets what has become of it: one that waits or is over is looked at again.
    const isSure = asked.state === "held" && asked.until > now + renewMillis
    const view = isSure ? asked : yield* settled(run)
    if (view?.state === "held") return view.fence
    if (view?.state === "refused") return yield* new Conflict({ holder: `op ${view.lostTo ?? "of somebody"}` })
    if (view?.refusal !== undefined) return yield* Effect.fail(errorOf(view.refusal))
    run.isLost = true
    return undefined
  })

/** Whether the claim is another's by now. */
export const isLost = ({ actors, batch }: Run): Effect.Effect<boolean> =>
  actors.ask(Coordinator, batch.vsm, "GetClaims", { state: "held" }, { asker: runtimeFor(batch.asker) }).pipe(
    Effect.map(({ claims }) => !claims.some(({ lease }) => lease === leaseOf(batch))),
    Effect.orElseSucceed(() => false)
  )

/** Renews the claim as long as it is not interrupted. */
export const renewing = ({ actors, batch }: Run): Effect.Effect<never> =>
  actors
    .ask(Coordinator, batch.vsm, "Renew", { lease: leaseOf(batch) }, { asker: runtimeFor(batch.asker) })
    .pipe(Effect.ignore, Effect.delay(renewMillis), Effect.forever)

/** Gives the claim back. What does not arrive ends by itself, as nobody renews it. */
export const release = ({ actors, batch }: Run): Effect.Effect<void> =>
  actors
    .ask(Coordinator, batch.vsm, "Release", { lease: leaseOf(batch) }, { asker: runtimeFor(batch.asker) })
    .pipe(Effect.ignore)
