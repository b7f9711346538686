import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { checkLoop, checkText } from "../../../src/protocol/pattern/PatternCheck.ts"
import { PatternGraph } from "../../../src/protocol/pattern/PatternGraph.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"

const read = (name: string, text: string): Pattern => Result.getOrThrow(readPattern(`pattern ${name} { ${text} }`))

/** The way round when the last of these patterns comes to the others; nothing where there is none. */
const loopOf = (...given: ReadonlyArray<readonly [name: string, text: string, isOn?: boolean]>) => {
  const graph = new PatternGraph()
  const patterns = given.map(([name, text]) => read(name, text))
  for (const [index, pattern] of patterns.slice(0, -1).entries()) graph.set(pattern, given[index]?.[2])
  const last = patterns.at(-1)
  return last === undefined ? undefined : graph.loopThrough(last)?.join(" → ")
}

describe("patterns that would feed each other", () => {
  it("are found by the types of the events they publish, however long the way", () => {
    const chain = [
      ["b", 'from x.a where exists pattern do event("x.b")'],
      ["c", 'from x.b where exists pattern do event("x.c")']
    ] as const
    assert.strictEqual(loopOf(...chain, ["a", 'from x.c where exists pattern do event("x.a")']), "a → b → c → a")
    assert.strictEqual(loopOf(...chain, ["a", 'from x.* where type != "x.a" do event("x.a")']), "a → b → a")
    assert.isUndefined(loopOf(...chain, ["a", 'from y.c where exists pattern do event("x.a")']))
    assert.isUndefined(loopOf(...chain, ["a", "from x.c where exists pattern"]))
  })

  it("are found by matches, signals and combinations", () => {
    assert.strictEqual(
      loopOf(["a", 'from pattern.matched where pattern == "b"'], ["b", 'from pattern.matched where pattern == "a"']),
      "b → a → b"
    )
    assert.strictEqual(
      loopOf(
        ["a", 'from algedonic.raised where exists signal do event("x.a")'],
        ["b", 'from x.a where true do raise("s")']
      ),
      "b → a → b"
    )
    assert.strictEqual(
      loopOf(
        ["hot", "from line.burning, board.telemetry where temp > 1 or exists pattern"],
        ["burning", 'any(hot) within 1s do event("line.burning")']
      ),
      "burning → hot → burning"
    )
  })

  it("are none where each turn needs something from outside", () => {
    const echo = ["b", 'from x.a where true do event("x.b")'] as const
    assert.isUndefined(loopOf(echo, ["a", 'seq x.b ~> door.opened within 1s do event("x.a")']))
    assert.strictEqual(loopOf(echo, ["a", 'seq x.b ~> x.b within 1s do event("x.a")']), "a → b → a")
    assert.isUndefined(loopOf(echo, ["a", 'all(b, door) within 1s do event("x.a")']))
    assert.strictEqual(loopOf(echo, ["a", 'any(b, door) within 1s do event("x.a")']), "a → b → a")
    assert.strictEqual(
      loopOf(echo, ["c", 'from x.a where true do event("x.c")'], ["a", 'seq x.b ~> x.c within 1s do event("x.a")']),
      "a → b → a"
    )
    assert.strictEqual(
      loopOf(echo, ["a", 'join x.b as one with door.opened as two within 1s do event("x.a")']),
      "a → b → a"
    )
  })

  for (const [what, b, a] of [
    ["lacks what is asked", "temp > 1", 'exists pattern do event("x.a")'],
    ["carries another value", 'values.stage == 2 do event("x.b")', 'true emit { stage: 1 } do event("x.a")'],
    [
      "carries what was asked of it",
      'values.n > 5 do event("x.b")',
      'values.n < 3 emit { n: values.n } do event("x.a")'
    ],
    ["is of another key", 'by.zone == "yard" do event("x.b")', 'zone == "hall" do event("x.a")'],
    ["is of another severity", 'severity == "warn" do event("x.b")', 'true do event("x.a")'],
    ["is of another pattern", 'pattern == "c" do event("x.b")', 'true do event("x.a")']
  ] as const)
    it(`are none where the event ${what}`, () => {
      const by = what === "is of another key" ? "by zone " : ""
      assert.isUndefined(loopOf(["b", `from x.a where ${b}`], ["a", `from x.b ${by}where ${a}`]))
    })

  it("are found where what is carried may be what is asked", () => {
    for (const [b, a] of [
      ["values.stage == 1", "true emit { stage: 1 }"],
      ["values.n > 5", "values.n > 3 emit { n: values.n }"],
      ["values.n > 5", "values.n < 3 emit { n: values.n + 4 }"],
      ["values.n > 5", "values.n < 3 or exists pattern emit { n: values.n }"]
    ] as const)
      assert.strictEqual(
        loopOf(
          ["b", `from x.a where ${b} emit { n: depth } do event("x.b")`],
          ["a", `from x.b where ${a} do event("x.a")`]
        ),
        "a → b → a",
        b
      )
  })

  it("know that what was computed is beyond the threshold, unless an end of it is told as well", () => {
    const b = ["b", 'from x.a where values.value < 50 do event("x.b")'] as const
    assert.isUndefined(loopOf(b, ["a", 'from x.b when count > 80 over sliding 1s do event("x.a")']))
    assert.strictEqual(loopOf(b, ["a", 'from x.b when count > 40 over sliding 1s do event("x.a")']), "a → b → a")
    assert.strictEqual(
      loopOf(b, ["a", 'from x.b when count > 80 over sliding 1s clear < 40 do event("x.a")']),
      "a → b → a"
    )
  })

  it("count only while they are on, and in their newest words", () => {
    const a = ["a", 'from x.b where true do event("x.a")'] as const
    assert.isUndefined(loopOf(["b", 'from x.a where true do event("x.b")', false], a))
    assert.isUndefined(loopOf(["b", 'from x.a where true do event("x.b")'], ["b", "from x.a where true"], a))
    const graph = new PatternGraph()
    graph.set(read(...a))
    graph.set(read("b", 'from x.a where true do event("x.b")'))
    assert.isDefined(graph.loopThrough(read(...a)))
    assert.isUndefined(graph.loopThrough(read("a", 'from y.b where true do event("x.a")')))
    graph.delete("b")
    assert.isUndefined(graph.loopThrough(read(...a)))
  })

  it("pass in hundreds beside each other", () => {
    const graph = new PatternGraph()
    for (let index = 0; index < 500; index++)
      graph.set(read(`p${index}`, `from x.s${index} where true do event("x.s${index + 1}")`))
    assert.isUndefined(graph.loopThrough(read("last", 'from x.s500 where true do event("y.end")')))
    assert.lengthOf(graph.loopThrough(read("last", 'from x.s500 where true do event("x.s0")')) ?? [], 502)
  })

  it("are refused at the place of the types, or of the question", () => {
    const graph = new PatternGraph()
    graph.set(read("b", 'from x.a where true do event("x.b")'))
    const known = { loopThrough: (pattern: Pattern) => graph.loopThrough(pattern) }
    const text = 'pattern a { from x.b where true do event("x.a") }'
    const checked = checkText(text, known)
    assert.isTrue(Result.isFailure(checked))
    if (Result.isFailure(checked)) {
      const [{ reason, at, sentence }] = checked.failure.problems
      assert.deepStrictEqual([reason, text.slice(at, at + 3)], ["Loop", "x.b"])
      assert.match(sentence, /^a → b → a would feed each other without end/)
    }
    const again = checkLoop(read("a", 'from x.b where true do event("x.a")'), known)
    assert.isTrue(Result.isFailure(again) && again.failure.problems[0].reason === "Loop")
    assert.isTrue(Result.isSuccess(checkLoop(read("c", "from x.b where true"), known)))
  })
})
