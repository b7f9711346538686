import { assert, describe, it } from "@effect/vitest"
import { type Priority, priorities } from "../../../src/protocol/vsm/Claim.ts"
import {
  costs,
  factorMax,
  nextFactor,
  perMinuteByClearance,
  RateLimiter,
  refusalOf
} from "../../../src/systems/coordination/RateLimiter.ts"
import { randomOf } from "../../support/Random.ts"

/** Ten tokens at most, two a second. */
const limit = { perMinute: 120, burst: 10 }

const limiterOf = (...names: ReadonlyArray<string>): RateLimiter => {
  const limiter = new RateLimiter()
  for (const name of names) limiter.ensure(name, limit, 0)
  return limiter
}

describe("a bucket", () => {
  it("is emptied by five normal requests; the sixth passes a second later and leaves nothing", () => {
    const limiter = limiterOf("ada")
    for (const left of [8, 6, 4, 2, 0])
      assert.deepStrictEqual(limiter.consume(["ada"], "normal", 0), {
        allowed: true,
        remaining: [left],
        retryAfterMs: 0
      })
    const refused = limiter.consume(["ada"], "normal", 0)
    assert.deepStrictEqual(refused, { allowed: false, remaining: [0], retryAfterMs: 1000, bucket: "ada" })
    assert.deepInclude(refusalOf(refused), { _tag: "RateLimited", bucket: "ada", retryAfterMs: 1000 })
    assert.isFalse(limiter.check(["ada"], "normal", 999).allowed)
    assert.deepStrictEqual(limiter.consume(["ada"], "normal", 1000).remaining, [0])
  })

  it("that is not known denies everything but what hurts", () => {
    const limiter = limiterOf("ada")
    assert.deepInclude(limiter.consume(["ada", "nobody"], "critical", 0), { allowed: false, bucket: "nobody" })
    assert.isTrue(limiter.consume(["nobody"], "algedonic", 0).allowed)
    assert.strictEqual(limiter.inspect("ada", 0)?.tokens, 10, "nothing was taken")
    assert.isUndefined(limiter.inspect("nobody", 0))
    assert.isFalse(limiter.adjust("nobody", { factor: 1 }, 0))
  })

  it("gives a request from all buckets or from none", () => {
    const limiter = limiterOf("ada", "motor")
    limiter.adjust("motor", { burst: 3 }, 0)
    assert.deepStrictEqual(limiter.consume(["ada", "motor"], "normal", 0).remaining, [8, 1])
    assert.deepInclude(limiter.consume(["ada", "motor"], "normal", 0), { allowed: false, bucket: "motor" })
    assert.strictEqual(limiter.inspect("ada", 0)?.tokens, 8)
    assert.deepStrictEqual(limiter.consume(["ada", "ada"], "critical", 0).remaining, [7, 7], "named twice, taken once")
  })

  it("never lets through what costs more than it holds", () => {
    const limiter = new RateLimiter()
    limiter.ensure("small", { perMinute: 60, burst: 3 }, 0)
    assert.strictEqual(limiter.consume(["small"], "low", 0).retryAfterMs, Number.POSITIVE_INFINITY)
  })

  it("gets nothing from a clock that goes back", () => {
    const limiter = limiterOf("ada")
    for (let count = 0; count < 5; count++) limiter.consume(["ada"], "normal", 60_000)
    assert.strictEqual(limiter.inspect("ada", 0)?.tokens, 0)
    assert.strictEqual(limiter.inspect("ada", 60_500)?.tokens, 1)
  })

  it("follows the pressure: down fast, up slowly, within bounds", () => {
    const calm = { cpu: 0.1, mailbox: 0, latency: 0.2, database: 0 }
    assert.closeTo(nextFactor(1, { ...calm, latency: 0.9 }), 0.7, 1e-9)
    assert.closeTo(nextFactor(1, calm), 1.05, 1e-9)
    assert.strictEqual(nextFactor(1, { ...calm, cpu: 0.7 }), 1)
    assert.strictEqual(nextFactor(0.11, { ...calm, database: 1 }), 0.1)
    assert.strictEqual(nextFactor(1.49, calm), factorMax)
    const limiter = limiterOf("ada")
    for (let count = 0; count < 5; count++) limiter.consume(["ada"], "normal", 0)
    limiter.adjust("ada", { factor: 0.5 }, 0)
    assert.strictEqual(limiter.inspect("ada", 1000)?.tokens, 1)
    limiter.adjust("ada", { factor: 99 }, 1000)
    assert.strictEqual(limiter.inspect("ada", 1000)?.factor, factorMax)
  })

  it("admits no more than its burst and what flows in, whoever asks for what and whatever the clock does", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed)
      const perMinute = perMinuteByClearance[random(5)] ?? 60
      const burst = 4 + random(100)
      const limiter = new RateLimiter()
      limiter.ensure("ada", { perMinute, burst }, 0)
      limiter.ensure("vsm", { perMinute: 6000, burst: 500 }, 0)
      const admitted: Array<{ readonly at: number; readonly cost: number }> = []
      let now = 0
      let last = 0
      for (let count = 0; count < 400; count++) {
        now += random(10) === 0 ? -random(5000) : random(random(5) === 0 ? 10_000 : 50)
        last = Math.max(last, now)
        if (random(20) === 0) limiter.adjust("ada", { factor: random(30) / 10 }, now)
        const priority: Priority = priorities[random(5)] ?? "normal"
        if (limiter.consume(random(2) === 0 ? ["ada"] : ["ada", "vsm"], priority, now).allowed)
          admitted.push({ at: last, cost: costs[priority] })
      }
      for (const [from, first] of admitted.entries()) {
        let sum = 0
        for (const { at, cost } of admitted.slice(from)) {
          sum += cost
          const most = burst + (perMinute * factorMax * (at - first.at)) / 60_000
          if (sum > most + 1e-3) assert.fail(`seed ${seed}: ${sum} within ${at - first.at} ms, not ${most}`)
        }
      }
    }
  })

  it("is forgotten when there are too many and it is full", () => {
    const limiter = new RateLimiter()
    for (let count = 0; count < 100_000; count++) limiter.ensure(`user-${count}`, limit, 0)
    limiter.consume(["user-7"], "normal", 0)
    limiter.ensure("one more", limit, 0)
    assert.strictEqual(limiter.size, 2)
    assert.strictEqual(limiter.inspect("user-7", 0)?.tokens, 8)
  })
})
