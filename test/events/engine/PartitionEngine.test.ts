import { assert, describe, it } from "@effect/vitest"
import { partitionCount } from "../../../src/events/engine/Partition.ts"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import type { StoredPattern } from "../../../src/events/Patterns.ts"
import type { Match } from "../../../src/events/temporal/Match.ts"
import { SnapshotMalformed } from "../../../src/events/temporal/State.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"
import type { Pattern, PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { randomFrom } from "../../support/Random.ts"

const seed = Number(process.env["PATTERN_SEED"] ?? 20261121)
const temp = { _tag: "Field", path: ["temp"] } as const
const above = (value: number) =>
  ({ _tag: "Compare", operator: ">", left: temp, right: { _tag: "Number", value } }) as const

const pattern = (name: string, body: PatternBody, by: Pattern["by"] = [["source", "id"]]): Pattern => ({
  name,
  priority: "normal",
  by,
  body,
  actions: []
})

const bodies: ReadonlyArray<readonly [string, PatternBody]> = [
  ["hot", { _tag: "Where", condition: above(80) }],
  [
    "hot-on-average",
    {
      _tag: "When",
      aggregate: { _tag: "Avg", of: temp },
      threshold: { operator: ">", value: 60 },
      clear: { operator: "<", value: 50 },
      over: { _tag: "Sliding", millis: 10_000 }
    }
  ],
  [
    "many",
    {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: { operator: ">=", value: 3 },
      over: { _tag: "Tumbling", millis: 5000 },
      where: above(70)
    }
  ],
  [
    "up-down",
    {
      _tag: "Sequence",
      first: { where: above(90) },
      rest: [{ link: "eventually", step: { from: ["board.cool"] } }],
      withinMillis: 20_000
    }
  ],
  [
    "never-cooled",
    { _tag: "Absence", trigger: { where: above(95) }, absent: { from: ["board.cool"] }, withinMillis: 8000 }
  ],
  ["quiet", { _tag: "Silence", step: { from: ["board.telemetry"] }, forMillis: 15_000 }],
  ["both", { _tag: "Combined", patterns: ["hot", "many"], atLeast: 2, withinMillis: 30_000 }]
]

const stored = (each: Pattern, version = 1): StoredPattern => ({
  id: each.name,
  name: each.name,
  version,
  source: "",
  pattern: each,
  isOn: true,
  author: "",
  createdBy: "",
  createdAt: 0,
  updatedBy: "",
  updatedAt: 0
})

const all = [
  ...bodies.map(([name, body]) => stored(pattern(name, body))),
  stored(pattern("fleet", { _tag: "Where", condition: above(99) }, []))
]

/** Boards that grow hot and cool at random, each event a while after the one before. */
const drawn = (count: number, boards = 8, everyMillis = 400): ReadonlyArray<HolonEvent> => {
  const random = randomFrom(seed)
  let at = 1_000_000
  return Array.from({ length: count }, (_, index) => {
    at += Math.floor(random() * everyMillis)
    const id = `press-${Math.floor(random() * boards)}`
    const isCool = random() < 0.1
    return {
      id: eventIdOf({ kind: "device", id, version: index, committedAt: at }, 0),
      type: isCool ? "board.cool" : "board.telemetry",
      source: { actor: "device", id },
      seq: index,
      ts: { ms: at, ctr: 0, node: "0000000000000000" },
      at: at - Math.floor(random() * 1500),
      vsm: "root",
      severity: "info",
      data: isCool ? {} : { temp: Math.floor(random() * 101) },
      causes: []
    }
  })
}

const engines = (patterns: ReadonlyArray<StoredPattern>): ReadonlyArray<PartitionEngine> =>
  Array.from({ length: partitionCount }, (_, partition) => {
    const engine = new PartitionEngine(partition)
    assert.deepStrictEqual(engine.setPatterns(patterns), [])
    return engine
  })

const idsOf = (matches: ReadonlyArray<Match>) => matches.map(({ id }) => id).toSorted()

/** What all partitions find, in pieces of the stream. */
const foundBy = (each: ReadonlyArray<PartitionEngine>, events: ReadonlyArray<HolonEvent>): ReadonlyArray<Match> =>
  each.flatMap((engine) => {
    for (const event of events) engine.take(event)
    return engine.takeFound().map(({ match }) => match)
  })

describe("the partitions of the patterns", () => {
  const events = drawn(3000)
  const whole = foundBy(engines(all), events)

  it("find something of each pattern, each match in one partition only", () => {
    assert.deepStrictEqual(new Set(whole.map(({ pattern: name }) => name)), new Set(all.map(({ name }) => name)))
    assert.strictEqual(new Set(idsOf(whole)).size, whole.length)
    const shares = engines(all).map((engine) => foundBy([engine], events).length)
    assert.isAbove(shares.filter((share) => share > 0).length, 1)
  })

  it("go on from a snapshot as if they had never stopped, wherever that was", () => {
    const random = randomFrom(seed + 1)
    for (let round = 0; round < 12; round++) {
      const cut = Math.floor(random() * events.length)
      const before = engines(all)
      const first = foundBy(before, events.slice(0, cut))
      const after = engines(all)
      for (const [partition, engine] of before.entries()) after[partition]?.restore(engine.snapshot())
      const second = foundBy(after, events.slice(cut))
      assert.deepStrictEqual(idsOf([...first, ...second]), idsOf(whole), `seed ${seed}, cut at ${cut}`)
    }
  })

  it("go on from a snapshot that was drawn while they went on, as from one of the moment it began", () => {
    const random = randomFrom(seed + 2)
    const many = drawn(12_000, 900, 20)
    const still = new PartitionEngine("all")
    still.setPatterns(all)
    const expected = foundBy([still], many)
    for (let round = 0; round < 5; round++) {
      const begun = Math.floor(random() * many.length)
      const busy = new PartitionEngine("all")
      busy.setPatterns(all)
      const before = foundBy([busy], many.slice(0, begun))
      const cut = busy.cut()
      const pieces: Array<Uint8Array> = []
      for (let at = begun, piece = cut.next(); piece !== undefined; piece = cut.next()) {
        pieces.push(piece)
        foundBy([busy], many.slice(at, at + 150))
        at += 150
        // Patterns of which one says something else now, and one is gone, are in it as they were.
        if (pieces.length === 1) busy.setPatterns(all.slice(1).map((each) => ({ ...each, version: 2 })))
      }
      assert.isTrue(cut.isWhole)
      assert.isAbove(pieces.length, begun < 3000 ? 0 : 3)
      const after = new PartitionEngine("all")
      after.setPatterns(all)
      assert.isTrue(after.restore(Buffer.concat(pieces)))
      const found = [...before, ...foundBy([after], many.slice(begun))]
      assert.deepStrictEqual(idsOf(found), idsOf(expected), `seed ${seed}, begun at ${begun}`)
    }
  })

  it("draw one snapshot at a time, and begin empty with one of another release", () => {
    const [engine] = engines(all)
    if (engine === undefined) throw new Error("no partition")
    foundBy([engine], events)
    const first = engine.cut()
    const second = engine.cut()
    assert.isUndefined(first.next())
    assert.isFalse(first.isWhole)
    while (second.next() !== undefined) assert.isAtMost(engine.metrics().size, all.length)
    assert.isTrue(second.isWhole)
    const [other] = engines(all)
    assert.isFalse(other?.restore(new Uint8Array([0x83, 0x01, 0x40, 0x80])))
    assert.throws(() => other?.restore(engine.snapshot().subarray(0, 100)), SnapshotMalformed)
  })

  it("lose and double nothing when patterns change in mid-stream that say the same", () => {
    const swapped = engines(all)
    const found: Array<Match> = []
    for (let at = 0; at < events.length; at += 100) {
      found.push(...foundBy(swapped, events.slice(at, at + 100)))
      const version = 2 + at / 100
      for (const engine of swapped)
        engine.setPatterns(all.map((each) => ({ ...each, version, pattern: { ...each.pattern, priority: "high" } })))
    }
    const facts = (matches: ReadonlyArray<Match>) =>
      matches
        .map(({ pattern: name, key, kind, at, windowEnd }) => JSON.stringify([name, key, kind, at, windowEnd]))
        .toSorted()
    assert.deepStrictEqual(facts(found), facts(whole))
  })

  it("begin anew with a pattern that asks something else, and say that they are not warm", () => {
    const [engine] = engines([])
    if (engine === undefined) throw new Error("no partition")
    engine.setPatterns(all)
    foundBy([engine], events.slice(0, 1500))
    const wider = bodies.map(([name, body]) =>
      stored(
        pattern(
          name,
          body._tag === "When" && body.over?._tag === "Sliding"
            ? { ...body, over: { _tag: "Sliding", millis: 12_000 } }
            : body
        ),
        2
      )
    )
    engine.setPatterns(wider)
    const found = foundBy([engine], events.slice(1500)).filter(({ pattern: name }) => name === "hot-on-average")
    assert.isAbove(found.length, 0, `seed ${seed}`)
    assert.isFalse(found[0]?.isWarm)
    assert.isTrue(found.at(-1)?.isWarm)
  })

  it("bring together patterns without keys that another waits for, whatever their names", () => {
    const names = ["a", "b", "c", "d", "e", "f"] as const
    const parts = names.map((name, index) =>
      stored(pattern(name, { _tag: "Where", condition: above(50 + 5 * index) }, []))
    )
    const pairs = names.slice(1).map((name, index) => {
      const one = names[index] ?? name
      const body: PatternBody = { _tag: "Combined", patterns: [one, name], atLeast: 2, withinMillis: 60_000 }
      return stored(pattern(`${one}-and-${name}`, body, []))
    })
    const found = foundBy(engines([...parts, ...pairs]), events)
    for (const { name } of pairs)
      assert.isTrue(
        found.some((match) => match.pattern === name),
        name
      )
    assert.strictEqual(new Set(idsOf(found)).size, found.length)
  })

  it("look no more for patterns that are off, and leave out one that cannot be made", () => {
    const [engine] = engines([])
    if (engine === undefined) throw new Error("no partition")
    assert.deepStrictEqual(engine.setPatterns(all.map((each) => ({ ...each, isOn: false }))), [])
    assert.deepStrictEqual(foundBy([engine], events), [])
    const unknown = stored(
      pattern("odd", {
        _tag: "Where",
        condition: { _tag: "Compare", operator: ">", left: { _tag: "Parameter", name: "limit" }, right: temp }
      })
    )
    assert.deepStrictEqual(engine.setPatterns([...all, unknown]), ["odd"])
  })
})
