/** What the checker lets pass can be watched, and does not feed itself. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { done } from "../../../src/actors/pattern/Actions.ts"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import type { ConditionTree } from "../../../src/protocol/condition/Condition.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"
import { PatternPartition } from "../../../src/protocol/PatternPartition.ts"
import { Pattern, type PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { checkPattern } from "../../../src/protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { eventOf } from "../../events/temporal/Rig.ts"
import { Conditions } from "../../support/Conditions.ts"

const engineOf = (pattern: Pattern) => {
  const engine = new PartitionEngine("all")
  const stored = {
    id: "p",
    version: 1,
    source: "",
    isOn: true,
    author: "",
    createdBy: "",
    createdAt: 0,
    updatedBy: "",
    updatedAt: 0
  }
  assert.deepStrictEqual(engine.setPatterns([{ ...stored, name: pattern.name, pattern }]), [], formatPattern(pattern))
  return engine
}

describe("a pattern that passes", () => {
  let passed = 0
  it.prop(
    "can be watched",
    { pattern: Pattern },
    ({ pattern }) => {
      if (Result.isFailure(checkPattern(pattern))) return
      passed++
      engineOf(pattern)
    },
    { arbitrary: { runs: 800 } }
  )
  it("is not seldom", () => assert.isAbove(passed, 20))

  const tests = [
    'severity == "info"',
    'severity != "warn"',
    'type glob "pattern.*"',
    'type != "pattern.matched"',
    'source.actor == "pattern-partition"',
    'source.id in ["0", "1", "press-1"]',
    "not exists zone",
    "version > 0",
    "values.value > 1",
    "exists by",
    'kind == "match"',
    "events.len > 0",
    "isWarm == true",
    "depth < 5",
    "exists windowEnd",
    "a > 0",
    "not b > 0",
    "values.a > 0"
  ].map((text) => Result.getOrThrow(parse(text)).tree)

  /** A condition that often holds of matches, but not always. */
  const conditionOf = (random: Conditions): ConditionTree => {
    const pick = (): ConditionTree => {
      if (random.below(5) === 0) return random.tree(1)
      const one = tests[random.below(tests.length)]
      if (one === undefined) throw new Error("no test")
      return random.below(5) === 0 ? { _tag: "Not", of: one } : one
    }
    const [one, two, three] = [pick(), pick(), pick()]
    if (random.below(3) === 0) return one
    return random.below(2) === 0
      ? { _tag: "All", of: [one, two] }
      : { _tag: "Any", of: [{ _tag: "All", of: [one, two] }, three] }
  }

  const acts: Pattern["actions"] = [
    { _tag: "Event", type: "line.hot" },
    { _tag: "Raise", signal: "x" }
  ]
  const patternOf = (random: Conditions): Pattern => {
    const where = conditionOf(random)
    const from = [["pattern.*"], ["*"], ["a.b"], ["line.*", "a.b"]][random.below(6)]
    const bodies: ReadonlyArray<PatternBody> = [
      { _tag: "Where", condition: where },
      {
        _tag: "When",
        aggregate: random.below(2) === 0 ? { _tag: "Count" } : { _tag: "Max", of: { _tag: "Field", path: ["at"] } },
        threshold: { operator: ">", value: 0 },
        over: { _tag: "LastEvents", count: 1 },
        where
      },
      { _tag: "Sequence", first: { where }, rest: [{ link: "eventually", step: { where } }], withinMillis: 60_000 }
    ]
    const body = bodies[random.below(bodies.length)]
    if (body === undefined) throw new Error("no body")
    return {
      name: "it",
      priority: random.below(2) === 0 ? "normal" : "high",
      ...(from !== undefined && { from: [from[0] ?? "*", ...from.slice(1)] }),
      by: random.below(4) === 0 ? [["source", "id"]] : [],
      body,
      ...(random.below(3) === 0 && { emit: { a: { _tag: "Field", path: ["a"] } } }),
      actions: acts.slice(random.below(3))
    }
  }

  it("does not match what it brings about, again and again", () => {
    const random = new Conditions(5)
    let [sound, fed] = [0, 0]
    for (let count = 0; count < 1500; count++) {
      const pattern = patternOf(random)
      const checked = checkPattern(pattern)
      const isSound = Result.isSuccess(checked)
      if (!isSound && checked.failure.problems.some(({ reason }) => reason !== "Loop")) continue
      const engine = engineOf(pattern)
      let id = 0
      let waiting: ReadonlyArray<HolonEvent> = Array.from({ length: 4 }, () => {
        const type = ["a.b", "line.cold", "board.telemetry"][random.below(3)] ?? "a.b"
        const data = { a: random.below(3), version: 1, kind: "match", at: 5, values: { a: 1 }, events: [1] }
        return eventOf({ id: ++id, at: id * 1000, type, data })
      })
      let rounds = 0
      for (; rounds < 10 && waiting.length > 0; rounds++) {
        for (const event of waiting) engine.take(event)
        const matches = engine.takeFound().map(({ match }) => ({
          match,
          depth: 1,
          because: { causes: [] },
          priority: pattern.priority,
          actions: pattern.actions,
          author: "",
          missing: new Map()
        }))
        // A few of them are enough to go on.
        waiting = done(matches, 0)
          .events.slice(0, 3)
          .map(({ type, severity, data }) => ({
            ...eventOf({ id: ++id, at: 4000 + id * 10, type, who: "2" }),
            source: { actor: PatternPartition.kind, id: "2" },
            severity: severity ?? "info",
            data: JSON.parse(JSON.stringify(data))
          }))
      }
      if (isSound) sound++
      if (waiting.length > 0) fed++
      if (isSound) assert.strictEqual(waiting.length, 0, `${formatPattern(pattern)} goes on`)
    }
    // The test sees both kinds.
    assert.isAbove(sound, 100)
    assert.isAbove(fed, 100)
  })
})
