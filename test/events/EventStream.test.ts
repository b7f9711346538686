import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { EventStream, lookedBackMax, type Selection } from "../../src/events/EventStream.ts"
import { type JournalEntry, type JournalPart, JournalReader } from "../../src/events/JournalReader.ts"
import { runtimeAsker } from "../../src/protocol/Asker.ts"
import { decodeJournalBody, encodeEmission, journalBody } from "../../src/protocol/JournalBody.ts"

/** A commit of `device/press-1` with events and samples of these types, journalled at `position` seconds. */
const commit = (
  position: number,
  events: ReadonlyArray<string>,
  samples: ReadonlyArray<string> = []
): JournalEntry => ({
  at: { transaction: 7n, position },
  kind: "device",
  id: "press-1",
  version: position,
  committedAt: position * 1000,
  records: decodeJournalBody(
    journalBody(1, [
      encodeEmission({
        at: position * 1000,
        asker: runtimeAsker,
        requestId: "",
        events: events.map((type) => ({ type, data: position })),
        samples: samples.map((type) => ({ type, data: { temp: position } }))
      })
    ])
  ),
  unreadable: undefined
})

const few = [
  commit(1, ["device.attached"]),
  commit(2, [], ["board.telemetry"]),
  commit(3, ["command.sent", "command.done", "device.silent"], ["board.telemetry"]),
  commit(4, ["device.attached"])
]

const journalOf = (entries: ReadonlyArray<JournalEntry>, reads: Array<number> = []) =>
  Layer.sync(JournalReader, () => {
    const inPart = (part: JournalPart = "all") =>
      entries.filter(({ records }) => part === "all" || records.some(({ isSample }) => !isSample))
    const read: JournalReader["Service"]["read"] = (after, limit, part) =>
      Effect.sync(() => {
        reads.push(limit)
        return inPart(part)
          .filter(({ at }) => at.position > after.position)
          .slice(0, limit)
      })
    const before = (entry: JournalEntry | undefined) =>
      Effect.succeed({ transaction: 7n, position: (entry?.at.position ?? entries.length + 1) - 1 })
    return JournalReader.of({
      read,
      end: Effect.succeed({ transaction: 7n, position: entries.length }),
      since: (time, part) => before(inPart(part).find(({ committedAt }) => committedAt >= time)),
      last: (count, part) => before(inPart(part).slice(-count)[0]),
      follow: (after, part) =>
        Stream.unwrap(Effect.map(read(after, 100, part), Stream.fromIterable)) as Stream.Stream<JournalEntry>
    })
  })

const all: Selection = { hasSamples: false, matches: () => true }
const limits = { events: 100, commits: 100 }
const typesOf = (events: ReadonlyArray<{ readonly event: { readonly type: string } }>) =>
  events.map(({ event }) => event.type)

const reading = <A, E>(effect: Effect.Effect<A, E, EventStream>, entries = few) =>
  Effect.provide(effect, Layer.provide(EventStream.layer, journalOf(entries)))

/** Commits of two events each, of which the second is rare in the last ones. */
const many = Array.from({ length: 12_000 }, (_, index) =>
  commit(index + 1, ["device.attached", index < 11_000 ? "command.sent" : "device.silent"])
)
const rare: Selection = { hasSamples: false, matches: ({ type }) => type === "command.sent" }
const lastOf = (events: number) => ({ _tag: "LastEvents", events }) as const

describe("the event stream", () => {
  it.effect("shows events in order, and samples only to who wants them", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const beginning = { _tag: "Last", commits: 100 } as const
        const events = yield* stream.read(beginning, all, limits)
        assert.deepStrictEqual(typesOf(events.events), [
          "device.attached",
          "command.sent",
          "command.done",
          "device.silent",
          "device.attached"
        ])
        const both = yield* stream.read(beginning, { ...all, hasSamples: true }, limits)
        assert.strictEqual(both.events.length, 7)
      })
    )
  )

  it.effect("goes on behind any event, also in the midst of a commit, and misses none", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const whole = (yield* stream.read({ _tag: "Last", commits: 100 }, all, limits)).events
        for (const [index, { cursor }] of whole.entries()) {
          const rest = yield* stream.read({ _tag: "After", cursor }, all, limits)
          assert.deepStrictEqual(rest.events, whole.slice(index + 1))
          const followed = yield* Stream.runCollect(stream.follow({ _tag: "After", cursor }, all))
          assert.deepStrictEqual([...followed], whole.slice(index + 1))
        }
      })
    )
  )

  it.effect("pages: each page goes on where the one before ended, however small it is", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const whole = (yield* stream.read({ _tag: "Last", commits: 100 }, all, limits)).events
        const paged: Array<string> = []
        let page = yield* stream.read({ _tag: "Last", commits: 100 }, all, { events: 2, commits: 1 })
        for (let pages = 0; pages < 20; pages++) {
          paged.push(...page.events.map(({ cursor }) => cursor))
          if (!page.hasMore) break
          page = yield* stream.read({ _tag: "After", cursor: page.next }, all, { events: 2, commits: 1 })
        }
        assert.deepStrictEqual(
          paged,
          whole.map(({ cursor }) => cursor)
        )
      })
    )
  )

  it.effect("begins at a time, with the last commits, or now", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const since = yield* stream.read({ _tag: "Since", time: 3000 }, all, limits)
        assert.strictEqual(since.events.length, 4)
        const last = yield* stream.read({ _tag: "Last", commits: 1 }, all, limits)
        assert.deepStrictEqual(typesOf(last.events), ["device.attached"])
        const now = yield* stream.read({ _tag: "Now" }, all, limits)
        assert.deepStrictEqual(now.events, [])
      })
    )
  )

  it.effect("begins with the last events that match, in the middle of a commit too", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const found = (events: number, selection: Selection) =>
          Effect.map(stream.read(lastOf(events), selection, limits), (page) => typesOf(page.events))
        assert.deepStrictEqual(yield* found(2, all), ["device.silent", "device.attached"])
        assert.deepStrictEqual(yield* found(2, { hasSamples: true, matches: () => true }), [
          "board.telemetry",
          "device.attached"
        ])
        const attached: Selection = { hasSamples: false, matches: ({ type }) => type === "device.attached" }
        assert.deepStrictEqual(yield* found(2, attached), ["device.attached", "device.attached"])
        assert.deepStrictEqual(yield* found(9, attached), ["device.attached", "device.attached"])
        assert.deepStrictEqual(yield* found(9, { ...attached, matches: () => false }), [])
      })
    )
  )

  it.effect("looks back for the last events that match as far as its bound", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const read = (events: number) =>
          Effect.map(stream.read(lastOf(events), rare, { events: 20_000, commits: 20_000 }), (page) => page.events)
        const sent = (yield* read(3)).map(({ event }) => event.data)
        assert.deepStrictEqual(sent, [10_998, 10_999, 11_000])
        assert.strictEqual((yield* read(10_000)).length, lookedBackMax - 1000)
      }),
      many
    )
  )

  it.effect("goes on behind what a filter left out", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        const silent: Selection = { hasSamples: false, matches: ({ type }) => type === "device.silent" }
        const page = yield* stream.read({ _tag: "Last", commits: 100 }, silent, limits)
        assert.deepStrictEqual(typesOf(page.events), ["device.silent"])
        const rest = yield* stream.read({ _tag: "After", cursor: page.next }, all, limits)
        assert.deepStrictEqual(rest.events, [])
      })
    )
  )

  it.effect("refuses a cursor that is none", () =>
    reading(
      Effect.gen(function* () {
        const stream = yield* EventStream
        for (const cursor of ["", "x", "1", "1.2.3.4", "1.2.-3", "1.2.9999999"]) {
          const error = yield* Effect.flip(stream.read({ _tag: "After", cursor }, all, limits))
          assert.strictEqual(error._tag, "CursorMalformed")
        }
      })
    )
  )

  it.effect("is not read further than what is wanted of it, and as far as is told", () =>
    Effect.gen(function* () {
      const commits = Array.from({ length: 400 }, (_, index) =>
        commit(index + 1, [index % 100 === 99 ? "device.rare" : "device.attached", "device.silent"])
      )
      const read = (selection: Selection, limits: { readonly events: number; readonly commits: number }) => {
        const reads: Array<number> = []
        return Effect.flatMap(EventStream, (stream) =>
          stream.read({ _tag: "Last", commits: 400 }, selection, limits)
        ).pipe(
          Effect.provide(Layer.provide(EventStream.layer, journalOf(commits, reads))),
          Effect.map((page) => ({ reads, count: page.events.length, next: page.next, hasMore: page.hasMore }))
        )
      }
      assert.deepEqual(yield* read(all, { events: 99, commits: 400 }), {
        reads: [50],
        count: 99,
        next: "7.50.1",
        hasMore: true
      })
      const rare: Selection = { hasSamples: false, matches: ({ type }) => type === "device.rare" }
      assert.deepEqual(yield* read(rare, { events: 2, commits: 400 }), {
        reads: [50, 100, 200],
        count: 2,
        next: "7.299",
        hasMore: true
      })
      assert.deepEqual(yield* read(rare, { events: 9, commits: 170 }), {
        reads: [50, 100, 20],
        count: 1,
        next: "7.170",
        hasMore: true
      })
      assert.deepEqual(yield* read(rare, { events: 9, commits: 500 }), {
        reads: [50, 100, 200, 150],
        count: 4,
        next: "7.400",
        hasMore: false
      })
      assert.deepEqual((yield* read(all, { events: Number.POSITIVE_INFINITY, commits: 300 })).reads, [300])
    })
  )
})
