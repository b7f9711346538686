import { assert, describe, it } from "@effect/vitest"
import { Bench, start } from "./Bench.ts"

describe("the time of a report", () => {
  it("is a whole millisecond, however long the hello has waited in its gateway", () => {
    const bench = new Bench()
    bench.attach({ up: 5000.375 })
    bench.advance(700)
    bench.report(1, { temp: 20 }, { at: 5600 })
    assert.deepStrictEqual(
      bench.samples.map(({ at }) => at),
      [start + 600]
    )
  })
})

describe("numbered frames", () => {
  it("takes a repeat as consumed, without effect", () => {
    const bench = new Bench().ready()
    assert.strictEqual(bench.report(2, { n: 1 }), "consumed")
    assert.strictEqual(bench.report(3, { n: 2 }), "consumed")
    const { state } = bench
    assert.strictEqual(bench.report(2, { n: 1 }), "consumed")
    assert.strictEqual(bench.state, state)
    assert.strictEqual(bench.samples.length, 2)
  })

  it("does not take a number more than 64 beyond the last in order", () => {
    const bench = new Bench().ready()
    const { state } = bench
    assert.strictEqual(bench.report(66, { n: 1 }), "beyond")
    assert.strictEqual(bench.state, state)
    assert.strictEqual(bench.report(65, { n: 1 }), "consumed")
  })

  it("applies a late report without undoing a newer one", () => {
    const bench = new Bench().ready()
    bench.report(3, { temp: 22 })
    bench.report(2, { temp: 21, hum: 40 })
    assert.deepStrictEqual(bench.twin().reported, { temp: 22, hum: 40 })
  })

  it("consumes a frame that crashed, tells the board, and does nothing else", () => {
    const bench = new Bench().ready()
    assert.strictEqual(bench.upFailed({ type: "report", seq: 2, state: { n: 1 } }), "consumed")
    assert.strictEqual(bench.state.numbering.last, 2)
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 240, frameType: 8, refusedSeq: 2 }])
    assert.deepStrictEqual(bench.twin().reported, {})
  })
})

describe("reports", () => {
  it("give one sample and nothing else", () => {
    const bench = new Bench().ready()
    bench.report(2, { temp: 21.5 }, { at: 1000 })
    assert.deepStrictEqual(bench.samples, [{ type: "board.telemetry", data: { temp: 21.5 }, at: bench.now - 50 }])
    assert.deepStrictEqual([bench.events, bench.frames], [[], []])
    assert.strictEqual(bench.state.connection.lastSeen, bench.now)
  })

  it("say so when a full one takes away what it no longer has, and only then when it says nothing else", () => {
    const bench = new Bench().ready()
    bench.report(2, { temp: 21.5 })
    bench.clear()
    bench.up({ type: "report", seq: 3, full: true })
    assert.deepStrictEqual(bench.samples, [{ type: "board.telemetry", data: {}, at: bench.now }])
    assert.deepStrictEqual(bench.twin().reported, {})
    bench.clear()
    bench.up({ type: "report", seq: 4, full: true })
    assert.deepStrictEqual(bench.samples, [])
  })

  it("give their samples in order, dated from the report", () => {
    const bench = new Bench().ready()
    const values = { rpm: 1 }
    bench.up({
      type: "report",
      seq: 2,
      at: 900,
      samples: [
        { dt: -20, values },
        { dt: 0, values: { rpm: 2 } }
      ]
    })
    assert.deepStrictEqual(
      bench.samples.map(({ at, data }) => [(at ?? 0) - bench.now, data]),
      [
        [-170, { rpm: 1 }],
        [-150, { rpm: 2 }]
      ]
    )
    assert.deepStrictEqual(bench.twin().reported, {})
  })

  it("step the version only when a value changes", () => {
    const bench = new Bench().ready()
    bench.report(2, { n: 1 })
    const { version } = bench.twin()
    bench.report(3, { n: 1 })
    assert.strictEqual(bench.twin().version, version)
    assert.strictEqual(bench.twin().meta.reported["/n"]?.seq, 3)
    bench.report(4, { n: 2 })
    assert.strictEqual(bench.twin().version, version + 1)
  })

  it("without a number lose ties against the last numbered one, also against what it deleted", () => {
    const bench = new Bench().ready()
    bench.report(2, { n: 1, gone: null })
    bench.report(0, { n: 5, gone: 1, other: 1 })
    assert.deepStrictEqual(bench.twin().reported, { n: 1, other: 1 })
    bench.report(0, { other: 2 })
    assert.strictEqual(bench.twin().reported["other"], 2)
  })

  it("that would pass a limit are refused whole, and consumed", () => {
    const bench = new Bench().ready()
    const wide = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, "x".repeat(4000)]))
    assert.strictEqual(bench.report(2, wide), "consumed")
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 90, frameType: 8, refusedSeq: 2 }])
    assert.deepStrictEqual(bench.twin().reported, {})
    assert.strictEqual(bench.state.numbering.last, 2)
  })

  it("for a named document are refused: the board has only the unnamed one", () => {
    const bench = new Bench().ready()
    bench.up({ type: "report", seq: 2, doc: "x", state: { a: 1 } })
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 95, frameType: 8, refusedSeq: 2 }])
  })
})

describe("other frames", () => {
  it("takes vitals from a heartbeat, leaves the answer to the gateway and changes nothing durable", () => {
    const bench = new Bench().ready()
    const { state } = bench
    bench.up({ type: "heartbeat", seq: 0, up: 777, epoch: 1, free: 4096, load: 0.5 })
    assert.deepStrictEqual(bench.frames, [])
    assert.strictEqual(bench.state, state)
    assert.strictEqual(bench.status().freeBytes, 4096)
  })

  it("puts events of the board on the stream under their own names", () => {
    const bench = new Bench().ready()
    bench.up({ type: "event", seq: 2, name: "door.opened", data: { by: "hand" }, level: 1, at: 1000, dropped: 3 })
    bench.up({ type: "event", seq: 3, name: "beep" })
    assert.deepStrictEqual(bench.events, [
      { type: "board.dropped", severity: "warn", data: { count: 3 } },
      { type: "door.opened", data: { by: "hand" }, severity: "warn", at: bench.now - 50, unit: "press-1" },
      { type: "board.beep", data: {}, severity: "info", at: bench.now, unit: "press-1" }
    ])
  })

  it("lets no board speak in the name of its device", () => {
    const bench = new Bench().ready()
    bench.up({ type: "event", seq: 2, name: "device.retired" })
    assert.deepStrictEqual(bench.events, [])
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 1, frameType: 15, refusedSeq: 2 }])
  })

  it("puts log lines on the stream", () => {
    const bench = new Bench().ready()
    bench.up({ type: "log", seq: 0, level: 0, text: "out of paper", program: "printer" })
    assert.deepStrictEqual(bench.events, [
      {
        type: "board.log",
        data: { text: "out of paper", program: "printer" },
        severity: "error",
        at: bench.now,
        unit: "press-1"
      }
    ])
  })

  it("refuses and consumes frames that have nothing to act on", () => {
    const bench = new Bench().ready()
    bench.up({ type: "private", seq: 2, number: 130, body: new Map() })
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 95, frameType: 130, refusedSeq: 2 }])
    assert.strictEqual(bench.state.numbering.last, 2)
  })

  it("consumes what answers nothing that was asked", () => {
    const bench = new Bench().ready()
    bench.up({ type: "image-ack", seq: 0, xfer: 1, next: 0, state: 1 })
    bench.up({ type: "image-status", seq: 2, xfer: 1, state: 3, req: 9 })
    bench.up({ type: "answer", seq: 0, req: 9, code: 0 })
    bench.up({ type: "mail", seq: 3, target: "x", data: new Uint8Array() })
    assert.deepStrictEqual([bench.frames, bench.tells], [[], []])
    assert.strictEqual(bench.state.numbering.last, 3)
  })
})
