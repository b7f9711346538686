/** What people and programs send where a condition or a pattern is wanted, as they meet it: over HTTP and with the command. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { bad } from "../../support/NodeCommands.ts"
import { freePorts, RunningNode } from "../../support/RunningNode.ts"

const large = `temp > 1${" or temp > 1".repeat(87_000)}`
const parentheses = `${"(".repeat(10_000)}temp > 1${")".repeat(10_000)}`

/** What is wrong, the reason that programs get, and what people read. */
const wrong = [
  ["temp >> 3", "Syntax", /column \d+: a value should stand here, not `>`/],
  ["temp > 3 and", "Syntax", /column \d+: a value should/],
  ["temp > 1 / 0", "DivisionByZero", /column \d+: a division by zero has no result/],
  ["temp > 1 / (2 - 2)", "DivisionByZero", /column \d+: a division by zero has no result/],
  ["temp > NaN", "Syntax", /column \d+: a number that is none is missing; write `not exists`/],
  ["temp > 1 and temp contains 3", "WrongType", /column \d+: /]
] as const
/** … and that only of events, of which the names beside the data are known. */
const ofEvents = [
  ["severity > 3", "WrongType", /column \d+: the order of these names says nothing/],
  ["source.it == 'x'", "UnknownField", /an event has no field source\.it; did you mean source\.id/]
] as const

const patternOf = (condition: string): string => `pattern "hostile" { from a.b where ${condition} }`

/** Negations within each other, written by hand: no program could make an object of so many. */
const nested = (depth: number): string =>
  `${'{"_tag":"Not","operand":'.repeat(depth)}{"_tag":"Exists","path":["a"]}${"}".repeat(depth)}`
const compared = (value: string): string =>
  `{"_tag":"Compare","operator":">","left":{"_tag":"Field","path":["a"]},"right":{"_tag":"Number","value":${value}}}`
const treeOf = (condition: string): string =>
  `{"pattern":{"name":"hostile","from":["a.b"],"body":{"_tag":"Where","condition":${condition}}}}`

layer(RunningNode.layer({ config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "a condition that is none",
  (it) => {
    const put = (body: string, type = "text/plain") =>
      Effect.flatMap(RunningNode, ({ get }) =>
        get("/api/patterns", { method: "POST", headers: { "content-type": type }, body })
      )
    const searched = (path: string, where: string) =>
      Effect.flatMap(RunningNode, ({ get }) => get(`${path}?where=${encodeURIComponent(where)}`))
    const livesOn = Effect.flatMap(RunningNode, ({ get }) =>
      Effect.map(get("/health/ready"), ({ status }) => assert.strictEqual(status, 200))
    )

    it.effect("is refused in a pattern, with its reason and its place", () =>
      Effect.gen(function* () {
        for (const [text, reason] of [...wrong, ...ofEvents]) {
          const { status, text: said } = yield* put(patternOf(text))
          assert.strictEqual(status, 400, said)
          assert.include(said, `"reason":"${reason}"`)
          assert.match(said, /"line":1,"column":\d+/)
        }
      })
    )

    it.effect("is refused in a search for events and for devices", () =>
      Effect.gen(function* () {
        for (const path of ["/api/events", "/api/devices"])
          for (const [text, reason] of [...wrong, ...(path === "/api/events" ? ofEvents : [])]) {
            const { status, text: said } = yield* searched(path, text)
            assert.strictEqual(status, 400, said)
            assert.include(said, `"reason":"${reason}"`)
          }
      })
    )

    it.effect("is refused by the command, with a sentence and its place", () =>
      Effect.gen(function* () {
        for (const [text, , words] of [...wrong, ...ofEvents]) {
          assert.match(yield* bad("events", "--where", text), words)
          assert.match(yield* bad("pattern", "add", patternOf(text)), words)
        }
        for (const [text, , words] of wrong) assert.match(yield* bad("devices", "search", text), words)
      })
    )

    it.effect("of ten thousand parentheses is refused at the sixty-fifth, and nobody else notices", () =>
      Effect.gen(function* () {
        const { status, text } = yield* put(patternOf(parentheses))
        assert.deepStrictEqual([status, /at most 64 .* within each other/.test(text)], [400, true])
        for (const argv of [
          ["events", "--where", parentheses],
          ["devices", "search", parentheses],
          ["pattern", "add", patternOf(parentheses)]
        ])
          assert.match(yield* bad(...argv), /column \d+: at most 64 operators and parentheses/)
        // A request line has 16 KiB at most.
        for (const path of ["/api/events", "/api/devices"])
          assert.strictEqual((yield* searched(path, parentheses)).status, 431)
        yield* livesOn
      })
    )

    it.effect("of a megabyte is refused by its size, and nobody else notices", () =>
      Effect.gen(function* () {
        assert.isAbove(large.length, 1_000_000)
        const { status, text } = yield* put(patternOf(large))
        assert.strictEqual(status, 400, text.slice(0, 300))
        assert.match(text, /"reason":"TooLarge".*at most 65536 characters/)
        assert.strictEqual((yield* put(patternOf(large + large))).status, 413)
        for (const path of ["/api/events", "/api/devices"])
          assert.strictEqual((yield* searched(path, large)).status, 431)
        for (const argv of [
          ["events", "--where", large],
          ["devices", "search", large],
          ["pattern", "add", patternOf(large)],
          ["subscription", "create", "large", "--where", large]
        ]) {
          const said = yield* bad(...argv)
          assert.match(said, /^holon: .*(?:65536|at most 4096 operators)/)
          assert.isBelow(said.length, 400)
        }
        yield* livesOn
      })
    )

    it.effect("is refused as a tree of ten thousand levels, and where a number is none", () =>
      Effect.gen(function* () {
        for (const depth of [65, 10_000]) {
          const { status, text } = yield* put(treeOf(nested(depth)), "application/json")
          assert.deepStrictEqual([status, /more than 64 operators within each other/.test(text)], [400, true], text)
        }
        for (const value of ["NaN", "1e999", "-1e999", '"NaN"'])
          assert.strictEqual((yield* put(treeOf(compared(value)), "application/json")).status, 400)
        yield* livesOn
      })
    )
  }
)
