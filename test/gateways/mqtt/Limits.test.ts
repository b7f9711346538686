import { assert, describe, it } from "@effect/vitest"
import { generate, type Packet, parser } from "mqtt-packet"
import { Doors } from "../../../src/gateways/Doors.ts"
import { LinkCounters } from "../../../src/gateways/link/LinkCounters.ts"
import { defaultTerms } from "../../../src/gateways/link/LinkTerms.ts"
import { type ClientWire, MqttConnection } from "../../../src/gateways/mqtt/MqttConnection.ts"
import { type Letter, Outbound } from "../../../src/gateways/mqtt/Outbound.ts"
import { TakeOvers } from "../../../src/gateways/mqtt/TakeOvers.ts"
import type { UpFrame } from "../../../src/protocol/Frame.ts"
import { encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { randomOf } from "../../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../../src/simulation/VirtualTime.ts"
import { FakeNode } from "../FakeNode.ts"

/** A connection without a socket, and what it wrote. */
const connect = (version: 4 | 5, clientId: string) => {
  const node = new FakeNode()
  const time = new VirtualTime()
  const host = new VirtualHost(time, randomOf(1, "mqtt"), {
    clockSkewMillis: 0,
    report: (what, cause) => {
      throw new Error(what, { cause })
    }
  })
  const written: Array<Packet> = []
  const reader = parser({ protocolVersion: version }).on("packet", (packet: Packet) => written.push(packet))
  const state = { isEnded: false }
  const wire: ClientWire = {
    isLoopback: true,
    address: undefined,
    certified: [],
    write: (bytes) => reader.parse(Buffer.from(bytes)),
    pause: () => {},
    end: () => {
      state.isEnded = true
    }
  }
  const connection = new MqttConnection(
    {
      ports: { ...node.ports, host },
      credentials: node.credentials(),
      doors: Doors.defaultValue(),
      terms: defaultTerms,
      counters: new LinkCounters(),
      claim: () => true,
      release: () => {}
    },
    wire
  )
  const send = (packet: Packet) => connection.data(generate(packet, { protocolVersion: version }))
  send({ cmd: "connect", protocolId: "MQTT", protocolVersion: version, clean: true, keepalive: 0, clientId })
  return { node, time, connection, state, written, send }
}

describe("a client", () => {
  it("is ended for a publication of QoS 0 that says it was sent before, and for a PUBACK of the wrong form", () => {
    for (const bytes of [
      [0x38, 4, 0, 1, 0x61, 0],
      [0x42, 2, 0, 1],
      [0x40, 1, 0],
      [0x40, 3, 0, 1, 0]
    ]) {
      const { connection, state } = connect(4, "reader_1")
      connection.data(Buffer.from(bytes))
      assert.isTrue(state.isEnded, bytes.join(" "))
    }
    const { connection, state } = connect(5, "reader_1")
    connection.data(Buffer.of(0x40, 3, 0, 1, 16))
    assert.isFalse(state.isEnded)
    connection.closed()
  })

  it("has at most a hundred filters", () => {
    const { connection, written, send } = connect(5, "reader_1")
    const subscriptions = Array.from({ length: 101 }, (_, index) => ({ topic: `a/${index}`, qos: 1 as const }))
    send({ cmd: "subscribe", messageId: 1, subscriptions })
    const suback = written.find(({ cmd }) => cmd === "suback")
    assert(suback?.cmd === "suback")
    assert.deepStrictEqual(suback.granted.slice(99), [1, 0x97])
    connection.closed()
  })

  it("is ended with a reason that a server may give when it said goodbye and stays", () => {
    const { time, written, send } = connect(5, "press-1")
    const up = (messageId: number, frame: UpFrame) =>
      send({
        cmd: "publish",
        topic: "holon/1/b/press-1/up",
        payload: Buffer.from(encodeUp(frame)),
        qos: 1,
        messageId,
        dup: false,
        retain: false
      })
    const hello = { up: 0, profile: "press", firmware: "1", caps: 0, rx: 512 }
    up(1, { type: "hello", seq: 0, min: 1, max: 1, id: "press-1", boot: 5, link: 1, ...hello })
    up(2, { type: "goodbye", seq: 0, reason: 3, boot: 5, link: 1 })
    time.runUntil(1_000)
    assert.deepInclude(written.at(-1), { cmd: "disconnect", reasonCode: 0x98 })
  })

  it("leaves evidence of a topic it has no right to, whatever text that is", () => {
    const { connection, node, send } = connect(5, "press-1")
    // The cut at 256 goes through the last character.
    const topic = `${"x".repeat(255 - "publish to ".length)}\u{1f600}`
    send({ cmd: "publish", topic, payload: "", qos: 0, dup: false, retain: false })
    const [evidence] = node.evidence
    assert(evidence?.type === "link.denied")
    assert.isTrue(evidence.what.isWellFormed())
    connection.closed()
  })
})

describe("publications to a client", () => {
  const letter = (size: number): Letter => ({
    topic: Buffer.from("t"),
    payload: new Uint8Array(size),
    qos: 1,
    isRetained: false,
    endsAt: undefined,
    contentType: Buffer.alloc(0)
  })

  it("wait for its acknowledgements up to a bound of bytes, which falls as they leave", () => {
    const limits = { version: 5, receiveMaximum: 1, packetBytesMax: 1_000_000, aliases: 0 } as const
    let written = 0
    const outbound = new Outbound(
      limits,
      () => 0,
      (bytes) => {
        if (bytes.length >= 65_536) written++
      }
    )
    assert.isTrue(outbound.send(letter(65_536)))
    for (let count = 0; count < 16; count++) assert.isTrue(outbound.send(letter(65_536)))
    assert.strictEqual(written, 1)
    outbound.acknowledged(1)
    assert.strictEqual(written, 2)
    assert.isTrue(outbound.send(letter(65_536)))
    assert.isFalse(outbound.send(letter(1)))
  })
})

describe("take-overs", () => {
  it("are forgotten in time, the refused ids too", () => {
    const takeOvers = new TakeOvers()
    for (let id = 0; id < 3_000; id++) for (let count = 0; count < 6; count++) takeOvers.note(`press-${id}`, 0)
    for (let id = 0; id < 3_000; id++) takeOvers.note(`pump-${id}`, 120_000)
    assert.isAtMost(takeOvers.size, 3_100)
    assert.isFalse(takeOvers.isRefused("press-1", 120_000))
  })
})
