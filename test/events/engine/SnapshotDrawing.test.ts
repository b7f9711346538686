import { assert, describe, it } from "@effect/vitest"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import { SnapshotDrawing } from "../../../src/events/engine/SnapshotDrawing.ts"
import type { StoredPattern } from "../../../src/events/Patterns.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"

const stored: StoredPattern = {
  id: "1",
  name: "many",
  version: 1,
  source: "",
  pattern: {
    name: "many",
    priority: "normal",
    by: [["source", "id"]],
    body: {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: { operator: ">=", value: 1000 },
      over: { _tag: "Sliding", millis: 600_000 }
    },
    actions: []
  },
  isOn: true,
  author: "user:ada",
  createdBy: "user:ada",
  createdAt: 0,
  updatedBy: "user:ada",
  updatedAt: 0
}

const start = 1_700_000_000_000
const event = (index: number): HolonEvent => ({
  id: eventIdOf({ kind: "device", id: `oven-${index}`, version: 1, committedAt: start }, 0),
  type: "board.telemetry",
  source: { actor: "device", id: `oven-${index}` },
  seq: 1,
  ts: { ms: start, ctr: 0, node: "0000000000000000" },
  at: start,
  vsm: "root",
  severity: "info",
  data: {},
  causes: []
})

const engineOf = (keys: number): PartitionEngine => {
  const engine = new PartitionEngine("all")
  engine.setPatterns([stored])
  for (let index = 0; index < keys; index++) engine.take(event(index))
  return engine
}

const keysOf = (pieces: ReadonlyArray<Uint8Array>): number | undefined => {
  const engine = new PartitionEngine("all")
  engine.setPatterns([stored])
  engine.restore(Buffer.concat(pieces))
  return engine.numbersOf("many")?.keys
}

describe("drawing snapshots", () => {
  it("begins when half a minute is over, if anything has come", () => {
    const drawing = new SnapshotDrawing(engineOf(3), start)
    assert.isUndefined(drawing.draw({ cursor: "1.1", tick: start }, start + 60_000))
    drawing.fed(3)
    assert.isUndefined(drawing.draw({ cursor: "2.1", tick: start }, start + 29_999))
    const snapshot = drawing.draw({ cursor: "3.1", tick: start + 7 }, start + 30_000)
    assert.strictEqual(snapshot?.cursor, "3.1")
    assert.strictEqual(snapshot?.tick, start + 7)
    assert.strictEqual(keysOf(snapshot?.pieces ?? []), 3)
    // What is written need not be written again.
    assert.isUndefined(drawing.draw({ cursor: "4.1", tick: start }, start + 90_000))
  })

  it("begins after many events, however little time that took", () => {
    const drawing = new SnapshotDrawing(engineOf(1), start)
    drawing.fed(99_999)
    assert.isUndefined(drawing.draw({ cursor: "1.1", tick: start }, start))
    drawing.fed(1)
    assert.isDefined(drawing.draw({ cursor: "1.1", tick: start }, start))
  })

  it("takes several looks for a large one, which says what was so at the first of them", () => {
    const engine = engineOf(20_000)
    const drawing = new SnapshotDrawing(engine, start)
    drawing.fed(100_000)
    let looks = 1
    let snapshot = drawing.draw({ cursor: "1.1", tick: start }, start)
    while (snapshot === undefined && looks < 100) {
      engine.take(event(20_000 + looks))
      drawing.fed(1)
      snapshot = drawing.draw({ cursor: `${1 + looks}.1`, tick: start }, start)
      looks++
    }
    assert.isAbove(looks, 2)
    assert.strictEqual(snapshot?.cursor, "1.1")
    assert.strictEqual(keysOf(snapshot?.pieces ?? []), 20_000)
  })

  it("draws one in one go where it is wanted at once", () => {
    const drawing = new SnapshotDrawing(engineOf(20_000), start)
    const snapshot = drawing.drawWhole({ cursor: "1.1", tick: start }, start)
    assert.strictEqual(keysOf(snapshot?.pieces ?? []), 20_000)
  })
})
