import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { conjunctionsOf } from "../../../src/events/matching/Conjunctions.ts"
import { IntervalIndex } from "../../../src/events/matching/IntervalIndex.ts"
import { Matcher } from "../../../src/events/matching/Matcher.ts"
import { bindText, bindTree } from "../../../src/protocol/condition/Bind.ts"
import type { BoundCondition } from "../../../src/protocol/condition/Bound.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { events, twins } from "../../../src/protocol/condition/Source.ts"
import { Conditions } from "../../support/Conditions.ts"
import { randomFrom } from "../../support/Random.ts"

const seed = Number(process.env["CONDITION_SEED"] ?? 20261121)

const bound = (text: string): BoundCondition => Result.getOrThrow(bindText(text, events))

const drawn = (source: Conditions, count: number): ReadonlyArray<BoundCondition> => {
  const made: Array<BoundCondition> = []
  while (made.length < count) {
    const condition = bindTree(source.tree(), twins)
    if (Result.isSuccess(condition)) made.push(condition.success)
  }
  return made
}

const hitsOf = (matcher: Matcher<number>, document: unknown): ReadonlyArray<number> => {
  const hits: Array<number> = []
  matcher.match(document, (id) => hits.push(id))
  return hits.toSorted((left, right) => left - right)
}

const naive = (conditions: ReadonlyMap<number, BoundCondition>, document: unknown): ReadonlyArray<number> =>
  [...conditions]
    .filter(([, condition]) => interpret(condition, document))
    .map(([id]) => id)
    .toSorted((left, right) => left - right)

describe("many conditions at once", () => {
  it("are fulfilled by exactly those events that fulfil them one by one", () => {
    const source = new Conditions(seed)
    const conditions = new Map(drawn(source, 3000).entries())
    const matcher = new Matcher<number>()
    for (const [id, condition] of conditions) matcher.set(id, condition)
    let hits = 0
    for (let count = 0; count < 200; count++) {
      const document = source.document()
      const expected = naive(conditions, document)
      hits += expected.length
      assert.deepStrictEqual(hitsOf(matcher, document), expected, `seed ${seed}, document ${count}`)
    }
    assert.isAbove(hits, 10_000)
  })

  it("are found by the field that fewer of them share", () => {
    const matcher = new Matcher<number>()
    for (let id = 0; id < 1000; id++)
      matcher.set(id, bound(`type == "board.telemetry" and line == ${id % 100} and temp > 90`))
    const hits = hitsOf(matcher, { type: "board.telemetry", data: { line: 7, temp: 91 } })
    assert.strictEqual(hits.length, 10)
    assert.isBelow(matcher.counters.candidates, 60)
  })

  it("come and go between any two events", () => {
    const source = new Conditions(seed + 1)
    const pool = drawn(source, 400)
    const conditions = new Map<number, BoundCondition>()
    const matcher = new Matcher<number>()
    for (let step = 0; step < 3000; step++) {
      const id = source.below(120)
      const condition = pool[source.below(pool.length)]
      if (source.below(3) === 0) {
        matcher.delete(id)
        conditions.delete(id)
      } else if (condition !== undefined) {
        matcher.set(id, condition)
        conditions.set(id, condition)
      }
      if (step % 10 > 0) continue
      const document = source.document()
      assert.deepStrictEqual(hitsOf(matcher, document), naive(conditions, document), `seed ${seed}, step ${step}`)
    }
    for (const id of [...conditions.keys()]) matcher.delete(id)
    assert.strictEqual(matcher.size, 0)
    assert.deepStrictEqual(hitsOf(matcher, source.document()), [])
  })

  it("cost an event what it brings up, and each shared atom one test", () => {
    const matcher = new Matcher<number>()
    for (let id = 0; id < 10_000; id++)
      matcher.set(id, bound(`type == "press.t${id % 500}" and temp > ${id % 7} and cpu < 0.5`))
    const before = matcher.counters
    const hits = hitsOf(matcher, { type: "press.t3", data: { temp: 100, cpu: 0.2 } })
    assert.strictEqual(hits.length, 20)
    const { candidates, tested } = matcher.counters
    assert.strictEqual(candidates - before.candidates, 20)
    assert.isAtMost(tested - before.tested, 8)
  })

  it("are told once an event, also when several alternatives hold", () => {
    const matcher = new Matcher<number>()
    matcher.set(1, bound("a == 1 or b == 2 or c > 0"))
    assert.deepStrictEqual(hitsOf(matcher, { data: { a: 1, b: 2, c: 3 } }), [1])
  })

  it("find a beginning of a text, an equal value in a list of them, and a list's length", () => {
    const matcher = new Matcher<number>()
    matcher.set(1, bound('type glob "press.*"'))
    matcher.set(2, bound('mode in ["a", "b", 3, true]'))
    matcher.set(3, bound("doors.len > 1 and doors.0 == 5"))
    assert.deepStrictEqual(hitsOf(matcher, { type: "press.hot", data: {} }), [1])
    assert.deepStrictEqual(hitsOf(matcher, { type: "pres", data: { mode: "b" } }), [2])
    assert.deepStrictEqual(hitsOf(matcher, { type: "x", data: { mode: true, doors: [5, 6] } }), [2, 3])
    assert.deepStrictEqual(hitsOf(matcher, { type: "x", data: { mode: "true", doors: [5] } }), [])
  })
})

describe("alternatives of a condition", () => {
  const holds = (condition: BoundCondition, document: unknown) =>
    conjunctionsOf(condition).some((conjunction) => conjunction.every((atom) => interpret(atom, document)))

  it("hold where the condition holds, and nowhere else", () => {
    const source = new Conditions(seed + 2)
    const documents = Array.from({ length: 50 }, () => source.document())
    for (const condition of drawn(source, 4000))
      for (const document of documents)
        assert.strictEqual(holds(condition, document), interpret(condition, document), JSON.stringify(condition))
  })

  it("keep an event that fulfils the common part only", () => {
    const condition = bound("(a == 1 or b == 2) and (a == 1 or c == 3)")
    for (const [data, expected] of [
      [{ a: 1 }, true],
      [{ b: 2, c: 3 }, true],
      [{ b: 2 }, false]
    ] as const)
      assert.strictEqual(holds(condition, { data }), expected)
  })

  it("never turn a denied comparison into its opposite", () => {
    assert.isTrue(holds(bound("not (t > 90)"), { data: {} }))
    assert.isFalse(holds(bound("t <= 90"), { data: {} }))
  })

  it("stay few: what would be thousands stays one test", () => {
    const parts = Array.from({ length: 12 }, (_, at) => `(a${at} == 1 or b${at} == 2 or c${at} == 3)`)
    const condition = bound(`type == "press.hot" and ${parts.join(" and ")}`)
    const conjunctions = conjunctionsOf(condition)
    assert.isAtMost(conjunctions.length, 64)
    const data = Object.fromEntries(parts.map((_, at) => [`b${at}`, 2]))
    assert.isTrue(holds(condition, { type: "press.hot", data }))
    assert.isFalse(holds(condition, { type: "press.hot", data: { ...data, b7: 3 } }))
  })

  it("leave out what nothing fulfils", () => {
    assert.deepStrictEqual(conjunctionsOf(bound("t > 90 and t < 10")), [])
    assert.strictEqual(conjunctionsOf(bound("t > 90 and t < 10 or x == 1")).length, 1)
    assert.deepStrictEqual(conjunctionsOf(bound("true")), [[]])
  })
})

describe("intervals", () => {
  it("are found as a walk over all of them finds them", () => {
    const random = randomFrom(seed)
    const index = new IntervalIndex<number>()
    const kept = new Map<number, readonly [number, number]>()
    for (let step = 0; step < 2000; step++) {
      const item = Math.floor(random() * 300)
      index.remove(item)
      kept.delete(item)
      if (random() < 0.7) {
        const low = random() < 0.2 ? -Number.MAX_VALUE : Math.floor(random() * 100)
        const high = random() < 0.2 ? Number.MAX_VALUE : low + Math.floor(random() * 30)
        index.add(low, high, item)
        kept.set(item, [low, high])
      }
      const value = Math.floor(random() * 110)
      const found: Array<number> = []
      index.at(value, (each) => found.push(each))
      const expected = [...kept].filter(([, [low, high]]) => low <= value && value <= high).map(([each]) => each)
      assert.deepStrictEqual(
        found.toSorted((left, right) => left - right),
        expected.toSorted((left, right) => left - right)
      )
    }
  })
})
