import { assert, describe, it } from "@effect/vitest"
import { cborBytes } from "../../../src/protocol/CborSize.ts"
import { Bench, keeper, refusal } from "./Bench.ts"

const set = (bench: Bench, patch: unknown, expected?: number) =>
  bench.ask("SetDesired", expected === undefined ? { patch } : { patch, expected })
const told = (bench: Bench) =>
  bench.sent("desired").map((frame) => (frame.type === "desired" ? [frame.version, frame.state] : []))

describe("SetDesired", () => {
  it("answers a conflict as a value when the desired version differs, and changes nothing", () => {
    const bench = new Bench().ready()
    assert.deepStrictEqual(set(bench, { led: "on" }, 0), { _tag: "Accepted", version: 2, desired: { led: "on" } })
    bench.report(2, { temp: 20 })
    const { state } = bench
    assert.deepStrictEqual(set(bench, { led: "off" }, 1), {
      _tag: "Conflict",
      code: 116,
      current: 2,
      desired: { led: "on" }
    })
    assert.strictEqual(bench.state, state)
    assert.deepStrictEqual(set(bench, { led: "off" }, 2), { _tag: "Accepted", version: 4, desired: { led: "off" } })
  })

  it("refuses what is too deep or too large", () => {
    const bench = new Bench().ready()
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { d: deep(levels - 1) })
    assert.strictEqual(
      refusal(() => set(bench, deep(9))),
      "Malformed"
    )
    const wide = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, "x".repeat(4000)]))
    assert.strictEqual(
      refusal(() => set(bench, wide)),
      "TooLarge"
    )
  })

  it("remembers who wrote a leaf, when, and at which version", () => {
    const bench = new Bench().ready()
    set(bench, { fan: { rpm: 900 } })
    assert.deepStrictEqual(bench.twin().meta.desired, { "/fan/rpm": { v: 2, at: bench.now, by: "ada" } })
  })
})

describe("telling the board what it should be", () => {
  it("sends the first change at once and what follows within 20 ms as one frame", () => {
    const bench = new Bench().ready()
    set(bench, { a: 1 })
    assert.deepStrictEqual(told(bench), [[2, { a: 1 }]])
    bench.advance(5)
    set(bench, { b: 2 })
    bench.advance(5)
    set(bench, { c: 3 })
    bench.advance(9)
    assert.deepStrictEqual(told(bench), [])
    bench.advance(1)
    assert.deepStrictEqual(told(bench), [[4, { a: 1, b: 2, c: 3 }]])
  })

  it("sends the delta of a new boot after its full report", () => {
    const bench = new Bench().ready()
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    set(bench, { led: "on", fan: 3 })
    bench.attach({ boot: 8 })
    bench.advance(100)
    assert.deepStrictEqual(told(bench), [])
    bench.report(1, { fan: 3, led: "off" }, { full: true })
    assert.deepStrictEqual(told(bench), [[2, { led: "on" }]])
  })

  it("waits two seconds for a full report, not longer", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on" })
    bench.attach({ boot: 8 })
    bench.clear()
    bench.advance(1999)
    assert.deepStrictEqual(told(bench), [])
    bench.advance(1)
    assert.deepStrictEqual(told(bench), [[2, { led: "on" }]])
  })

  it("sends nothing to a board that already is what it should be", () => {
    const bench = new Bench().ready()
    bench.report(2, { led: "on" })
    set(bench, { led: "on" })
    bench.attach({ link: 2 })
    bench.advance(10_000)
    assert.deepStrictEqual(told(bench), [])
  })

  it("sends a delta on a new link of the same boot without waiting for a report", () => {
    const bench = new Bench().ready()
    bench.report(2, { led: "off" })
    set(bench, { led: "on" })
    bench.attach({ link: 2 })
    bench.clear()
    bench.advance(50)
    assert.deepStrictEqual(told(bench), [[3, { led: "on" }]])
  })

  it("repeats an unanswered frame after 5, 10, 20, 40 and then every 60 seconds", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on" })
    const begin = bench.now
    const times: Array<number> = []
    bench.clear()
    for (let second = 1; second <= 200; second++) {
      bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
      bench.advance(1000)
      if (bench.sent("desired").length > 0) times.push((bench.now - begin) / 1000)
    }
    assert.deepStrictEqual(times, [5, 15, 35, 75, 135, 195])
  })

  it("stops repeating when the board has acknowledged", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on" })
    bench.report(2, { led: "on" })
    bench.up({ type: "desired-ack", seq: 3, version: 2 })
    bench.clear()
    bench.advance(24_000)
    assert.deepStrictEqual(told(bench), [])
    assert.strictEqual(bench.twin().applied, 2)
  })

  it("does not send refused fields again until desired changes them", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on", fan: 9 })
    bench.up({ type: "desired-ack", seq: 2, version: 2, refused: { "/fan": 34 } })
    bench.report(3, { led: "on" })
    bench.clear()
    bench.attach({ link: 2 })
    bench.advance(10_000)
    assert.deepStrictEqual(told(bench), [])
    assert.deepStrictEqual(bench.twin().refused, { "/fan": 34 })
    set(bench, { fan: 5 })
    assert.deepStrictEqual(told(bench), [[bench.twin().desiredVersion, { fan: 5 }]])
  })

  it("sends a deleted key as null only to boards that keep desired", () => {
    for (const caps of [0, keeper]) {
      const bench = new Bench().ready({ caps })
      set(bench, { led: "on" })
      bench.up({ type: "desired-ack", seq: 2, version: 2 })
      bench.report(3, { led: "on" })
      bench.advance(100)
      bench.clear()
      set(bench, { led: null })
      assert.deepStrictEqual(told(bench), caps === keeper ? [[4, { led: null }]] : [])
    }
  })

  it("cuts desired into parts that the board can receive, and refuses in its name what fits no frame", () => {
    const bench = new Bench().ready({ rx: 512 })
    const patch = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, "x".repeat(90)]))
    set(bench, { ...patch, huge: "x".repeat(600) })
    const frames = bench.sent("desired")
    const parts = frames.map((frame) => (frame.type === "desired" ? frame : undefined))
    assert.isAbove(parts.length, 3)
    assert.deepStrictEqual(
      parts.map((part) => part?.more ?? false),
      parts.map((_, index) => index < parts.length - 1)
    )
    for (const part of parts) assert.isAtMost(cborBytes(part?.state ?? {}) + 20, 512)
    assert.deepStrictEqual(Object.assign({}, ...parts.map((part) => part?.state)), patch)
    assert.deepStrictEqual(bench.twin().refused, { "/huge": 90 })
  })
})

describe("a board that goes back on a field", () => {
  it("is told again at once, then ever more rarely up to 5 min, each time with an event", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on", fan: 1 })
    bench.report(2, { led: "on", fan: 1 })
    bench.up({ type: "desired-ack", seq: 3, version: 2 })
    bench.advance(6000)
    bench.clear()
    bench.report(4, { led: "off" })
    const begin = bench.now
    bench.advance(1)
    assert.deepStrictEqual(told(bench), [[2, { led: "on" }]])
    const times: Array<number> = []
    for (let second = 1; second <= 1500; second++) {
      bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
      bench.advance(1000)
      if (told(bench).length > 0) times.push(Math.round((bench.now - begin) / 1000))
    }
    assert.deepStrictEqual(times, [5, 15, 35, 75, 155, 315, 615, 915, 1215])
    assert.strictEqual(bench.types().filter((type) => type === "twin.diverged").length, 10)
    assert.deepStrictEqual(bench.events.at(-1)?.data, { version: 2, fields: ["/led"] })
  })

  it("is told of one field at most every 5 s, and no longer when it agrees", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on" })
    bench.report(2, { led: "on" })
    bench.up({ type: "desired-ack", seq: 3, version: 2 })
    bench.clear()
    bench.report(4, { led: "off" })
    bench.advance(4900)
    assert.deepStrictEqual(told(bench), [])
    bench.report(5, { led: "on" })
    bench.advance(15_000)
    assert.deepStrictEqual(told(bench), [])
    assert.deepStrictEqual(bench.types(), [])
  })

  it("is told again when it acknowledged a field that it does not report", () => {
    const bench = new Bench().ready()
    set(bench, { led: "on" })
    bench.up({ type: "desired-ack", seq: 2, version: 2 })
    bench.clear()
    bench.advance(5000)
    assert.deepStrictEqual(told(bench), [[2, { led: "on" }]])
  })
})
