import { assert, describe, it } from "@effect/vitest"
import { decodeUp, encodeDown } from "../../../src/protocol/FrameCodec.ts"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { Rig, welcome } from "./ScriptedPeer.ts"

describe("a link begins", () => {
  it("with a hello that says who speaks, in which boot and link", () => {
    const rig = new Rig({ wall: () => 1_790_000_000_123 })
    rig.agent.start()
    assert.deepStrictEqual(rig.line.frames, [])
    rig.time.advance(40)
    rig.line.events.opened()
    assert.deepStrictEqual(rig.line.frames, [
      {
        type: "hello",
        seq: 0,
        min: 1,
        max: 1,
        id: "press-1",
        boot: 7,
        link: 1,
        up: 40,
        wall: 1_790_000_000_123,
        profile: "sim-press",
        firmware: "1.0.0",
        caps: 1,
        rx: 65_536,
        requests: 8,
        desired: 0,
        sent: 0,
        dropped: 0
      }
    ])
    assert.deepStrictEqual(
      rig.line.carriages.map(({ seq, qos }) => [seq, qos]),
      [[0, 1]]
    )
  })

  it("with a will that names the boot and the link it is for", () => {
    const rig = new Rig()
    rig.up()
    rig.again()
    const wills = rig.lines.map(({ opening }) => decodeUp(opening.will, 512))
    assert.deepStrictEqual(
      wills.map((will) => will._tag === "Success" && will.success),
      [1, 2].map((link) => ({ type: "goodbye" as const, seq: 0, reason: 4, boot: 7, link }))
    )
  })

  it("by the same hello five times, two seconds apart, and then not at all", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.line.events.opened()
    rig.time.advance(1999)
    assert.lengthOf(rig.line.bytes, 1)
    rig.time.advance(6001)
    assert.lengthOf(rig.line.bytes, 5)
    for (const bytes of rig.line.bytes) assert.deepStrictEqual(bytes, rig.line.bytes[0])
    assert.isUndefined(rig.line.closed)
    rig.time.advance(2000)
    assert.strictEqual(rig.line.closed, "cut")
    assert.strictEqual(rig.agent.state, "down")
  })

  it("and is given up when the transport does not open in ten seconds", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.time.advance(10_000)
    assert.strictEqual(rig.lines[0]?.closed, "cut")
    assert.strictEqual(rig.agent.state, "down")
  })

  it("under the next link number only when a hello went out before", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.line.lose()
    rig.reopen().events.opened()
    rig.line.lose()
    rig.reopen().events.opened()
    assert.deepStrictEqual(
      rig.lines.map((line) => line.of("hello")[0]?.link),
      [undefined, 1, 2]
    )
  })

  it("once, though two welcomes answer a repeated hello", () => {
    const rig = new Rig()
    const line = rig.up()
    rig.voice.report({ temp: 1 })
    line.say(welcome())
    assert.deepStrictEqual(line.seqs, [1])
  })

  it("with numbered frames, events and logs only after the welcome", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.voice.event("press.started")
    rig.line.events.opened()
    assert.lengthOf(rig.line.frames, 1)
    rig.line.say(welcome())
    assert.deepStrictEqual(
      rig.line.frames.map(({ type }) => type),
      ["hello", "event"]
    )
  })
})

describe("the next link begins", () => {
  it("after half a second at random, doubling up to a minute", () => {
    const rig = new Rig({ random: () => 0.5 })
    rig.agent.start()
    for (let n = 0; n < 9; n++) {
      rig.line.lose()
      rig.reopen()
    }
    assert.deepStrictEqual(
      rig.steps.filter(({ state }) => state === "down").map(({ retryMillis }) => retryMillis),
      [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
    )
  })

  it("soon again after one that held for 30 seconds, and not after a shorter one", () => {
    const rig = new Rig({ random: () => 0.5 })
    rig.up()
    rig.line.lose()
    rig.time.advance(250)
    rig.welcomed({ lease: 600_000 })
    rig.time.advance(29_999)
    rig.line.lose()
    rig.time.advance(500)
    rig.welcomed({ lease: 600_000, epoch: 6 })
    rig.time.advance(30_000)
    rig.line.lose()
    assert.deepStrictEqual(
      rig.steps.filter(({ state }) => state === "down").map(({ retryMillis }) => retryMillis),
      [250, 500, 250]
    )
  })

  const delayAfter = (end: (rig: Rig) => void, random = 0.5): number | undefined => {
    const rig = new Rig({ random: () => random })
    rig.up()
    end(rig)
    return rig.steps.at(-1)?.retryMillis
  }

  it("where and when a draining node says", () => {
    const rig = new Rig()
    rig.up()
    rig.line.say({ type: "goodbye", epoch: 5, reason: 5, retry: 800, server: "mqtts://n2.example:8883" })
    rig.time.advance(799)
    assert.lengthOf(rig.lines, 1)
    rig.time.advance(1)
    assert.strictEqual(rig.line.opening.server, "mqtts://n2.example:8883")
  })

  it("within a second after a drain without a time", () => {
    assert.strictEqual(
      delayAfter((rig) => rig.line.say({ type: "goodbye", epoch: 5, reason: 5 })),
      500
    )
  })

  it("no sooner than 30 seconds after another board took over", () => {
    const superseded = (rig: Rig) => rig.line.say({ type: "goodbye", epoch: 5, reason: 6, retry: 10 })
    assert.strictEqual(delayAfter(superseded, 0), 30_000)
    assert.strictEqual(
      delayAfter((rig) => rig.line.lose("superseded"), 0),
      30_000
    )
  })

  it("at the cap of the backoff, or when told, after a refusal", () => {
    for (const reason of [7, 8, 9, 10]) {
      assert.strictEqual(
        delayAfter((rig) => rig.line.say({ type: "goodbye", epoch: 5, reason })),
        30_000
      )
      assert.strictEqual(
        delayAfter((rig) => rig.line.say({ type: "goodbye", epoch: 5, reason, retry: 77 })),
        77
      )
    }
    assert.strictEqual(
      delayAfter((rig) => rig.line.lose("refused")),
      30_000
    )
  })

  const delayAfterError = (code: number, retry?: number): number | undefined => {
    const rig = new Rig({ random: () => 0.5 })
    rig.agent.start()
    rig.line.events.opened()
    rig.line.say({ type: "error", epoch: 0, code, fatal: true, ...(retry === undefined ? {} : { retry }) })
    return rig.steps.at(-1)?.retryMillis
  }

  it("at the cap after an error about who the board is", () => {
    for (const code of [204, 205, 208, 126, 127, 128, 129]) assert.strictEqual(delayAfterError(code), 30_000)
  })

  it("when told after an error that passes, else by the backoff", () => {
    for (const code of [207, 212, 213]) {
      assert.strictEqual(delayAfterError(code, 1234), 1234)
      assert.strictEqual(delayAfterError(code), 250)
    }
    assert.strictEqual(delayAfterError(202), 250)
  })

  it("and a person is told when time alone does not mend it", () => {
    const refusals = (code: number): boolean | undefined => {
      const rig = new Rig()
      rig.agent.start()
      rig.line.events.opened()
      rig.line.say({ type: "error", epoch: 0, code, fatal: true })
      return rig.steps.at(-1)?.isRefused
    }
    assert.isTrue(refusals(205))
    assert.isUndefined(refusals(212))
  })

  it("not at all because of an error that is not fatal", () => {
    const rig = new Rig()
    const line = rig.up()
    line.say({ type: "error", epoch: 5, code: 209, retry: 100 })
    assert.strictEqual(rig.agent.state, "up")
    assert.isUndefined(line.closed)
  })
})

describe("a link that is up", () => {
  it("keeps its head when a cluster grants times that no board could keep", () => {
    const rig = new Rig()
    const line = rig.up({ heartbeat: 0, lease: 0 })
    rig.time.advance(2900)
    assert.strictEqual(rig.agent.state, "up")
    assert.lengthOf(line.of("heartbeat"), 2)
    rig.time.advance(200)
    assert.strictEqual(rig.agent.state, "down")
  })

  it("sends a heartbeat after silence of its own, and not when something else was sent", () => {
    const rig = new Rig()
    const line = rig.up({ lease: 600_000 })
    rig.time.advance(6000)
    rig.voice.report({ temp: 1 })
    rig.time.advance(9999)
    assert.lengthOf(line.of("heartbeat"), 0)
    rig.time.advance(1)
    assert.deepStrictEqual(line.of("heartbeat"), [
      { type: "heartbeat", seq: 0, up: 16_000, queued: 0, dropped: 0, epoch: 5 }
    ])
    assert.strictEqual(line.carriages.at(-1)?.qos, 0)
    rig.time.advance(10_000)
    assert.lengthOf(line.of("heartbeat"), 2)
  })

  it("ends when the cluster is silent for a lease", () => {
    const rig = new Rig()
    const line = rig.up()
    rig.time.advance(20_000)
    line.say({ type: "heartbeat", epoch: 5, up: 0, wall: 1_790_000_020_000 })
    rig.time.advance(24_999)
    assert.strictEqual(rig.agent.state, "up")
    rig.time.advance(1)
    assert.strictEqual(rig.agent.state, "down")
    assert.strictEqual(line.closed, "cut")
  })

  it("is kept by a PUBACK only where that is ours", () => {
    for (const ackMode of [0, 1]) {
      const rig = new Rig()
      const line = rig.up({ ackMode })
      rig.voice.report({ temp: 1 })
      rig.time.advance(20_000)
      line.puback(1)
      rig.time.advance(10_000)
      assert.strictEqual(line.closed, ackMode === 0 ? undefined : "cut")
    }
  })

  it("changes its times and window by a flow frame", () => {
    const rig = new Rig()
    const line = rig.up({ window: 1 })
    for (const name of ["a.b", "c.d", "e.f"]) rig.voice.event(name)
    assert.deepStrictEqual(line.seqs, [1])
    line.say({ type: "flow", epoch: 5, window: 3, heartbeat: 2000, lease: 5000 })
    assert.deepStrictEqual(line.seqs, [1, 2, 3])
    rig.time.advance(2000)
    assert.lengthOf(line.of("heartbeat"), 1)
    rig.time.advance(3000)
    assert.strictEqual(rig.agent.state, "down")
  })

  it("knows UTC by the cluster's clock and not by its own", () => {
    const rig = new Rig({ wall: () => 42 })
    assert.strictEqual(rig.voice.wall(), 42)
    rig.agent.start()
    rig.line.events.opened()
    rig.time.advance(100)
    rig.line.say(welcome({ wall: 1_790_000_000_050 }))
    assert.strictEqual(rig.voice.wall(), 1_790_000_000_100)
    rig.line.say({ type: "heartbeat", epoch: 5, up: 100, wall: 1_790_000_000_200 })
    assert.strictEqual(rig.voice.wall(), 1_790_000_000_200)
  })

  it("hears nothing that is said under another epoch", () => {
    const rig = new Rig()
    const line = rig.up()
    line.say({ type: "desired", epoch: 4, version: 9, state: { led: "on" } })
    line.say({ type: "invoke", epoch: 6, id: "018f3a6e-4c00-7abc-8def-0123456789ab", name: "blink", ttl: 1000 })
    line.say({ type: "goodbye", epoch: 4, reason: 6 })
    line.say({ type: "flow", epoch: 4, window: 1 })
    assert.lengthOf(line.frames, 1)
    assert.strictEqual(rig.agent.state, "up")
  })

  it("goes on under a new epoch when the gateway has attached again", () => {
    const rig = new Rig()
    const line = rig.up()
    line.say(welcome({ epoch: 6, sync: sync.doNotResend }))
    line.say({ type: "desired", epoch: 5, version: 3, state: { led: "on" } })
    line.say({ type: "desired", epoch: 6, version: 4, state: { led: "on" } })
    assert.deepStrictEqual(
      line.of("desired-ack").map(({ version }) => version),
      [4]
    )
    rig.time.advance(10_000)
    assert.strictEqual(line.of("heartbeat")[0]?.epoch, 6)
    assert.lengthOf(rig.lines, 1)
  })

  it("answers a frame type it does not know, once and with its number", () => {
    const rig = new Rig()
    const line = rig.up()
    line.events.received(Buffer.from("83187f05a10101", "hex"))
    assert.deepStrictEqual(line.of("error"), [
      { type: "error", seq: 0, code: 201, detail: "no frame type 127", frameType: 127 }
    ])
    line.events.received(Buffer.from("83187f04a10101", "hex"))
    assert.lengthOf(line.of("error"), 1, "nothing is answered that came under another epoch")
  })

  it("answers what it cannot read and stays up", () => {
    const rig = new Rig()
    const line = rig.up()
    line.events.received(Uint8Array.of(0xff))
    line.events.received(Buffer.from("830b05a30144aabbccdd0261610401", "hex"))
    assert.deepStrictEqual(
      line.of("error").map(({ code }) => code),
      [200, 200]
    )
    assert.strictEqual(rig.agent.state, "up")
  })

  it("never answers an error, not even one it cannot read", () => {
    const rig = new Rig()
    const line = rig.up()
    line.say({ type: "error", epoch: 5, code: 200, refusedSeq: 99 })
    line.events.received(Buffer.from("830505a10261", "hex"))
    line.events.received(Buffer.from("830505a1026161", "hex"))
    line.events.received(Buffer.from("830605a1026161", "hex"))
    assert.isAtMost(line.of("error").length, 1)
    for (const error of line.of("error")) assert.notInclude([5, 6], error.frameType)
  })

  it("answers requests about programs, values, mail and images it has not, each in its own way", () => {
    const rig = new Rig()
    const line = rig.up()
    const image = { sha256: new Uint8Array(32), manifest: new Uint8Array(4) }
    line.say({ type: "program-ctl", epoch: 5, req: 901, op: 1, program: "p" })
    line.say({ type: "value-get", epoch: 5, req: 902, program: "p" })
    line.say({ type: "mail-send", epoch: 5, req: 903, target: "app", data: new Uint8Array(1) })
    line.say({ type: "image-offer", epoch: 5, xfer: 1, size: 9, kind: 1, chunk: 256, window: 1, ...image })
    line.say({ type: "chunk", epoch: 5, xfer: 1, index: 0, data: new Uint8Array(9) })
    line.say({ type: "image-op", epoch: 5, op: 6, xfer: 1, req: 904 })
    assert.deepStrictEqual(
      line.of("answer").map(({ req, code }) => [req, code]),
      [901, 902, 903].map((req) => [req, 95])
    )
    assert.deepStrictEqual(
      line.of("image-ack").map(({ xfer, state, code }) => [xfer, state, code]),
      [
        [1, 0, 95],
        [1, 0, 3]
      ]
    )
    assert.deepStrictEqual(line.of("image-status"), [
      { type: "image-status", seq: 1, xfer: 1, state: 0, code: 95, req: 904 }
    ])
  })

  it("says what it is asked for in the welcome", () => {
    const rig = new Rig({ state: () => ({ led: "off", temp: 3 }) })
    const line = rig.up({ sync: sync.fullReport | sync.programStatus | sync.imageStatus })
    assert.deepStrictEqual(line.of("report"), [
      { type: "report", seq: 1, at: 0, full: true, state: { led: "off", temp: 3 } }
    ])
    assert.lengthOf(line.of("program-status"), 1)
    assert.lengthOf(line.of("image-status"), 1)
  })

  it("takes nothing from a connection it has left", () => {
    const rig = new Rig()
    const old = rig.up()
    rig.again()
    old.events.received(encodeDown({ type: "goodbye", epoch: 6, reason: 6 }))
    old.events.acknowledged(1)
    old.events.closed("superseded")
    assert.strictEqual(rig.agent.state, "up")
  })
})

describe("a link ends", () => {
  it("with a goodbye, which has a second to arrive", () => {
    const rig = new Rig()
    const line = rig.up()
    let done = false
    rig.agent.stop(0, () => {
      done = true
    })
    assert.deepStrictEqual(line.of("goodbye"), [{ type: "goodbye", seq: 0, reason: 0, boot: 7, link: 1 }])
    rig.time.advance(999)
    assert.isFalse(done)
    rig.time.advance(1)
    assert.isTrue(done)
    assert.strictEqual(line.closed, "orderly")
    assert.strictEqual(rig.time.pending, 0)
  })

  it("as soon as the goodbye has arrived", () => {
    const rig = new Rig()
    const line = rig.up()
    let done = false
    rig.agent.stop(0, () => {
      done = true
    })
    line.carriages.at(-1)?.taken?.()
    assert.isTrue(done)
    assert.strictEqual(rig.time.pending, 0)
  })

  it("at once and silently when there is none, or when the power goes", () => {
    const down = new Rig()
    down.agent.start()
    let done = false
    down.agent.stop(0, () => {
      done = true
    })
    assert.isTrue(done)
    assert.strictEqual(down.time.pending, 0)
    const cut = new Rig()
    const line = cut.up()
    cut.agent.cut()
    assert.lengthOf(line.frames, 1)
    assert.strictEqual(line.closed, "cut")
    assert.strictEqual(cut.time.pending, 0)
  })
})
