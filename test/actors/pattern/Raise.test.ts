import { assert, describe, it } from "@effect/vitest"
import { done, type JudgedMatch } from "../../../src/actors/pattern/Actions.ts"
import { raisedAtRoot } from "../../../src/actors/pattern/Raise.ts"
import type { Scalar } from "../../../src/events/temporal/Match.ts"

const now = 1_700_000_000_000

const found = (
  by: Readonly<Record<string, Scalar>>,
  kind: "match" | "exit" = "match",
  signal = "too hot"
): JudgedMatch => ({
  match: {
    id: "m-1",
    pattern: "hot",
    version: 1,
    key: "k",
    by,
    kind,
    at: now,
    events: ["e-1", "e-2"],
    values: { value: 91.5 },
    isWarm: true
  },
  depth: 1,
  priority: "critical",
  actions: [{ _tag: "Raise", signal }],
  because: { causes: [], root: "r" },
  author: "user:ada",
  missing: new Map()
})

const feeling = { metric: "too-hot", intensity: 0.95, value: 91.5, ids: ["e-1", "e-2"] }

describe("a pattern that raises a signal", () => {
  it("keeps its event, and tells the device that its match speaks of", () => {
    const { events, tells } = done([found({ "source.id": "press-1" })], now)
    assert.deepStrictEqual(
      events.map(({ type }) => type),
      ["pattern.matched", "algedonic.raised"]
    )
    assert.deepStrictEqual(tells, [
      { to: { kind: "device", id: "press-1" }, message: "Feel", payload: feeling, causedBy: 0 }
    ])
    assert.deepStrictEqual(done([found({ unit: "press-2" })], now).tells[0]?.to, { kind: "device", id: "press-2" })
  })

  it("says that it is over when what lasted has ended", () => {
    assert.deepStrictEqual(done([found({ unit: "press-1" }, "exit")], now).tells[0]?.payload, {
      ...feeling,
      isOver: true
    })
  })

  it("tells the VSM that its match speaks of, and the root where it speaks of nobody", () => {
    const [vsm] = done([found({ "source.actor": "vsm", "source.id": "line-1" })], now).tells
    assert.deepStrictEqual(vsm?.to, { kind: "algedonic", id: "line-1" })
    assert.strictEqual(Object(vsm?.payload).source, "vsm/line-1")
    const [nobody] = done([found({ "data.line": 7 })], now).tells
    assert.deepStrictEqual(
      [nobody?.to, Object(nobody?.payload).source],
      [{ kind: "algedonic", id: "root" }, "pattern/hot"]
    )
    assert.deepStrictEqual(done([found({ "source.id": 7 })], now).tells[0]?.to, { kind: "algedonic", id: "root" })
  })

  it("tells the root of a device that does not exist", () => {
    const tell = { to: { kind: "device", id: "ghost" }, message: "Feel", payload: feeling, cause: "NotFound" }
    assert.deepStrictEqual(raisedAtRoot(tell), {
      to: { kind: "algedonic", id: "root" },
      message: "Feel",
      payload: { ...feeling, source: "device/ghost" }
    })
    assert.isUndefined(raisedAtRoot({ ...tell, message: "SetDesired" }))
  })

  it("names a metric, whatever the signal is called", () => {
    const metricOf = (signal: string) => Object(done([found({}, "match", signal)], now).tells[0]?.payload).metric
    assert.deepStrictEqual(["-- ", "über hot", "x".repeat(100)].map(metricOf), ["signal", "ber-hot", "x".repeat(64)])
  })
})
