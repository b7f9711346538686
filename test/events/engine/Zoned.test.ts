import { assert, describe, it } from "@effect/vitest"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import type { StoredPattern } from "../../../src/events/Patterns.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"
import type { Pattern, PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { contains } from "../../../src/protocol/Zone.ts"
import { randomFrom } from "../../support/Random.ts"

const seed = Number(process.env["PATTERN_SEED"] ?? 20261121)
const temp = { _tag: "Field", path: ["temp"] } as const
const above = (value: number) =>
  ({ _tag: "Compare", operator: ">", left: temp, right: { _tag: "Number", value } }) as const

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
    { _tag: "Absence", trigger: { where: above(95) }, absent: { from: ["board.c*"] }, withinMillis: 8000 }
  ],
  ["quiet", { _tag: "Silence", step: { from: ["board.telemetry"] }, forMillis: 15_000 }]
]

const stored = (name: string, body: PatternBody, by: Pattern["by"], zones?: ReadonlyArray<string>): StoredPattern => ({
  id: name,
  name,
  version: 1,
  source: "",
  pattern: { name, priority: "normal", by, body, actions: [] },
  isOn: true,
  ...(zones !== undefined && { zones }),
  author: "",
  createdBy: "",
  createdAt: 0,
  updatedBy: "",
  updatedAt: 0
})

const places = [
  "hall",
  "hall.line-3",
  "hall.line-3.cell-1",
  "hall.line-30",
  "hall.line-4",
  "yard",
  "hallway",
  undefined
]

/** Boards of every place that grow hot and cool at random. */
const drawn = (count: number): ReadonlyArray<HolonEvent> => {
  const random = randomFrom(seed)
  let at = 1_000_000
  return Array.from({ length: count }, (_, index) => {
    at += Math.floor(random() * 400)
    const place = Math.floor(random() * places.length)
    const zone = places[place]
    const id = `press-${place}`
    const isCool = random() < 0.1
    return {
      id: eventIdOf({ kind: "device", id, version: index, committedAt: at }, 0),
      type: isCool ? "board.cool" : "board.telemetry",
      source: { actor: "device", id },
      seq: index,
      ts: { ms: at, ctr: 0, node: "0000000000000000" },
      at: at - Math.floor(random() * 1500),
      vsm: "root",
      ...(zone !== undefined && { zone }),
      severity: "info",
      data: isCool ? {} : { temp: Math.floor(random() * 101) },
      causes: []
    }
  })
}

const engineOf = (patterns: ReadonlyArray<StoredPattern>): PartitionEngine => {
  const engine = new PartitionEngine("all")
  assert.deepStrictEqual(engine.setPatterns(patterns), [])
  return engine
}

const foundBy = (engine: PartitionEngine, events: ReadonlyArray<HolonEvent>) => {
  for (const event of events) engine.take(event)
  engine.advance((events.at(-1)?.ts.ms ?? 0) + 60_000)
  return engine.takeFound().map(({ stored: { name }, match }) => [name, match.kind, match.by, match.at, match.events])
}

const events = drawn(4000)
const isIn = (zones: ReadonlyArray<string>, zone: string | undefined): boolean =>
  zone !== undefined && zones.some((each) => contains(each, zone))

describe("patterns that are enabled in zones", () => {
  for (const zones of [["hall.line-3"], ["hall"], ["yard", "hall.line-4"], ["nowhere"]])
    for (const by of [[["source", "id"]], [["zone"]], []] satisfies ReadonlyArray<Pattern["by"]>)
      it(`find in ${zones.join(" and ")} what they would find if nothing else had happened, by ${by.join() || "nothing"}`, () => {
        // Time goes on with all events.
        const alone = events.map((event) =>
          isIn(zones, event.zone) ? event : { ...event, type: "a.stranger", data: {} }
        )
        const found = foundBy(engineOf(bodies.map(([name, body]) => stored(name, body, by, zones))), events)
        assert.deepStrictEqual(found, foundBy(engineOf(bodies.map(([name, body]) => stored(name, body, by))), alone))
        assert.strictEqual(found.length > 0, zones[0] !== "nowhere")
      })

  it("cost the events of other zones nothing, however many there are", () => {
    const engine = engineOf(
      Array.from({ length: 1000 }, (_, index) =>
        stored(`hot-${index}`, { _tag: "Where", condition: above(80) }, [], [`hall.line-${index % 100}`])
      )
    )
    for (const event of events) engine.take({ ...event, type: "board.telemetry", zone: "hall.line-7.cell-1" })
    assert.strictEqual(engine.matching.events, events.length)
    // Ten of the patterns are of its line.
    assert.isBelow(engine.matching.candidates, events.length * 40)
  })

  it("change zones between two events, and go on with what they have seen", () => {
    const [, average] = bodies[1] ?? assert.fail("no average")
    const at = 2_000_000
    const report = (seq: number, zone: string, value: number): HolonEvent => ({
      ...(events[0] ?? assert.fail("no event")),
      id: eventIdOf({ kind: "device", id: "press-1", version: seq, committedAt: at + seq }, 0),
      type: "board.telemetry",
      source: { actor: "device", id: "press-1" },
      zone,
      seq,
      ts: { ms: at + seq * 1000, ctr: 0, node: "0000000000000000" },
      at: at + seq * 1000,
      data: { temp: value }
    })
    const engine = engineOf([stored("warm", average, [], ["hall"])])
    engine.take(report(1, "hall", 90))
    engine.setPatterns([stored("warm", average, [], ["hall", "yard"])])
    engine.take(report(2, "yard", 70))
    engine.setPatterns([stored("warm", average, [], ["yard"])])
    engine.take(report(3, "hall", -1000))
    engine.advance(at + 9000)
    assert.deepStrictEqual(
      engine.takeFound().map(({ match }) => [match.kind, match.events.length]),
      [["enter", 1]],
      "it neither enters again, as one that begins anew, nor leaves by what is in hall"
    )
    engine.take(report(10, "yard", 0))
    engine.advance(at + 19_000)
    assert.deepStrictEqual(
      engine.takeFound().map(({ match }) => match.kind),
      ["exit"]
    )
  })
})
