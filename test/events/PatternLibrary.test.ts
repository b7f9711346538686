import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as PatternLibrary from "../../src/events/PatternLibrary.ts"
import { Patterns } from "../../src/events/Patterns.ts"
import { readPattern } from "../../src/protocol/pattern/PatternText.ts"
import * as PatternStore from "../../src/runtime/storage/PatternStore.ts"
import { TestDatabase } from "../runtime/storage/TestDatabase.ts"
import { Postgres } from "../support/Postgres.ts"

const written = (name: string, text = "where temp > 90") => {
  const source = `pattern ${name} { ${text} }`
  return { source, pattern: Result.getOrThrow(readPattern(source)) }
}

/** Reads of the database: how many, and how many patterns came with them. */
class Reads {
  all = 0
  ofChanges = 0
  patterns = 0
}

/** The store, with its reads counted, and a library over it. */
const counted = (reads: Reads) =>
  // Another one than that which the store brings with it.
  Layer.fresh(PatternLibrary.layer).pipe(
    Layer.provideMerge(
      Layer.effect(
        Patterns,
        Effect.map(Patterns, (patterns) =>
          Patterns.of({
            ...patterns,
            list: (page) =>
              Effect.tap(patterns.list(page), (found) =>
                Effect.sync(() => {
                  reads.all++
                  reads.patterns += found.length
                })
              ),
            changedSince: (revision) =>
              Effect.tap(patterns.changedSince(revision), ({ changed }) =>
                Effect.sync(() => {
                  reads.ofChanges++
                  reads.patterns += changed.length
                })
              )
          })
        )
      )
    ),
    Layer.provide(PatternStore.layer),
    Layer.provideMerge(TestDatabase.layer)
  )

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("what a node knows of patterns", (it) => {
  it.effect("is read once, and then change by change, however many there are", () =>
    Effect.gen(function* () {
      const reads = new Reads()
      yield* Effect.gen(function* () {
        const patterns = yield* Patterns
        const library = yield* PatternLibrary.PatternLibrary
        yield* patterns.putAll(
          Array.from({ length: 300 }, (_, index) => written(`p${index}`)),
          "user:ada"
        )
        assert.strictEqual((yield* library.current).stored.size, 300)
        assert.deepStrictEqual({ ...reads }, { all: 1, ofChanges: 1, patterns: 300 })
        for (let index = 0; index < 20; index++) {
          yield* library.current
          yield* patterns.put({ ...written(`q${index}`), by: "user:ada" })
        }
        const { stored, graph, revision } = yield* library.current
        assert.strictEqual(stored.size, 320)
        assert.strictEqual(graph.get("q19")?.name, "q19")
        assert.strictEqual(revision, yield* patterns.revision)
        // One pattern came with each read but the first, however many there were.
        assert.deepStrictEqual({ ...reads }, { all: 1, ofChanges: 22, patterns: 320 })
      }).pipe(Effect.provide(counted(reads)))
    })
  )

  it.effect("follows what others change, switch and remove", () =>
    Effect.gen(function* () {
      const patterns = yield* Patterns
      const library = yield* PatternLibrary.PatternLibrary
      const put = (name: string, text: string) => patterns.put({ ...written(name, text), by: "user:ada" })
      yield* put("ping", 'from x.pong where exists pattern do event("x.ping")')
      yield* library.current
      yield* put("pong", 'from x.ping where exists pattern do event("x.pong")')
      const loop = Effect.map(library.current, ({ graph }) =>
        graph.loopThrough(written("ping", 'from x.pong where exists pattern do event("x.ping")').pattern)
      )
      assert.deepStrictEqual(yield* loop, ["ping", "pong", "ping"])
      yield* patterns.setOn("pong", false, "user:ada")
      assert.isUndefined(yield* loop)
      yield* patterns.setOn("pong", true, "user:ada")
      assert.isDefined(yield* loop)
      yield* patterns.remove("pong", "user:ada")
      assert.isUndefined(yield* loop)
      assert.deepStrictEqual([...(yield* library.current).stored.keys()], ["ping"])
    }).pipe(Effect.provide(counted(new Reads())))
  )
})
