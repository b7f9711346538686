import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { EventStream } from "../../../src/events/EventStream.ts"
import { makePageReader } from "../../../src/events/engine/PageReader.ts"
import { JournalHint } from "../../../src/events/JournalHint.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"

const event: HolonEvent = {
  id: eventIdOf({ kind: "device", id: "oven-1", version: 1, committedAt: 1000 }, 0),
  type: "door.opened",
  source: { actor: "device", id: "oven-1" },
  seq: 0,
  ts: { ms: 1000, ctr: 0, node: "0000000000000000" },
  at: 1000,
  vsm: "root",
  severity: "info",
  data: {},
  causes: []
}

/** A long stream of which each page holds so many events. It writes down how many commits were asked for at a time. */
const streamOf = (sizes: ReadonlyArray<number>, asked: Array<number>) =>
  EventStream.of({
    read: (_start, _selection, { commits }) =>
      Effect.sync(() => {
        asked.push(commits)
        const events = Array.from({ length: sizes[asked.length - 1] ?? 0 }, () => ({ cursor: "0.1", event }))
        return { events, next: `${asked.length}.0`, hasMore: true }
      }),
    follow: () => Stream.never
  })

const commitsAsked = (sizes: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const asked: Array<number> = []
    const reading = Effect.gen(function* () {
      const pages = yield* makePageReader
      let cursor = "0.0"
      for (const _ of sizes) cursor = (yield* pages.behind(cursor, "events")).next
    })
    yield* reading.pipe(
      Effect.provideService(EventStream, streamOf(sizes, asked)),
      Effect.provide(JournalHint.layer),
      Effect.scoped
    )
    return asked
  })

describe("the reader of pages", () => {
  it.effect("reads more commits where they hold little, and fewer where they hold much, always whole ones", () =>
    Effect.gen(function* () {
      const little = Array.from({ length: 7 }, () => 1)
      const much = Array.from({ length: 7 }, () => 5000)
      assert.deepEqual(
        yield* commitsAsked([...little, ...much]),
        [50, 100, 200, 400, 800, 1600, 2000, 2000, 1000, 500, 250, 125, 62, 50]
      )
    })
  )
})
