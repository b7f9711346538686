import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Queue, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Arrivals } from "../../src/events/Arrivals.ts"
import {
  type EventPage,
  EventStream,
  type PlacedEvent,
  type Selection,
  type Start
} from "../../src/events/EventStream.ts"
import { JournalUnavailable } from "../../src/events/JournalReader.ts"

const placed = (position: number, type: string): PlacedEvent => ({
  cursor: `7.${position}`,
  event: {
    id: `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`,
    type,
    source: { actor: "device", id: "press-1" },
    seq: position,
    ts: { ms: 0, ctr: 0, node: "0123456789abcdef" },
    at: 0,
    vsm: "root",
    severity: "info",
    data: null,
    causes: []
  }
})

/** A stream that grows by hand, and counts its readers. */
class Source {
  readers = 0
  outages = 0
  readonly starts: Array<Start> = []
  readonly queues = new Set<Queue.Queue<PlacedEvent>>()
  #count = 0

  emit(type: string): void {
    const event = placed(++this.#count, type)
    for (const queue of this.queues) Queue.offerUnsafe(queue, event)
  }

  readonly layer = Layer.succeed(EventStream, {
    read: () =>
      Effect.suspend((): Effect.Effect<EventPage, JournalUnavailable> => {
        if (this.outages-- > 0) return Effect.fail(new JournalUnavailable({ cause: "a test" }))
        return Effect.succeed({ events: [], next: `7.${this.#count}`, hasMore: false })
      }),
    follow: (start: Start) => {
      this.starts.push(start)
      return Stream.fromEffect(
        Effect.acquireRelease(
          Effect.tap(Queue.unbounded<PlacedEvent>(), (queue) =>
            Effect.sync(() => {
              this.readers++
              this.queues.add(queue)
            })
          ),
          (queue) =>
            Effect.sync(() => {
              this.readers--
              this.queues.delete(queue)
            })
        )
      ).pipe(Stream.flatMap(Stream.fromQueue), Stream.scoped)
    }
  })

  run<A, E>(effect: Effect.Effect<A, E, Arrivals>) {
    return Effect.provide(effect, Arrivals.layer.pipe(Layer.provide(this.layer)))
  }
}

const of = (type: string, hasSamples = false): Selection => ({ hasSamples, matches: (event) => event.type === type })

const first = (selection: Selection) =>
  Effect.gen(function* () {
    const arrivals = yield* Arrivals
    const arrival = yield* arrivals.watch(selection)
    yield* arrival.first
    return arrival.cursor()
  }).pipe(Effect.scoped)

describe("waiting for events", () => {
  it.effect("ends with the first event that is meant, for each who waits, with one reader for all", () => {
    const source = new Source()
    return source.run(
      Effect.gen(function* () {
        const waiting = yield* Effect.forEach(["a", "b", "a"], (type) =>
          Effect.forkChild(first(of(type)), { startImmediately: true })
        )
        yield* TestClock.adjust(1)
        assert.strictEqual(source.readers, 1)
        source.emit("c")
        source.emit("a")
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          waiting.map((fiber) => fiber.pollUnsafe()?._tag),
          ["Success", undefined, "Success"]
        )
        source.emit("b")
        assert.strictEqual(yield* Fiber.join(waiting[1] ?? Effect.runFork(Effect.die("none"))), "7.2")
        assert.deepStrictEqual(source.starts, [{ _tag: "After", cursor: "7.0" }])
      })
    )
  })

  it.effect("never tells of a place behind an event that is meant, also to who asks later", () => {
    const source = new Source()
    return source.run(
      Effect.gen(function* () {
        const arrivals = yield* Arrivals
        const arrival = yield* arrivals.watch(of("a"))
        yield* TestClock.adjust(1)
        source.emit("b")
        yield* TestClock.adjust(1)
        assert.strictEqual(arrival.cursor(), "7.1")
        for (const type of ["a", "b"]) source.emit(type)
        yield* TestClock.adjust(1)
        assert.strictEqual(arrival.cursor(), "7.1")
      }).pipe(Effect.scoped)
    )
  })

  it.effect("reads samples for those who mean them only, and nothing once nobody has waited for a while", () => {
    const source = new Source()
    return source.run(
      Effect.gen(function* () {
        const events = yield* Effect.forkChild(first(of("a")), { startImmediately: true })
        const samples = yield* Effect.forkChild(first(of("a", true)), { startImmediately: true })
        yield* TestClock.adjust(1)
        assert.strictEqual(source.readers, 2)
        yield* Fiber.interrupt(samples)
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(source.readers, 1)
        yield* Fiber.interrupt(events)
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(source.readers, 0)
      })
    )
  })

  it.effect("is delayed by an outage of the store, not ended", () => {
    const source = new Source()
    source.outages = 3
    return source.run(
      Effect.gen(function* () {
        const waiting = yield* Effect.forkChild(first(of("a")), { startImmediately: true })
        yield* TestClock.adjust("10 seconds")
        source.emit("a")
        assert.strictEqual(yield* Fiber.join(waiting), "7.0")
      })
    )
  })

  it.effect("forgets who goes away", () => {
    const source = new Source()
    return source.run(
      Effect.gen(function* () {
        const arrivals = yield* Arrivals
        const scope = yield* Scope.make()
        let asked = 0
        const matches = (): boolean => {
          asked++
          return false
        }
        yield* Scope.provide(arrivals.watch({ hasSamples: false, matches }), scope)
        yield* TestClock.adjust(1)
        source.emit("a")
        yield* TestClock.adjust(1)
        assert.strictEqual(asked, 1)
        yield* Scope.close(scope, Exit.void)
        source.emit("a")
        yield* TestClock.adjust(1)
        assert.strictEqual(asked, 1)
      })
    )
  })
})
