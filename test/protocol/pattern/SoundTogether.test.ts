/** Patterns that the checker lets pass beside each other do not feed each other. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { done } from "../../../src/actors/pattern/Actions.ts"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"
import { PatternPartition } from "../../../src/protocol/PatternPartition.ts"
import type { Pattern, PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { checkPattern } from "../../../src/protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { PatternGraph } from "../../../src/protocol/pattern/PatternGraph.ts"
import { eventOf } from "../../events/temporal/Rig.ts"
import { Conditions } from "../../support/Conditions.ts"

const names = ["one", "two", "three"] as const
const types = ["x.one", "x.two", "a.b"] as const

const tests = [
  'pattern == "one"',
  'pattern != "two"',
  'pattern in ["two", "three"]',
  "values.a < 2",
  "values.a >= 2",
  "values.b == 1",
  "values.value < 1",
  "exists values.a",
  "depth > 0",
  'severity == "info"',
  "a > 0",
  "not exists pattern",
  "true"
].map((text) => Result.getOrThrow(parse(text)).tree)

const of = <A>(random: Conditions, list: ReadonlyArray<A>): A => {
  const index = random.below(list.length)
  for (const each of list.slice(index)) return each
  throw new Error("an empty list")
}

const patternOf = (random: Conditions, name: string): Pattern => {
  const pick = () => of(random, tests)
  const where = random.below(2) === 0 ? pick() : ({ _tag: "All", of: [pick(), pick()] } as const)
  const parts = names.filter((each) => each !== name)
  const bodies: ReadonlyArray<PatternBody> = [
    { _tag: "Where", condition: where },
    { _tag: "Where", condition: where },
    {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: of(random, [
        { operator: ">", value: 0 },
        { operator: "<", value: 3 }
      ] as const),
      over: { _tag: "LastEvents", count: 1 },
      where
    },
    {
      _tag: "Sequence",
      first: { where },
      rest: [{ link: "eventually", step: { where: pick() } }],
      withinMillis: 60_000
    },
    {
      _tag: "Combined",
      patterns: [parts[0] ?? "one", ...parts.slice(1)],
      atLeast: 1 + random.below(2),
      withinMillis: 60_000
    },
    {
      _tag: "Join",
      left: { from: [of(random, types)], as: "l" },
      right: { from: [of(random, types)], as: "r" },
      withinMillis: 60_000
    }
  ]
  const body = of(random, bodies)
  const from = of(random, [["x.one"], ["x.two"], ["x.*"], ["pattern.matched"], ["a.b", "x.one"]] as const)
  const isOfEvents = body._tag !== "Combined" && body._tag !== "Join"
  const emit = of<NonNullable<Pattern["emit"]>>(random, [
    {},
    { a: { _tag: "Field", path: ["values", "a"] } },
    { a: { _tag: "Number", value: random.below(4) }, b: { _tag: "Number", value: 1 } }
  ])
  return {
    name,
    priority: of(random, ["normal", "high"]),
    ...(isOfEvents && { from: [...from] as [string, ...Array<string>] }),
    by: [],
    body,
    ...(isOfEvents && Object.keys(emit).length > 0 && { emit }),
    actions: random.below(5) === 0 ? [] : [{ _tag: "Event", type: of(random, ["x.one", "x.two"]) }]
  }
}

/** What is still going on after some rounds in which the patterns see only what they brought about. */
const goingOn = (patterns: ReadonlyArray<Pattern>, random: Conditions): number => {
  const engine = new PartitionEngine("all")
  const stored = { id: "p", version: 1, source: "", isOn: true, author: "", createdBy: "", updatedBy: "" }
  engine.setPatterns(
    patterns.map((pattern) => ({ ...stored, createdAt: 0, updatedAt: 0, name: pattern.name, pattern }))
  )
  let id = 0
  let waiting: ReadonlyArray<HolonEvent> = Array.from({ length: 6 }, () => {
    const data = { a: random.below(3), pattern: of(random, names), values: { a: random.below(4), b: 1 }, depth: 1 }
    return eventOf({ id: ++id, at: id * 100, type: of(random, types), data })
  })
  for (let round = 0; round < 14 && waiting.length > 0; round++) {
    for (const event of waiting) engine.take(event)
    const matches = engine.takeFound().map(({ match, stored: { pattern } }) => ({
      match,
      depth: 1,
      because: { causes: [] },
      priority: pattern.priority,
      actions: pattern.actions,
      author: "",
      missing: new Map()
    }))
    waiting = done(matches, 0)
      .events.slice(0, 8)
      .map(({ type, severity, data }) => ({
        ...eventOf({ id: ++id, at: 1000 + id * 10, type, who: "2" }),
        source: { actor: PatternPartition.kind, id: "2" },
        severity: severity ?? "info",
        data: JSON.parse(JSON.stringify(data))
      }))
  }
  return waiting.length
}

describe("patterns that pass beside each other", () => {
  it("do not match what they bring about, again and again", () => {
    const random = new Conditions(11)
    let [sound, looped, fed] = [0, 0, 0]
    for (let count = 0; count < 4000; count++) {
      const patterns = names.map((name) => patternOf(random, name))
      const known = { pattern: (name: string) => patterns.find((each) => each.name === name) }
      // Each passes on its own, and none waits for itself; what is left are circles in which events take part.
      if (patterns.some((pattern) => Result.isFailure(checkPattern(pattern, known)))) continue
      const graph = new PatternGraph()
      for (const pattern of patterns) graph.set(pattern)
      const isSound = patterns.every((pattern) => graph.loopThrough(pattern) === undefined)
      const left = goingOn(patterns, random)
      if (isSound) sound++
      else {
        looped++
        if (left > 0) fed++
      }
      if (isSound) assert.strictEqual(left, 0, `${patterns.map(formatPattern).join("\n")}\ngo on`)
    }
    // The test sees all kinds, and many of what is refused would go on indeed.
    assert.isAbove(sound, 200)
    assert.isAbove(looped, 100)
    assert.isAbove(fed, looped / 4, `${fed} of ${looped}`)
  })
})
