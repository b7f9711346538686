import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Reply } from "../../src/actors/Envelope.ts"
import { type Patience, patiently } from "../../src/actors/Patience.ts"
import { Unavailable } from "../../src/protocol/Errors.ts"

const waits = { query: "WatchLendable", millis: "waitMillis", list: "events" }
const found = (...events: ReadonlyArray<string>): Reply => ({ _tag: "Success", value: { events } })
const nothing = found()

/** An actor that has nothing until `give` is called. */
class Shop {
  asks = 0
  watchers = 0
  reply = nothing
  readonly listeners = new Set<() => void>()

  give(reply: Reply): void {
    this.reply = reply
    for (const listen of [...this.listeners]) listen()
  }

  readonly ask = Effect.sync(() => {
    this.asks++
    return this.reply
  })

  readonly watch: Stream.Stream<unknown> = Stream.fromEffectRepeat(
    Effect.callback<boolean>((resume) => {
      this.watchers++
      const end = (): void => {
        this.watchers--
        this.listeners.delete(listen)
      }
      const listen = (): void => {
        end()
        resume(Effect.succeed(true))
      }
      this.listeners.add(listen)
      return Effect.sync(end)
    })
  )
}

const asking = (shop: Pick<Shop, "ask"> & { readonly watch: Patience["watch"] }, waitMillis?: number) =>
  Effect.flatMap(Clock.Clock, (clock) =>
    patiently({
      waits,
      payload: waitMillis === undefined ? {} : { waitMillis },
      ask: shop.ask,
      watch: shop.watch,
      monotonic: () => clock.currentTimeMillisUnsafe()
    })
  )

describe("an ask that may wait", () => {
  it.effect("is answered at once where it does not wait, or has something, or is refused", () =>
    Effect.gen(function* () {
      const shop = new Shop()
      assert.deepStrictEqual(yield* asking(shop), nothing)
      assert.deepStrictEqual(yield* asking(shop, 0), nothing)
      for (const reply of [found("a"), { _tag: "Refused", error: "suspended" } as const]) {
        shop.give(reply)
        assert.deepStrictEqual(yield* asking(shop, 30_000), reply)
      }
      assert.strictEqual(shop.asks, 4)
    })
  )

  it.effect("is answered as soon as there is something, and asks the actor only then", () =>
    Effect.gen(function* () {
      const shop = new Shop()
      const asked = yield* Effect.forkChild(asking(shop, 30_000), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual([shop.asks, shop.watchers], [1, 1])
      shop.give(found("a"))
      assert.deepStrictEqual(yield* Fiber.join(asked), found("a"))
      assert.deepStrictEqual([shop.asks, shop.watchers], [2, 0])
    })
  )

  it.effect("waits on when another was faster, and brings nothing when its time is over", () =>
    Effect.gen(function* () {
      const shop = new Shop()
      const asked = yield* Effect.forkChild(asking(shop, 12_000), { startImmediately: true })
      shop.give(nothing)
      yield* TestClock.adjust("11999 millis")
      assert.strictEqual(asked.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(asked), nothing)
      // Now and then it asks, for an actor that has moved.
      assert.isAtMost(shop.asks, 6)
      assert.strictEqual(shop.watchers, 0)
    })
  )

  it.effect("leaves nothing behind when its sender goes away", () =>
    Effect.gen(function* () {
      const shop = new Shop()
      const asked = yield* Effect.forkChild(asking(shop, 30_000), { startImmediately: true })
      assert.strictEqual(shop.watchers, 1)
      yield* Fiber.interrupt(asked)
      assert.strictEqual(shop.watchers, 0)
      shop.give(found("a"))
      assert.strictEqual(shop.asks, 1)
    })
  )

  it.effect("brings nothing when the actor cannot be watched", () =>
    Effect.gen(function* () {
      const shop = new Shop()
      const watch = Stream.fail(new Unavailable({ cause: "an older node is a member" }))
      assert.deepStrictEqual(yield* asking({ ask: shop.ask, watch }, 30_000), nothing)
      assert.strictEqual(shop.asks, 1)
    })
  )
})
