import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { sqlCondition } from "../../../src/events/condition/Sql.ts"
import { product, quotient, sum } from "../../../src/events/condition/SqlArithmetic.ts"
import { bindText } from "../../../src/protocol/condition/Bind.ts"
import type { Parameters } from "../../../src/protocol/condition/Checks.ts"
import { calculate, interpret } from "../../../src/protocol/condition/Interpret.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { numbers } from "../../support/Conditions.ts"
import { Postgres } from "../../support/Postgres.ts"
import { randomFrom } from "../../support/Random.ts"

const columns = {
  id: { type: "text", name: "id" },
  zone: { type: "text", name: "zone" },
  reported: { type: "jsonb", name: "reported" }
} as const

const bound = (text: string, parameters: Parameters = {}) => Result.getOrThrow(bindText(text, twins, parameters))
const compiled = (text: string, parameters: Parameters = {}, first = 1) =>
  sqlCondition(bound(text, parameters), columns, first)

/** What an attacker writes into every place that takes a text. */
const hostile = [
  "'; drop table twin; --",
  "' or '1'='1",
  "\\' or true --",
  "$1::text) or (true",
  '"; drop table twin; --',
  "a'||(select current_user)||'",
  "%' escape '%",
  "x\\",
  "{a,b}",
  "a\"}') or true --",
  "*/ or true /*",
  "Robert\u2019); delete from twin; --"
]

describe("SQL of a condition", () => {
  it("holds no text, number, name or pattern of the condition", () => {
    const { text, parameters } = compiled(
      "reported.temp > 90.25 and led == 'blinking' and name glob 'press-*' and x matches '^y+$'"
    )
    const quotes = new Set(text.match(/'[^']*'/g))
    assert.deepStrictEqual([...quotes].toSorted(), ["'number'", "'string'", "'{}'"])
    for (const written of ["temp", "90.25", "blinking", "led", "name", "press", "y+"])
      assert.isFalse(text.includes(written), `${written} stands in ${text}`)
    for (const value of ["temp", "90.25", '"blinking"'.slice(1, -1), "press-%", "***:^(?:(?:y){1,})$"])
      assert.include(parameters, value)
  })

  it("is the same text whatever hostile texts, names, patterns and parameters stand in the condition", () => {
    const shapes: ReadonlyArray<(quoted: string, name: string) => string> = [
      (quoted) => `name == ${quoted}`,
      (_, name) => `\`${name}\` > 1`,
      (quoted) => `name in [${quoted}, ${quoted}]`,
      (quoted) => `name contains ${quoted}`,
      (quoted) => `errors has ${quoted}`,
      (quoted) => `zone inside ${quoted}`,
      (quoted) => `name inside ${quoted} and not name bit 3`,
      () => "name == $hostile"
    ]
    for (const shape of shapes) {
      const plain = compiled(shape('"x"', "x"), { hostile: "x" }).text
      for (const text of hostile) {
        const name = text.replaceAll("\\", "\\\\").replaceAll("`", "")
        assert.strictEqual(compiled(shape(JSON.stringify(text), name), { hostile: text }).text, plain, text)
      }
    }
  })

  it("counts its parameters from where the statement's own end, and gives equal ones one number", () => {
    const { text, parameters } = compiled("a == 'x' or b == 'x'", {}, 4)
    assert.deepStrictEqual(parameters, ["a", "x", "b"])
    assert.match(text, /\$4::text.*\$5::text.*\$6::text/)
    assert.notMatch(text, /\$[12378]/)
  })

  it("takes no name of a column that is more than a name", () => {
    for (const name of ["id; drop table twin", "a b", "a'", 'a"', "a.b.c", "A", "", "1a", "a--"])
      assert.throws(() => sqlCondition(bound("id == 'a'"), { id: { type: "text", name } }), /is no name of a column/)
  })

  layer(Layer.provideMerge(Postgres.client(1), Postgres.layer({ settings: ["fsync=off"] })), {
    excludeTestServices: true
  })((it) => {
    it.effect("finds what is asked for and nothing else, also with hostile texts", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`create table twin (id text, zone text, reported jsonb)`
        const documents = [
          ...hostile.map((text, at) => ({
            id: `h${at}`,
            zone: text,
            reported: { name: text, [text]: 2, errors: [text] }
          })),
          { id: "plain", zone: "ops", reported: { name: "plain", x: 2, errors: [] } }
        ]
        for (const { id, zone, reported } of documents)
          yield* sql`insert into twin values (${id}, ${zone}, ${JSON.stringify(reported)}::text::jsonb)`
        const conditions = hostile.flatMap((text) => {
          const quoted = JSON.stringify(text)
          const name = text.replaceAll("\\", "\\\\")
          const glob = JSON.stringify(`*${text.replace(/[\\*?]/g, "\\$&")}`)
          const expression = JSON.stringify(
            `^${[...text].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join("")}$`
          )
          return [
            `name == ${quoted}`,
            `zone == ${quoted}`,
            `\`${name}\` > 1`,
            `exists \`${name}\``,
            `name in [${quoted}, "plain"]`,
            `name contains ${quoted}`,
            `errors has ${quoted}`,
            `zone inside ${quoted}`,
            `\`${name}\` bit 1`,
            `name glob ${glob}`,
            `name matches ${expression}`,
            `not (name == ${quoted} or zone > ${quoted})`
          ]
        })
        for (const text of conditions) {
          const condition = bound(text)
          const { text: where, parameters } = sqlCondition(condition, columns)
          const rows = yield* sql.unsafe<{ readonly id: string }>(`select id from twin where ${where}`, parameters)
          const wanted = documents.filter((document) => interpret(condition, document)).map(({ id }) => id)
          assert.isTrue(wanted.length > 0 || text.startsWith("not"), text)
          assert.sameMembers(
            rows.map(({ id }) => id),
            wanted,
            text
          )
        }
        const left = yield* sql<{ readonly count: number }>`select count(*)::int4 as count from twin`
        assert.strictEqual(left[0]?.count, documents.length)
      })
    )

    it.effect(
      "calculates as IEEE doubles do, at all of their edges, and never fails",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const random = randomFrom(7)
          const bits = new DataView(new ArrayBuffer(8))
          const anyDouble = (): number => {
            bits.setUint32(0, random() * 2 ** 32)
            bits.setUint32(4, random() * 2 ** 32)
            const value = bits.getFloat64(0)
            return Number.isFinite(value) ? value : 1
          }
          // Products and quotients that end just around the smallest and the largest double.
          const nearEdge = (): readonly [number, number] => {
            const left = anyDouble()
            const edge = [2 ** -1074, 2 ** -1074 * 2, Number.MAX_VALUE, 2 ** -1022][Math.floor(random() * 4)] ?? 1
            const right = random() < 0.5 ? edge / left : left / edge
            return Number.isFinite(right)
              ? [left, right * (1 + (Math.floor(random() * 5) - 2) * 2 ** -52)]
              : [left, left]
          }
          const drawn: ReadonlyArray<readonly [number, number]> = [
            ...numbers.flatMap((left) => numbers.map((right) => [left, right] as const)),
            ...Array.from({ length: 8000 }, () => [anyDouble(), anyDouble()] as const),
            ...Array.from({ length: 16_000 }, nearEdge),
            // Just above half of the smallest double, where only the lower half of the product tells.
            [(1 + 2 ** -52) * 2 ** -600, (1 - 2 ** -53) * 2 ** -475],
            [(1 + 2 ** -52) * 2 ** -600, (1 - 2 ** -52) * 2 ** -475],
            [2 ** -600, 2 ** -475]
          ]
          const pairs = drawn.filter((pair) => pair.every(Number.isFinite))
          yield* sql`create table pair (place integer, x float8, y float8)`
          yield* sql.unsafe(
            `insert into pair select ordinality, x::float8, y::float8
             from unnest($1::text::text[], $2::text::text[]) with ordinality as each (x, y, ordinality)`,
            [`{${pairs.map(([left]) => left).join(",")}}`, `{${pairs.map(([, right]) => right).join(",")}}`]
          )
          const calculated = {
            "+": sum("+", "x", "y"),
            "-": sum("-", "x", "y"),
            "*": product("x", "y"),
            "/": quotient("x", "y")
          }
          for (const operator of ["+", "-", "*", "/"] as const) {
            const rows = yield* sql.unsafe<{ readonly result: string | null }>(
              `select (${calculated[operator]})::text as result from pair order by place`
            )
            assert.strictEqual(rows.length, pairs.length)
            const wrong = rows.findIndex(({ result }, index) => {
              const [left, right] = pairs[index] ?? [0, 0]
              const wanted = calculate(operator, left, right)
              // The sign of zero is never seen.
              return result === null ? wanted !== undefined : wanted === undefined || Number(result) !== wanted
            })
            assert.strictEqual(
              wrong,
              -1,
              `${pairs[wrong]?.join(` ${operator} `)}, which PostgreSQL makes ${rows[wrong]?.result}`
            )
          }
        }),
      60_000
    )
  })
})
