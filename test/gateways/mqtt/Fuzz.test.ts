import { assert, describe, it } from "@effect/vitest"
import { generate, type Packet } from "mqtt-packet"
import { Doors } from "../../../src/gateways/Doors.ts"
import { LinkCounters } from "../../../src/gateways/link/LinkCounters.ts"
import { defaultTerms } from "../../../src/gateways/link/LinkTerms.ts"
import { type ClientWire, MqttConnection } from "../../../src/gateways/mqtt/MqttConnection.ts"
import { encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { between, pick, type Random, randomOf } from "../../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../../src/simulation/VirtualTime.ts"
import { FakeNode } from "../FakeNode.ts"

const hello = encodeUp({
  type: "hello",
  seq: 0,
  min: 1,
  max: 1,
  id: "press-1",
  boot: 5,
  link: 1,
  up: 1_000,
  profile: "press",
  firmware: "1.0.0",
  caps: 0,
  rx: 65_536
})
const goodbye = encodeUp({ type: "goodbye", seq: 0, reason: 4, boot: 5, link: 1 })
const report = encodeUp({ type: "report", seq: 1, state: { temp: 21.5, mode: "auto" } })

const publish = (payload: Uint8Array, messageId: number, more: object = {}): Packet => ({
  cmd: "publish",
  topic: "holon/1/b/press-1/up",
  payload: Buffer.from(payload),
  qos: 1,
  messageId,
  dup: false,
  retain: false,
  ...more
})

const conversation = (version: 4 | 5): ReadonlyArray<Packet> => [
  {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: version,
    clean: true,
    keepalive: 60,
    clientId: "press-1",
    username: "press-1",
    will: { topic: "holon/1/b/press-1/up", payload: Buffer.from(goodbye), qos: 1, retain: false },
    ...(version === 5 ? { properties: { receiveMaximum: 9, topicAliasMaximum: 2, userProperties: { a: "b" } } } : {})
  },
  { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "holon/1/b/press-1/dn", qos: 1 }] },
  publish(hello, 2),
  publish(
    report,
    3,
    version === 5 ? { properties: { topicAlias: 2, contentType: "x", messageExpiryInterval: 4 } } : {}
  ),
  { cmd: "puback", messageId: 1, ...(version === 5 ? { reasonCode: 16, properties: { reasonString: "why" } } : {}) },
  { cmd: "unsubscribe", messageId: 4, unsubscriptions: ["holon/1/b/press-1/dn"] },
  { cmd: "pingreq" },
  { cmd: "disconnect", ...(version === 5 ? { reasonCode: 4, properties: { reasonString: "bye" } } : {}) }
]

/** Breaks bytes in one of the ways that lines, programs and attackers do. */
const mutate = (bytes: Buffer, random: Random): Buffer => {
  const at = Math.floor(between(random, 0, bytes.length))
  switch (Math.floor(random() * 7)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random() * 256), bytes.subarray(at + 1)])
    case 1:
      return bytes.subarray(0, at)
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random() * 256, random() * 256), bytes.subarray(at)])
    case 4: {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8))
      return flipped
    }
    case 5:
      return Buffer.from(Array.from({ length: at }, () => Math.floor(random() * 256)))
    default:
      return Buffer.concat([bytes.subarray(0, at), pick(random, extremes) ?? bytes, bytes.subarray(at)])
  }
}

const extremes = [
  Buffer.of(0xff, 0xff),
  Buffer.of(0, 0),
  Buffer.of(0xff, 0xff, 0xff, 0x7f),
  Buffer.of(0x26),
  Buffer.of(0x7f)
]

describe("a client that sends garbage", () => {
  it("raises no error, leaves nothing behind, and never gets another's frame consumed", () => {
    const random = randomOf(20_261, "fuzz")
    const node = new FakeNode()
    node.isHolding = true
    const time = new VirtualTime()
    const host = new VirtualHost(time, random, {
      clockSkewMillis: 0,
      report: (what, cause) => {
        throw new Error(what, { cause })
      }
    })
    const counters = new LinkCounters()
    const encoded = new Map(
      [4, 5].map((version) => [
        version,
        conversation(version === 5 ? 5 : 4).map((packet) => generate(packet, { protocolVersion: version }))
      ])
    )
    let ended = 0
    let released = 0
    for (let round = 0; round < 10_000; round++) {
      const shared = {
        ports: { ...node.ports, host },
        credentials: node.credentials(),
        doors: Doors.defaultValue(),
        terms: defaultTerms,
        counters,
        claim: () => true,
        release: () => {
          released++
        }
      }
      const wire: ClientWire = {
        isLoopback: true,
        address: undefined,
        certified: [],
        write: () => {},
        pause: () => {},
        end: () => ended++
      }
      const connection = new MqttConnection(shared, wire)
      const packets = encoded.get(random() < 0.5 ? 4 : 5) ?? []
      const victim = Math.floor(random() * packets.length)
      const stream = Buffer.concat(packets.map((bytes, index) => (index === victim ? mutate(bytes, random) : bytes)))
      // In pieces, as a network may cut them.
      for (let at = 0; at < stream.length; ) {
        const size = 1 + Math.floor(random() * 200)
        connection.data(stream.subarray(at, at + size))
        at += size
        node.commit()
      }
      time.runUntil(time.now + 1)
      connection.closed()
    }
    assert.strictEqual(ended, 10_000)
    assert.strictEqual(released, 10_000)
    assert.strictEqual(counters.totals.connections, 0)
    assert.strictEqual(counters.totals.attached, 0)
    assert.deepStrictEqual([...node.cells.keys()], ["press-1"])
    assert.isAbove(counters.totals.framesIn, 5_000)
    assert.isAbove(counters.totals.acknowledged, 100)
  })
})
