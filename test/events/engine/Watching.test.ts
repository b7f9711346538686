import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, flow, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { EventStream } from "../../../src/events/EventStream.ts"
import { partitionOf } from "../../../src/events/engine/Partition.ts"
import { type Outlook, PatternWatch } from "../../../src/events/engine/PatternWatch.ts"
import { layer } from "../../../src/events/engine/Watching.ts"
import { JournalHint } from "../../../src/events/JournalHint.ts"
import { PatternLibrary } from "../../../src/events/PatternLibrary.ts"
import type { StoredPattern } from "../../../src/events/Patterns.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { PatternGraph } from "../../../src/protocol/pattern/PatternGraph.ts"

const warm: Pattern["body"] = {
  _tag: "Where",
  condition: {
    _tag: "Compare",
    operator: ">",
    left: { _tag: "Field", path: ["temp"] },
    right: { _tag: "Number", value: 90 }
  }
}

const stored = (from: Pattern["from"], isOn = true): StoredPattern => ({
  id: "1",
  name: "warm",
  version: 1,
  source: "",
  pattern: { name: "warm", priority: "normal", ...(from !== undefined && { from }), by: [], body: warm, actions: [] },
  isOn,
  author: "user:ada",
  createdBy: "user:ada",
  createdAt: 0,
  updatedBy: "user:ada",
  updatedAt: 0
})

const quiet: StoredPattern = {
  ...stored(undefined),
  name: "quiet",
  pattern: {
    name: "quiet",
    priority: "normal",
    by: [],
    body: { _tag: "Silence", step: { from: ["board.telemetry"] }, forMillis: 15_000 },
    actions: []
  }
}
/** The partition that works on it. */
const home = partitionOf("quiet", "")

const event = (index: number): HolonEvent => ({
  id: eventIdOf({ kind: "device", id: "oven-1", version: 1, committedAt: 1000 }, index),
  type: "board.telemetry",
  source: { actor: "device", id: "oven-1" },
  seq: index,
  ts: { ms: 1000 + index, ctr: 0, node: "0000000000000000" },
  at: 1000 + index,
  vsm: "root",
  severity: "info",
  data: { temp: index === 3 ? 95 : 20 },
  causes: []
})

interface Read {
  readonly hasSamples: boolean
  readonly events: number
  readonly commits: number
}

/** A stream of one page that says what it was asked for. */
const streamOf = (count: number, reads: Array<Read>, end = "2.1") =>
  EventStream.of({
    read: (start, { hasSamples }, { events, commits }) =>
      Effect.sync(() => {
        reads.push({ hasSamples, events, commits })
        if (start._tag === "Now") return { events: [], next: end, hasMore: false }
        if (start._tag !== "After" || start.cursor !== "1.0") return { events: [], next: "2.1", hasMore: false }
        const placed = Array.from({ length: count }, (_, index) => ({
          cursor: index === count - 1 ? "2.1" : `2.1.${index + 1}`,
          event: event(index)
        }))
        return { events: placed, next: "2.1", hasMore: true }
      }),
    follow: () => Stream.never
  })

type Lists = () => ReadonlyArray<StoredPattern>

/** Another revision each time somebody asks. */
const libraryOf = (lists: Lists) => {
  let revision = 0
  return PatternLibrary.of({
    current: Effect.sync(() => ({
      revision: ++revision,
      stored: new Map(lists().map((each) => [each.name, each])),
      graph: new PatternGraph()
    })),
    alone: (change) => change
  })
}

const looking = (list: ReadonlyArray<StoredPattern>, count: number, reads: Array<Read>) =>
  Effect.flatMap(PatternWatch, ({ look }) =>
    Effect.forEach([0, 1, 2, 3], (partition) => look(outlookOf(partition)), { concurrency: 1 })
  ).pipe(withNode(() => list, count, reads))

const outlookOf = (partition: number) => ({ partition, cursor: "1.0", tick: 0, snapshot: undefined })

const withNode = (lists: Lists, count: number, reads: Array<Read>, end?: string) =>
  flow(
    Effect.provide(
      layer.pipe(
        Layer.provide(Layer.succeed(EventStream, streamOf(count, reads, end))),
        Layer.provide(Layer.succeed(PatternLibrary, libraryOf(lists))),
        Layer.provide(JournalHint.layer)
      )
    ),
    Effect.scoped
  )

describe("the looks of a node", () => {
  it.effect("read a page once for all partitions, and never a part of it twice", () =>
    Effect.gen(function* () {
      const reads: Array<Read> = []
      const looks = yield* looking([stored(["board.telemetry"])], 5000, reads)
      const matches = looks.flatMap((looked) => (looked._tag === "Looked" ? looked.found : []))
      assert.deepEqual(
        matches.map(({ match }) => match.events),
        [[event(3).id]]
      )
      assert.deepEqual(
        looks.map((looked) => (looked._tag === "Looked" ? looked.cursor : looked._tag)),
        ["2.1", "2.1", "2.1", "2.1"]
      )
      // All events of the commits that are read are taken, however many.
      assert.deepEqual(reads, [{ hasSamples: true, events: Number.POSITIVE_INFINITY, commits: 50 }])
    })
  )

  it.effect("read what boards measure where a pattern may want it", () =>
    Effect.gen(function* () {
      const wanting: ReadonlyArray<Pattern["from"]> = [undefined, ["board.*"], ["door.opened", "board.telemetry"]]
      for (const from of wanting) {
        const reads: Array<Read> = []
        yield* looking([stored(from)], 5, reads)
        assert.deepEqual(
          reads.map(({ hasSamples }) => hasSamples),
          [true]
        )
      }
    })
  )

  it.effect("leave it out where none does, or none that is on", () =>
    Effect.gen(function* () {
      const reads: Array<Read> = []
      yield* looking([stored(["door.*"]), { ...stored(["board.telemetry"], false), name: "off" }], 5, reads)
      assert.deepEqual(
        reads.map(({ hasSamples }) => hasSamples),
        [false]
      )
    })
  )

  it.effect("find again what time brought while nothing came, where no commit has kept it", () =>
    Effect.gen(function* () {
      const { look } = yield* PatternWatch
      /** Looks from there while a minute goes by. */
      const lookFrom = Effect.fn(function* (from: Pick<Outlook, "cursor" | "tick" | "snapshot">) {
        const looking = yield* Effect.forkChild(look({ partition: home, ...from }))
        yield* TestClock.adjust(60_000)
        const looked = yield* Fiber.join(looking)
        return looked._tag === "Looked" ? looked : yield* Effect.die("the stream could not be looked at")
      })
      const { cursor, tick, snapshot } = yield* lookFrom({ cursor: undefined, tick: 0, snapshot: undefined })
      const fed = yield* lookFrom({ cursor, tick, snapshot })
      assert.strictEqual(fed.cursor, "2.1")
      const from = { cursor: fed.cursor, tick: fed.tick, snapshot }
      const first = yield* lookFrom(from)
      const again = yield* lookFrom(from)
      const then = yield* lookFrom({ cursor: again.cursor, tick: again.tick, snapshot })
      const idsOf = ({ found }: typeof first) => found.map(({ match }) => match.id)
      assert.lengthOf(idsOf(first), 1)
      assert.deepEqual(idsOf(again), idsOf(first))
      assert.deepEqual(idsOf(then), [])
    }).pipe(withNode(() => [quiet], 5, [], "1.0"))
  )

  it.effect("forget the last pattern that is switched off", () =>
    Effect.gen(function* () {
      let list: ReadonlyArray<StoredPattern> = [quiet]
      yield* Effect.gen(function* () {
        const { look } = yield* PatternWatch
        const lookFrom = Effect.fn(function* (from: Pick<Outlook, "cursor" | "tick" | "snapshot">) {
          const looking = yield* Effect.forkChild(look({ partition: home, ...from }))
          yield* TestClock.adjust(60_000)
          const looked = yield* Fiber.join(looking)
          return looked._tag === "Looked" ? looked : yield* Effect.die("the stream could not be looked at")
        })
        const begun = yield* lookFrom({ cursor: undefined, tick: 0, snapshot: undefined })
        const fed = yield* lookFrom(begun)
        assert.isAbove(fed.numbersOf("quiet")?.evaluated ?? 0, 0)
        list = [{ ...quiet, isOn: false }]
        const off = yield* lookFrom({ ...fed, snapshot: begun.snapshot })
        assert.isUndefined(off.numbersOf("quiet"))
        list = [quiet]
        // It begins anew: what it waited for before came while nobody asked.
        const on = yield* lookFrom({ ...off, snapshot: begun.snapshot })
        assert.deepEqual(on.found, [])
      }).pipe(withNode(() => list, 5, [], "1.0"))
    })
  )

  it.effect("go no further without a pattern than to where one was added", () =>
    Effect.gen(function* () {
      let list: ReadonlyArray<StoredPattern> = []
      const cursorsOf = Effect.fn(function* (during: () => void) {
        const { look } = yield* PatternWatch
        const looking = yield* Effect.forkChild(look(outlookOf(0)))
        yield* TestClock.adjust(100)
        during()
        yield* TestClock.adjust(1000)
        const looked = yield* Fiber.join(looking)
        return looked._tag === "Looked" ? looked.cursor : looked._tag
      })
      yield* Effect.gen(function* () {
        assert.strictEqual(
          yield* cursorsOf(() => {
            list = [stored(["board.telemetry"])]
          }),
          "1.0"
        )
        list = []
        assert.strictEqual(yield* cursorsOf(() => {}), "2.1")
      }).pipe(withNode(() => list, 5, []))
    })
  )
})
