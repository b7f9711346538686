/** Decisions of the rate limiter, and of the one that comes with Effect, over the four buckets of a request. In memory. */
import { Effect, Layer } from "effect"
import { RateLimiter as OfEffect } from "effect/persistence"
import { RateLimiter } from "../../src/systems/coordination/RateLimiter.ts"
import { type BenchOptions, compare, figure } from "./Rounds.ts"

const names = ["user/ada", "motor.duty", "hall.line-1", "vsm/line-1"]
const perSecond = 1e9

/** Decisions a second, each over four buckets. */
const ours = (count: number): Promise<number> => {
  const limiter = new RateLimiter()
  for (const name of names) limiter.ensure(name, { perMinute: perSecond * 60, burst: perSecond }, 0)
  const begun = performance.now()
  for (let at = 0; at < count; at++) limiter.consume(names, "normal", at)
  return Promise.resolve((count * 1000) / (performance.now() - begun))
}

const theirs = (count: number): Promise<number> =>
  Effect.gen(function* () {
    const limiter = yield* OfEffect.RateLimiter
    const begun = performance.now()
    for (let at = 0; at < count; at++)
      for (const key of names)
        yield* limiter.consume({ key, limit: perSecond, window: "1 second", algorithm: "token-bucket", tokens: 2 })
    return (count * 1000) / (performance.now() - begun)
  }).pipe(Effect.provide(OfEffect.layer.pipe(Layer.provide(OfEffect.layerStoreMemory))), Effect.runPromise)

/** Runs both, one after the other in each round. */
export const rates = async ({ isQuick }: BenchOptions): Promise<void> => {
  const rounds = isQuick ? 2 : 5
  await compare(
    "requests that count against four buckets, decided",
    [
      { name: "RateLimiter of Effect, in memory", unit: "/s", run: () => theirs(20_000) },
      { name: "ours, all or none", unit: "/s", run: () => ours(200_000) }
    ],
    rounds
  )
  const values: Array<number> = []
  for (let round = 0; round < rounds; round++) values.push(await ours(200_000))
  figure("ours", "/s", values, { atLeast: 200_000 })
}
