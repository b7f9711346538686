import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Patterns, StoredPattern } from "../../../src/events/Patterns.ts"
import { PatternPage, PutPatterns } from "../../../src/gateways/http/PatternDesk.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"
import * as PatternStore from "../../../src/runtime/storage/PatternStore.ts"
import { run } from "../../support/Cli.ts"
import { freePorts, RunningNode } from "../../support/RunningNode.ts"

const storedOf = Schema.decodeUnknownSync(StoredPattern)
const putOf = Schema.decodeUnknownSync(PutPatterns)
const pageOf = Schema.decodeUnknownSync(PatternPage)
const plain = { "content-type": "text/plain" }

const tree = {
  name: "left-open",
  by: [["zone"]],
  body: {
    _tag: "Absence",
    trigger: { from: ["door.opened"] },
    absent: { from: ["door.closed"] },
    withinMillis: 10_000
  }
}
const short = {
  name: "guessed",
  conditions: [
    { field: "event_type", operator: "eq", value: "login.failed" },
    { field: "address", operator: "eq", value: "same" },
    { field: "count", operator: "gt", value: 3 },
    { field: "time_window", operator: "lt", value: 60 }
  ]
}

layer(RunningNode.layer({ boards: 0, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "patterns over HTTP",
  (it) => {
    const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      Effect.flatMap(RunningNode, ({ get }) =>
        get(path, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: typeof body === "string" ? body : JSON.stringify(body)
        })
      )
    const put = (body: unknown, headers?: Readonly<Record<string, string>>) => post("/api/patterns", body, headers)
    const names = Effect.flatMap(RunningNode, ({ get }) =>
      Effect.map(get("/api/patterns?limit=1000"), ({ json }) => pageOf(json).patterns.map(({ name }) => name))
    )

    it.effect("are taken as text, as a body of text, as a tree and in the short form", () =>
      Effect.gen(function* () {
        const text = "pattern a-text { where temp > 90 }"
        for (const [body, headers, source] of [
          [{ text }, {}, text],
          [text, plain, text],
          [{ pattern: tree }, {}, /by zone\s+door\.opened then no door\.closed within 10s/],
          [{ pattern: short }, {}, /from login\.failed\s+by address\s+when count > 3 over sliding 1min/]
        ] as const) {
          const answer = yield* put(body, headers)
          assert.strictEqual(answer.status, 200, answer.text)
          const { source: kept, author } = storedOf(answer.json)
          if (typeof source === "string") assert.strictEqual(kept, source)
          else assert.match(kept, source)
          assert.strictEqual(author, "user:local")
        }
      })
    )

    it.effect("change nothing when they are added just so once more", () =>
      Effect.gen(function* () {
        const text = (threshold: number) =>
          `pattern same-one { where x > ${threshold} }\n\npattern same-two { where x > 2 do event("same.two") }`
        const all = (body: string) => Effect.map(post("/api/patterns/all", body, plain), ({ json }) => putOf(json))
        const first = yield* all(text(1))
        assert.deepStrictEqual(first.unchanged, [])
        assert.deepStrictEqual(yield* all(text(1)), { ...first, unchanged: ["same-one", "same-two"] })
        const one = yield* put("pattern same-one { where x > 1 }", plain)
        assert.deepStrictEqual(storedOf(one.json), first.patterns[0])
        const { patterns, unchanged } = yield* all(text(3))
        assert.deepStrictEqual([patterns.map(({ version }) => version), unchanged], [[2, 1], ["same-two"]])
        const conflict = yield* post("/api/patterns?expected=1", "pattern same-one { where x > 3 }", plain)
        assert.strictEqual(conflict.status, 409)
        const other = yield* put("pattern same-one {\n  where x > 3\n}", plain)
        assert.deepInclude(storedOf(other.json), {
          version: 2,
          source: "pattern same-one {\n  where x > 3\n}"
        })
      })
    )

    it.effect("are said to begin anew where what they have seen is of no use for what replaces them", () =>
      Effect.gen(function* () {
        const swapped = (window: string, threshold: number) =>
          Effect.map(
            post("/api/patterns/all", {
              text: `pattern swapped { from a.b when avg(temp) > ${threshold} over ${window} } pattern single { from a.b where x > ${threshold} }`
            }),
            ({ json }) => putOf(json).anew
          )
        assert.deepStrictEqual(yield* swapped("sliding 10s", 40), [])
        assert.deepStrictEqual(yield* swapped("sliding 10s", 50), [])
        assert.deepStrictEqual(yield* swapped("sliding 20s", 50), ["swapped"])
        const { url, data } = yield* RunningNode
        const text = "pattern swapped { from a.b when max(temp) > 50 over sliding 20s }"
        const { out } = yield* run(["pattern", "add", text, "--url", url, "--data", data])
        assert.match(
          out,
          /^swapped version 4, looking at events; it begins anew, for it asks something else of events$/m
        )
      })
    )

    it.effect("are tried out in each of these forms", () =>
      Effect.gen(function* () {
        for (const [body, headers] of [
          ["pattern a { where temp > 90 }", plain],
          [{ text: "pattern a { where temp > 90 }" }, {}],
          [{ pattern: tree }, {}],
          [{ pattern: short }, {}]
        ] as const) {
          const answer = yield* post("/api/patterns/try", body, headers)
          assert.strictEqual(answer.status, 200, answer.text)
          assert.propertyVal(answer.json, "matched", 0)
        }
      })
    )

    it.effect("are refused at the field that does not fit", () =>
      Effect.gen(function* () {
        for (const [pattern, path, reason] of [
          [{ ...tree, body: { ...tree.body, _tag: "Absense" } }, "pattern.body._tag", /did you mean Absence/],
          [{ ...tree, by: "zone" }, "pattern.by", /array/],
          [
            { ...short, conditions: [{ field: "temp", operator: "above", value: 3 }] },
            "pattern.conditions.0.operator",
            /./
          ],
          [
            {
              ...short,
              conditions: short.conditions
                .slice(0, 3)
                .toSpliced(2, 1, { field: "time_window", operator: "lt", value: 60 })
            },
            "pattern.conditions",
            /how often/
          ],
          [17, "pattern", /an object/]
        ] as const) {
          const answer = yield* put({ pattern })
          assert.strictEqual(answer.status, 400, answer.text)
          assert.include(answer.json, { _tag: "Malformed", path })
          assert.match(answer.text, reason)
        }
        const answer = yield* put({
          pattern: {
            ...short,
            name: "x",
            conditions: [
              { field: "temp", operator: "gt", value: 5 },
              { field: "temp", operator: "lt", value: 4 }
            ]
          }
        })
        assert.strictEqual(answer.status, 400)
        assert.match(answer.text, /NeverMatches/)
      })
    )

    it.effect("come many at once, all or none, and may name each other", () =>
      Effect.gen(function* () {
        const three = `
          pattern many-both { all(many-hot, many-off) within 10s }
          pattern many-hot { where reported.temp > 90 }

          pattern many-off { where reported.fan == false }
        `
        const answer = yield* post("/api/patterns/all", three, plain)
        assert.strictEqual(answer.status, 200, answer.text)
        const { patterns } = putOf(answer.json)
        assert.deepStrictEqual(
          patterns.map(({ name, source, version }) => [name, source, version]),
          [
            ["many-both", "pattern many-both { all(many-hot, many-off) within 10s }", 1],
            ["many-hot", "pattern many-hot { where reported.temp > 90 }", 1],
            ["many-off", "pattern many-off { where reported.fan == false }", 1]
          ]
        )
        const listed = yield* post("/api/patterns/all", {
          patterns: [
            { ...tree, name: "many-tree" },
            { ...short, name: "many-short" }
          ]
        })
        assert.strictEqual(listed.status, 200, listed.text)
        const wrong = `pattern many-new { where a > 1 }\npattern many-bad { all(many-new, many-gone) within 1s }`
        const refused = yield* post("/api/patterns/all", { text: wrong })
        assert.strictEqual(refused.status, 400)
        assert.match(refused.text, /there is no pattern many-gone.*"line":2,"column":34/)
        const twice = yield* post("/api/patterns/all", { text: "pattern b { where a > 1 } pattern b { where a > 2 }" })
        assert.match(twice.text, /b stands here twice.*"column":35/)
        const malformed = yield* post("/api/patterns/all", { patterns: [{ ...tree, name: "many-new" }, { name: "x" }] })
        assert.include(malformed.json, { _tag: "Malformed", path: "patterns.1.body._tag" })
        const there = yield* names
        assert.includeMembers([...there], ["many-both", "many-tree", "many-short"])
        assert.notInclude(there, "many-new")
      })
    )

    it.effect("know the fields of what actors say and of what other patterns publish", () =>
      Effect.gen(function* () {
        const refused = yield* put("pattern boots { from device.online where boto == 1 }", plain)
        assert.strictEqual(refused.status, 400)
        assert.match(refused.text, /a device\.online has no field boto; did you mean boot\?/)
        const publisher = yield* put(
          'pattern known-hot { from board.telemetry where temp > 90 emit { temp: temp } do event("known.hot") }',
          plain
        )
        assert.strictEqual(publisher.status, 200, publisher.text)
        const follower = (field: string) => put(`pattern follower { from known.hot where ${field} > 95 }`, plain)
        assert.match((yield* follower("temp")).text, /a known\.hot has no field temp; did you mean values\.temp/)
        assert.strictEqual((yield* follower("values.temp")).status, 200)
        assert.strictEqual((yield* put("pattern open { from job.ended where anything > 95 }", plain)).status, 200)
      })
    )

    it.effect("are refused where they would feed each other, and when one of them is switched on", () =>
      Effect.gen(function* () {
        const ping = 'pattern ping { from loop.pong where exists pattern do event("loop.ping") }'
        const pong = 'pattern pong { from loop.ping where exists pattern do event("loop.pong") }'
        assert.strictEqual((yield* put(ping, plain)).status, 200)
        const refused = yield* put(pong, plain)
        assert.strictEqual(refused.status, 400)
        assert.match(refused.text, /"reason":"Loop".*pong → ping → pong would feed each other/)
        assert.match((yield* post("/api/patterns/all", `${ping} ${pong}`, plain)).text, /ping → pong → ping/)
        const switched = (name: string, isOn: boolean) => post(`/api/patterns/${name}/switch`, { isOn })
        assert.strictEqual((yield* switched("ping", false)).status, 200)
        assert.strictEqual((yield* put(pong, plain)).status, 200)
        // In new words it is off as before.
        assert.strictEqual((yield* put(`${ping} `, plain)).status, 200)
        const on = yield* switched("ping", true)
        assert.strictEqual(on.status, 400, on.text)
        assert.match(on.text, /ping → pong → ping would feed each other/)
        assert.strictEqual((yield* switched("pong", false)).status, 200)
        assert.strictEqual((yield* switched("ping", true)).status, 200)
      })
    )

    it.effect("are checked and written while another node writes as well", () =>
      Effect.gen(function* () {
        const { sql } = yield* RunningNode
        const others = Effect.gen(function* () {
          const patterns = yield* Patterns
          for (let index = 0; index < 30; index++) {
            const source = `pattern theirs-${index} { where x > ${index} }`
            yield* patterns.put({ source, pattern: yield* Effect.fromResult(readPattern(source)), by: "user:ada" })
          }
        }).pipe(Effect.provide(PatternStore.layer.pipe(Layer.provide(Layer.succeed(PgClient.PgClient, sql)))))
        const ours = Effect.forEach(
          Array.from({ length: 30 }, (_, index) => index),
          (index) => Effect.map(put(`pattern ours-${index} { where x > ${index} }`, plain), ({ status }) => status),
          { concurrency: 3 }
        )
        const [statuses] = yield* Effect.all([ours, others], { concurrency: 2 })
        assert.deepStrictEqual([...new Set(statuses)], [200])
        const there = yield* names
        assert.strictEqual(there.filter((name) => /^(?:ours|theirs)-/.test(name)).length, 60)
      })
    )

    it.effect("that would keep more and more are refused with the reason", () =>
      Effect.gen(function* () {
        for (const [text, reason] of [
          [
            "from a.b when avg(temp) > 90",
            /"reason":"Unbounded".*without a window it looks back to the first event ever/
          ],
          ["seq a.b ~> c.d", /"reason":"Unbounded".*a sequence has a limit/],
          ["silence a.b for 25h", /"reason":"Unbounded".*24h at most/],
          ["from a.b when count > 3 over last 100000 events", /"reason":"TooLarge".*at most 10000/],
          ["join a.b as x with c.d as y on id", /within/]
        ] as const) {
          const answer = yield* put(`pattern kept { ${text} }`, plain)
          assert.strictEqual(answer.status, 400, answer.text)
          assert.match(answer.text, reason)
        }
      })
    )
  }
)
