import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Result } from "effect"
import { documentPredicate, rowPredicate, rowReader } from "../../../src/events/condition/Closure.ts"
import { sqlCondition } from "../../../src/events/condition/Sql.ts"
import { compileWasm } from "../../../src/events/condition/Wasm.ts"
import { pathKey, pathsOf } from "../../../src/protocol/condition/Bound.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { type Decide, startWasm } from "../../../src/protocol/condition/WasmCondition.ts"
import { storable } from "../../support/Conditions.ts"
import { conditionSeed, type DrawnCondition, drawnConditions } from "../../support/DrawnConditions.ts"
import { Postgres } from "../../support/Postgres.ts"

const conditionCount = 4000
const documentCount = 100
/** A module takes some milliseconds to make. */
const wasmCount = 1000

const columns = {
  id: { type: "text", name: "id" },
  zone: { type: "text", name: "zone" },
  reported: { type: "jsonb", name: "reported" },
  desired: { type: "jsonb", name: "twin.desired" }
} as const

const seed = conditionSeed
const { cases, documents } = drawnConditions(seed, conditionCount, documentCount)
const stored = documents.map(({ id, zone, reported, desired }) => {
  return { id, ...(zone === undefined ? {} : { zone }), reported: storable(reported), desired: storable(desired) }
})
const answers = (of: ReadonlyArray<unknown>) =>
  cases.map(({ bound }) => of.map((document) => interpret(bound, document)))
const expected = answers(documents)

/** The first case in which an engine answers otherwise than the interpreter. */
const firstDifference = (
  of: ReadonlyArray<unknown>,
  wanted: ReadonlyArray<ReadonlyArray<boolean>>,
  answer: (each: DrawnCondition) => (document: unknown, index: number) => boolean
): string | undefined => {
  for (const [at, each] of cases.entries()) {
    const holds = answer(each)
    const index = of.findIndex((document, place) => holds(document, place) !== wanted[at]?.[place])
    if (index >= 0)
      return `seed ${seed}: ${each.text}, of ${JSON.stringify(of[index])}, should be ${wanted[at]?.[index]}`
  }
  return undefined
}

/** A database that orders texts as English does, so that the order by code point is the condition's own. */
const database = Layer.unwrap(
  Effect.gen(function* () {
    const { url } = yield* Postgres
    const client = (address: string) => PgClient.layer({ url: Redacted.make(address), maxConnections: 1 })
    const create = Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`create database english template template0 encoding UTF8 locale 'C' locale_provider icu icu_locale 'en'`
    })
    yield* Effect.provide(create, client(url))
    return client(url.replace(/postgres$/, "english"))
  })
)

describe("a condition means the same", () => {
  layer(Layer.provideMerge(database, Postgres.layer({ settings: ["fsync=off"] })), {
    excludeTestServices: true
  })((it) => {
    it.effect("and is neither always nor never true here", () =>
      Effect.sync(() => {
        const share = expected.flat().filter((holds) => holds).length / (conditionCount * documentCount)
        assert.isTrue(share > 0.2 && share < 0.8, `${share} of the cases hold`)
        const undecided = expected.filter((row) => row.includes(true) && row.includes(false)).length
        assert.isAbove(undecided / conditionCount, 0.3)
      })
    )

    it.effect("to the closure over documents", () =>
      Effect.sync(() => {
        assert.isUndefined(firstDifference(documents, expected, ({ bound }) => documentPredicate(bound)))
      })
    )

    it.effect("to the closure over rows", () =>
      Effect.sync(() => {
        const difference = firstDifference(documents, expected, ({ bound }) => {
          const paths = pathsOf(bound)
          const places = new Map(paths.map((path, place) => [pathKey(path), place]))
          const holds = rowPredicate(bound, (path) => places.get(pathKey(path)) ?? -1)
          const read = rowReader(paths)
          return (document) => holds(read(document))
        })
        assert.isUndefined(difference)
      })
    )

    it.effect(
      "to WebAssembly",
      () =>
        Effect.gen(function* () {
          const decisions = new Map<DrawnCondition, Decide>()
          for (const each of cases.slice(0, wasmCount)) decisions.set(each, startWasm(yield* compileWasm(each.bound)))
          const difference = firstDifference(documents, expected, (each) => {
            const decide = decisions.get(each)
            // The others are decided elsewhere.
            if (decide === undefined) return (document) => interpret(each.bound, document)
            return (document) => Result.getOrThrow(decide(document))
          })
          assert.strictEqual(decisions.size, wasmCount)
          assert.isUndefined(difference)
        }),
      120_000
    )

    it.effect(
      "to PostgreSQL",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* sql`create table twin (place integer, id text, zone text, reported jsonb, desired jsonb)`
          for (const [place, { id, zone, reported, desired }] of stored.entries())
            yield* sql`insert into twin values (${place}, ${id}, ${zone ?? null},
              ${JSON.stringify(reported)}::text::jsonb, ${JSON.stringify(desired)}::text::jsonb)`
          const found = new Map<DrawnCondition, ReadonlySet<number>>()
          for (const each of cases) {
            const { text, parameters } = sqlCondition(each.bound, columns)
            const rows = yield* sql
              .unsafe<{ readonly place: number }>(`select place from twin where ${text}`, parameters)
              .pipe(
                Effect.mapError((cause) => new Error(`${each.text}\n${text}\n${JSON.stringify(parameters)}`, { cause }))
              )
            found.set(each, new Set(rows.map(({ place }) => place)))
          }
          const difference = firstDifference(stored, answers(stored), (each) => {
            const places = found.get(each)
            return (_, index) => places?.has(index) === true
          })
          assert.isUndefined(difference)
        }),
      120_000
    )
  })
})
