import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import { JournalHint } from "../../src/events/JournalHint.ts"
import {
  beginning,
  CursorMalformed,
  cursorOf,
  followBy,
  type JournalEntry,
  JournalUnavailable,
  positionOf
} from "../../src/events/JournalReader.ts"

const entryAt = (position: number): JournalEntry => ({
  at: { transaction: BigInt(position), position },
  kind: "device",
  id: "a",
  version: position,
  committedAt: 0,
  records: [],
  unreadable: undefined
})

/** A journal that grows while it is read, and may be out of reach. */
const journal = Effect.gen(function* () {
  const length = yield* Ref.make(0)
  const isReachable = yield* Ref.make(true)
  const reads = yield* Ref.make(0)
  const read: Parameters<typeof followBy>[0] = (after, limit) =>
    Effect.gen(function* () {
      yield* Ref.update(reads, (count) => count + 1)
      if (!(yield* Ref.get(isReachable))) return yield* new JournalUnavailable({ cause: "cut" })
      const count = Math.min(limit, (yield* Ref.get(length)) - after.position)
      return Array.from({ length: count }, (_, index) => entryAt(after.position + index + 1))
    })
  return { length, isReachable, reads, read }
})

const following = Effect.gen(function* () {
  const around = yield* journal
  const hint = yield* JournalHint
  const seen = yield* Queue.unbounded<number>()
  yield* Effect.forkChild(
    Stream.runForEach(followBy(around.read, hint)(beginning), (entry) => Queue.offer(seen, entry.version)),
    { startImmediately: true }
  )
  return { ...around, hint, seen }
})

describe("cursors", () => {
  it.effect("come back as the position they were made from", () =>
    Effect.gen(function* () {
      const position = { transaction: 2n ** 63n + 1n, position: 2 ** 53 - 1 }
      assert.deepStrictEqual(yield* positionOf(cursorOf(position)), position)
      assert.deepStrictEqual(yield* positionOf(cursorOf(beginning)), beginning)
    })
  )

  it.effect("are refused when they are none", () =>
    Effect.gen(function* () {
      for (const cursor of [
        "",
        "1",
        "1.",
        ".1",
        "-1.1",
        "1.1.1",
        "1.1 ",
        "a.b",
        `1.${"9".repeat(17)}`,
        `${"9".repeat(20)}.1`
      ])
        assert.deepStrictEqual(yield* Effect.flip(positionOf(cursor)), new CursorMalformed({ cursor }))
    })
  )
})

describe("following the journal", () => {
  it.effect("passes everything on once, in order, across pages", () =>
    Effect.gen(function* () {
      const { length, seen } = yield* following
      yield* Ref.set(length, 2500)
      yield* TestClock.adjust("2 seconds")
      const versions = yield* Queue.takeN(seen, 2500)
      assert.deepStrictEqual(
        [...versions],
        Array.from({ length: 2500 }, (_, index) => index + 1)
      )
    }).pipe(Effect.provide(JournalHint.layer))
  )

  it.effect("looks at once after a hint and only now and then without one", () =>
    Effect.gen(function* () {
      const { hint, length, reads, seen } = yield* following
      yield* TestClock.adjust("100 millis")
      const before = yield* Ref.get(reads)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Ref.get(reads), before)
      yield* Ref.set(length, 1)
      hint.journalled()
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(yield* Queue.take(seen), 1)
    }).pipe(Effect.provide(JournalHint.layer))
  )

  it.effect("reads once for many hints", () =>
    Effect.gen(function* () {
      const { hint, reads } = yield* following
      yield* TestClock.adjust("1 millis")
      const before = yield* Ref.get(reads)
      for (let count = 0; count < 1000; count++) hint.journalled()
      yield* TestClock.adjust("60 millis")
      assert.isAtMost((yield* Ref.get(reads)) - before, 2)
    }).pipe(Effect.provide(JournalHint.layer))
  )

  it.effect("waits an outage out and goes on where it was", () =>
    Effect.gen(function* () {
      const { isReachable, length, seen } = yield* following
      yield* Ref.set(length, 1)
      yield* TestClock.adjust("1 second")
      yield* Ref.set(isReachable, false)
      yield* TestClock.adjust("10 seconds")
      yield* Ref.set(length, 3)
      yield* Ref.set(isReachable, true)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([...(yield* Queue.takeN(seen, 3))], [1, 2, 3])
    }).pipe(Effect.provide(JournalHint.layer))
  )

  it.effect("stops listening to hints when its reader goes", () =>
    Effect.gen(function* () {
      const { read, reads } = yield* journal
      const hint = yield* JournalHint
      const fiber = yield* Effect.forkChild(Stream.runDrain(followBy(read, hint)(beginning)), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const before = yield* Ref.get(reads)
      hint.journalled()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Ref.get(reads), before)
    }).pipe(Effect.provide(JournalHint.layer))
  )
})
