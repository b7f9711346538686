import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { Patterns, patternsMax } from "../../../src/events/Patterns.ts"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import * as PatternStore from "../../../src/runtime/storage/PatternStore.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const hot: Pattern = {
  name: "hot",
  priority: "high",
  from: ["board.telemetry"],
  by: [["source", "id"]],
  body: {
    _tag: "When",
    aggregate: { _tag: "Avg", of: { _tag: "Field", path: ["temp"] } },
    threshold: { operator: ">", value: 60 },
    over: { _tag: "Sliding", millis: 10_000 },
    where: { _tag: "Exists", path: ["temp"] }
  },
  actions: [{ _tag: "Event", type: "line.hot" }]
}
const given = { source: "pattern hot …", pattern: hot, by: "user:ada" }
const lower: Pattern = { ...hot, priority: "low" }

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("patterns in the database", (it) => {
  const fresh = <A, E>(
    effect: Effect.Effect<A, E, Patterns | PgClient.PgClient>
  ): Effect.Effect<A, unknown, Postgres> =>
    Effect.provide(effect, PatternStore.layer.pipe(Layer.provideMerge(TestDatabase.layer)))

  it.effect("come back as they were put, and count their changes", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        const before = yield* patterns.revision
        const first = yield* patterns.put(given)
        assert.deepInclude(first, { name: "hot", version: 1, isOn: true, createdBy: "user:ada", pattern: hot })
        assert.deepStrictEqual(yield* patterns.get("hot"), first)
        const second = yield* patterns.put({ source: "other", pattern: lower, by: "user:bob" })
        assert.deepInclude(second, { id: first.id, version: 2, createdBy: "user:ada", updatedBy: "user:bob" })
        assert.isAbove(yield* patterns.revision, before)
      })
    )
  )

  it.effect("stay as they are when their author puts them once more, and keep their version in other words", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        const first = yield* patterns.put(given)
        yield* patterns.setOn("hot", false, "user:bob")
        const before = { one: yield* patterns.get("hot"), revision: yield* patterns.revision }
        // The order of keys is nothing that a pattern says.
        const turned = Object.fromEntries(Object.entries(hot).reverse()) as unknown as Pattern
        assert.deepStrictEqual(yield* patterns.put({ ...given, pattern: turned, expected: 1 }), before.one)
        assert.deepStrictEqual({ one: yield* patterns.get("hot"), revision: yield* patterns.revision }, before)
        const [same, fresh] = yield* patterns.putAll([given, { ...given, pattern: { ...hot, name: "new" } }], given.by)
        assert.deepStrictEqual([same, fresh?.version], [before.one, 1])
        const refused = yield* Effect.flip(patterns.put({ ...given, expected: 0 }))
        assert.strictEqual(refused._tag, "Conflict")
        const words = yield* patterns.put({ ...given, source: "pattern  hot …" })
        assert.deepInclude(words, {
          id: first.id,
          version: 1,
          source: "pattern  hot …",
          isOn: false,
          author: "user:ada"
        })
        assert.deepStrictEqual(yield* patterns.get("hot"), words)
        const { changed } = yield* patterns.changedSince(before.revision)
        assert.sameDeepMembers([...changed], [words, fresh])
        // His rights are others, and so is what its actions may do.
        assert.deepInclude(yield* patterns.put({ ...given, by: "user:bob" }), { version: 2, author: "user:bob" })
        assert.deepInclude(yield* patterns.put({ ...given, by: "user:ada" }), { version: 3, author: "user:ada" })
      })
    )
  )

  it.effect("are replaced only at the version that was expected", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        yield* patterns.put({ ...given, expected: 0 })
        const error = yield* Effect.flip(patterns.put({ ...given, expected: 0 }))
        assert.strictEqual(error._tag, "Conflict")
        assert.match(error.message, /version 1 by user:ada came first/)
        assert.strictEqual((yield* patterns.put({ ...given, pattern: lower, expected: 1 })).version, 2)
      })
    )
  )

  it.effect("are switched on in zones and off in them, with each change in their history and no new version", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        assert.notProperty(yield* patterns.put(given), "zones")
        const before = yield* patterns.revision
        const inHall = yield* patterns.setOn("hot", true, "user:bob", ["hall"])
        assert.deepInclude(inHall, { isOn: true, zones: ["hall"], version: 1, updatedBy: "user:bob" })
        assert.isAbove(yield* patterns.revision, before)
        assert.deepStrictEqual((yield* patterns.setOn("hot", true, "user:ada", ["yard", "hall"])).zones, [
          "hall",
          "yard"
        ])
        assert.deepStrictEqual(
          (yield* patterns.put({ ...given, pattern: lower })).zones,
          ["hall", "yard"],
          "what it says is another matter"
        )
        assert.deepStrictEqual((yield* patterns.changedSince(before)).changed[0]?.zones, ["hall", "yard"])
        assert.deepStrictEqual((yield* patterns.setOn("hot", false, "user:ada")).zones, ["hall", "yard"])
        assert.deepStrictEqual((yield* patterns.setOn("hot", true, "user:ada")).zones, ["hall", "yard"])
        assert.deepInclude(yield* patterns.setOn("hot", false, "user:ada", ["hall"]), { isOn: true, zones: ["yard"] })
        const refused = yield* Effect.flip(patterns.setOn("hot", false, "user:ada", ["hall"]))
        assert.include(refused.message, "hot is not on in hall, but in yard")
        const off = yield* patterns.setOn("hot", false, "user:ada", ["yard"])
        assert.isFalse(off.isOn)
        assert.deepStrictEqual(
          (yield* patterns.history("hot")).map(({ what, version }) => `${what} ${version}`),
          ["off 2", "on 2", "on 2", "off 2", "put 2", "on 1", "on 1", "put 1"]
        )
      })
    )
  )

  it.effect("are everywhere again once they stand on other patterns", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        yield* patterns.put(given)
        yield* patterns.setOn("hot", true, "user:ada", ["hall"])
        const body = { _tag: "Combined", patterns: ["warm", "off"], atLeast: 2, withinMillis: 1000 } as const
        const { from: _, ...rest } = hot
        assert.notProperty(yield* patterns.put({ ...given, pattern: { ...rest, body } }), "zones")
        const refused = yield* Effect.flip(patterns.setOn("hot", true, "user:ada", ["hall"]))
        assert.include(refused.message, "matches of other patterns")
      })
    )
  )

  it.effect("are switched off and on, removed, and go on counting when they come again", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        yield* patterns.put(given)
        assert.isFalse((yield* patterns.setOn("hot", false, "user:ada")).isOn)
        assert.isTrue((yield* patterns.setOn("hot", true, "user:ada")).isOn)
        yield* patterns.remove("hot", "user:bob")
        for (const gone of [patterns.get("hot"), patterns.remove("hot", "x"), patterns.setOn("hot", true, "x")]) {
          const error = yield* Effect.flip(gone)
          assert.strictEqual(error.message, "there is no pattern hot")
        }
        assert.strictEqual((yield* patterns.put(given)).version, 2)
        const history = yield* patterns.history("hot")
        assert.deepStrictEqual(
          history.map(({ what, version, by }) => [what, version, by]),
          [
            ["put", 2, "user:ada"],
            ["removed", 1, "user:bob"],
            ["on", 1, "user:ada"],
            ["off", 1, "user:ada"],
            ["put", 1, "user:ada"]
          ]
        )
      })
    )
  )

  it.effect("keep who wrote them, whoever switches them", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        assert.strictEqual((yield* patterns.put(given)).author, "user:ada")
        assert.deepInclude(yield* patterns.setOn("hot", false, "user:bob"), {
          author: "user:ada",
          updatedBy: "user:bob"
        })
        assert.strictEqual((yield* patterns.put({ ...given, by: "user:eve" })).author, "user:eve")
        assert.strictEqual((yield* patterns.get("hot")).author, "user:eve")
        assert.strictEqual((yield* patterns.remove("hot", "user:bob")).author, "user:eve")
      })
    )
  )

  it.effect("come several at once, all or none", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        const named = (name: string, expected?: number) => ({
          source: `pattern ${name} …`,
          pattern: { ...hot, name, by: [["source", "id"]] as const, priority: "low" as const },
          ...(expected !== undefined && { expected })
        })
        yield* patterns.put(given)
        const stored = yield* patterns.putAll([named("warm"), named("hot"), named("cold", 0)], "user:bob")
        assert.deepStrictEqual(
          stored.map(({ name, version, source, author, createdBy }) => [name, version, source, author, createdBy]),
          [
            ["warm", 1, "pattern warm …", "user:bob", "user:bob"],
            ["hot", 2, "pattern hot …", "user:bob", "user:ada"],
            ["cold", 1, "pattern cold …", "user:bob", "user:bob"]
          ]
        )
        for (const each of stored) assert.deepStrictEqual(yield* patterns.get(each.name), each)
        const refused = yield* Effect.flip(patterns.putAll([named("new"), named("warm", 0)], "user:bob"))
        assert.strictEqual(refused._tag, "Conflict")
        assert.strictEqual((yield* Effect.flip(patterns.get("new")))._tag, "NotFound")
        assert.lengthOf(yield* patterns.history("new"), 0)
      })
    )
  )

  it.effect("are changed by nobody else while somebody is alone with them, and undone where that fails", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        const { by, ...one } = given
        const named = (name: string) => ({ ...one, pattern: { ...hot, name } })
        const isBegun = yield* Deferred.make<void>()
        const other = yield* Effect.forkChild(
          Effect.andThen(Deferred.await(isBegun), patterns.put({ ...named("other"), by }))
        )
        const seen = yield* patterns.alone(
          Effect.gen(function* () {
            const before = yield* patterns.revision
            yield* Deferred.succeed(isBegun, undefined)
            yield* patterns.putAll([named("first")], by)
            yield* patterns.setOn("first", false, by)
            return (yield* patterns.changedSince(before)).changed.map(({ name }) => name)
          })
        )
        assert.deepStrictEqual(seen, ["first"])
        assert.strictEqual((yield* Fiber.join(other)).version, 1)
        const failed = yield* Effect.flip(
          patterns.alone(Effect.andThen(patterns.putAll([named("second")], by), Effect.fail("no" as const)))
        )
        assert.strictEqual(failed, "no")
        assert.strictEqual((yield* Effect.flip(patterns.get("second")))._tag, "NotFound")
      })
    )
  )

  it.effect("tell what has changed since a revision, and nothing else", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        for (const name of ["a", "b", "c"]) yield* patterns.put({ ...given, pattern: { ...hot, name } })
        const before = yield* patterns.revision
        assert.deepStrictEqual(yield* patterns.changedSince(before), { revision: before, changed: [], removed: [] })
        yield* patterns.setOn("b", false, "user:bob")
        yield* patterns.remove("c", "user:bob")
        yield* patterns.put({ ...given, pattern: { ...hot, name: "d" } })
        yield* patterns.remove("d", "user:bob")
        const { revision, changed, removed } = yield* patterns.changedSince(before)
        assert.strictEqual(revision, yield* patterns.revision)
        assert.deepStrictEqual(changed, [yield* patterns.get("b")])
        assert.sameMembers([...removed], ["c", "d"])
      })
    )
  )

  it.effect("are 10,000 at most; one that is there can be replaced even then", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        const sql = yield* PgClient.PgClient
        yield* patterns.put(given)
        yield* sql`insert into goldrush_patterns (id, name, version, source, conditions, merged_queries, actions, priority,
            key_fields, active, created_by, created_at, updated_by, updated_at)
          select gen_random_uuid(), 'p' || number, version, source, conditions, merged_queries, actions, priority,
            key_fields, active, created_by, created_at, updated_by, updated_at
          from goldrush_patterns, generate_series(1, ${patternsMax - 2}) number`
        const two = ["new", "newer"].map((name) => ({ ...given, pattern: { ...hot, name } }))
        const tooMany = yield* Effect.flip(patterns.putAll(two, "user:ada"))
        assert.deepInclude(tooMany, { _tag: "TooLarge", limit: 10_000, actual: 10_001 })
        yield* patterns.put({ ...given, pattern: { ...hot, name: "last" } })
        const refused = yield* Effect.flip(patterns.put({ ...given, pattern: { ...hot, name: "new" } }))
        assert.deepInclude(refused, { _tag: "TooLarge", limit: 10_000, actual: 10_001 })
        assert.strictEqual((yield* patterns.put({ ...given, pattern: lower })).version, 2)
        yield* patterns.remove("p1", "user:ada")
        assert.strictEqual((yield* patterns.put({ ...given, pattern: { ...hot, name: "new" } })).version, 1)
      })
    )
  )

  it.effect("are listed in pages by name", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        for (const name of ["b", "a", "C", "d"]) yield* patterns.put({ ...given, pattern: { ...hot, name } })
        const names = (found: ReadonlyArray<{ readonly name: string }>) => found.map(({ name }) => name)
        assert.deepStrictEqual(names(yield* patterns.list({ limit: 2 })), ["C", "a"])
        assert.deepStrictEqual(names(yield* patterns.list({ limit: 9, after: "a" })), ["b", "d"])
      })
    )
  )

  it.effect("change one after another, also from many sides at once", () =>
    fresh(
      Effect.gen(function* () {
        const patterns = yield* Patterns
        yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => `user:${index}`),
          (by) => patterns.put({ ...given, by }),
          { concurrency: 5 }
        )
        assert.strictEqual((yield* patterns.get("hot")).version, 20)
        const versions = (yield* patterns.history("hot")).map(({ version }) => version)
        assert.deepStrictEqual(
          versions,
          Array.from({ length: 20 }, (_, index) => 20 - index)
        )
      })
    )
  )
})
