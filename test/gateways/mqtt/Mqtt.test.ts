import { createServer, type Server } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { connectAsync } from "mqtt"
import type { Tokens } from "../../../src/gateways/link/Credentials.ts"
import { defaultTerms } from "../../../src/gateways/link/LinkTerms.ts"
import { MqttServer } from "../../../src/gateways/mqtt/MqttServer.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { listening } from "../../support/Ports.ts"
import { FakeNode, openTokens } from "../FakeNode.ts"
import { RawClient } from "./RawClient.ts"

let node: FakeNode
let server: Server
let mqtt: MqttServer
let port: number
const clients: Array<RawClient> = []

const start = async (tokens: Tokens = openTokens, terms = {}) => {
  node = new FakeNode()
  const admission = { perSecond: 10_000, loopDelayMillisMax: 1_000, waitMillisMax: 10_000 }
  mqtt = new MqttServer({
    ports: node.ports,
    credentials: node.credentials(tokens),
    terms: { ...defaultTerms, ...terms },
    admission
  })
  server = createServer({ noDelay: true, pauseOnConnect: true })
  mqtt.serve(server)
  port = await listening(server)
}

const stop = async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  const closed = new Promise((resolve) => server.close(resolve))
  await closed
}

const open = async (version: 4 | 5 = 4) => {
  const client = await RawClient.open(port, version)
  clients.push(client)
  return client
}

const connected = async (clientId: string, version: 4 | 5 = 4, more: object = {}) => {
  const client = await RawClient.connected(port, clientId, version, more)
  clients.push(client)
  return client
}

const helloOf = (id: string, link = 1) =>
  encodeUp({
    type: "hello",
    seq: 0,
    min: 1,
    max: 1,
    id,
    boot: 5,
    link,
    up: 1_000,
    profile: "press",
    firmware: "1.0.0",
    caps: 0,
    rx: 65_536
  })

const up = (
  client: RawClient,
  id: string,
  bytes: Uint8Array,
  messageId: number,
  version: 4 | 5 = 4,
  more: object = {}
) =>
  client.send(
    {
      cmd: "publish",
      topic: `holon/1/b/${id}/up`,
      payload: Buffer.from(bytes),
      qos: messageId > 0 ? 1 : 0,
      dup: false,
      retain: false,
      ...(messageId > 0 ? { messageId } : {}),
      ...more
    },
    version
  )

const report = (seq: number): UpFrame => ({ type: "report", seq, state: { n: seq } })

const frameOf = (payload: string | Buffer): DownFrame => {
  const bytes = Buffer.from(payload)
  return Result.getOrThrow(decodeDown(bytes, bytes.length))
}

/** A board with a welcome. */
const attached = async (id: string, version: 4 | 5 = 4, more: object = {}) => {
  const client = await connected(id, version, more)
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `holon/1/b/${id}/dn`, qos: 1 }] }, version)
  await client.next("suback")
  up(client, id, helloOf(id), 1, version)
  await client.next("puback")
  const welcome = frameOf((await client.next("publish")).payload)
  assert.strictEqual(welcome.type, "welcome")
  return client
}

beforeEach(() => start())
afterEach(async () => {
  await stop()
  assert.deepStrictEqual(node.failures, [])
})

describe.each([4, 5] as const)("MQTT version %i", (version) => {
  it("attaches a board of the mqtt library and carries frames both ways", async () => {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: "press-1",
      protocolVersion: version,
      reconnectPeriod: 0
    })
    const frames: Array<DownFrame> = []
    const arrived = new Promise<void>((resolve) => {
      client.on("message", (_, payload) => {
        frames.push(frameOf(payload))
        if (frames.length === 2) resolve()
      })
    })
    await client.subscribeAsync("holon/1/b/press-1/dn", { qos: 1 })
    await client.publishAsync("holon/1/b/press-1/up", Buffer.from(helloOf("press-1")), { qos: 1 })
    await client.publishAsync("holon/1/b/press-1/up", Buffer.from(encodeUp(report(1))), { qos: 1 })
    assert.deepInclude(node.cellOf("press-1").frames[0], report(1))
    node.down("press-1", { type: "desired", version: 3, state: { led: "on" } })
    await arrived
    assert.deepStrictEqual(
      frames.map(({ type }) => type),
      ["welcome", "desired"]
    )
    await client.endAsync()
    await node.until(() => node.losses.length === 1)
    assert.strictEqual(node.losses[0]?.reason, 0)
  })

  it("acknowledges a publication after its commit, not before, and in the order of receipt", async () => {
    const client = await attached("press-1", version)
    node.isHolding = true
    for (const seq of [1, 2, 3]) up(client, "press-1", encodeUp(report(seq)), 10 + seq, version)
    await node.until(() => node.held.length === 3)
    client.send({ cmd: "pingreq" }, version)
    await client.next("pingresp")
    assert.isEmpty(client.packets)
    node.held.reverse()
    node.commit(2)
    client.send({ cmd: "pingreq" }, version)
    await client.next("pingresp")
    assert.isEmpty(client.packets)
    node.commit()
    const ids: Array<number | undefined> = []
    for (let count = 0; count < 3; count++) ids.push((await client.next("puback")).messageId)
    assert.deepStrictEqual(ids, [11, 12, 13])
  })

  it("does not hold up one board while another's commit takes long", async () => {
    const slow = await attached("press-1", version)
    const quick = await attached("press-2", version)
    node.isHolding = true
    up(slow, "press-1", encodeUp(report(1)), 2, version)
    await node.until(() => node.held.length === 1)
    node.isHolding = false
    up(quick, "press-2", encodeUp(report(1)), 2, version)
    await quick.next("puback")
    assert.isEmpty(slow.packets)
    node.commit()
  })

  it("takes a frame at QoS 0, which nobody acknowledges", async () => {
    const client = await attached("press-1", version)
    up(client, "press-1", encodeUp({ type: "heartbeat", seq: 0, up: 5, epoch: 1 }), 0, version)
    const answer = frameOf((await client.next("publish")).payload)
    assert.deepInclude(answer, { type: "heartbeat", up: 5 })
  })

  it("takes the will for the goodbye of a board whose connection broke", async () => {
    const goodbye = encodeUp({ type: "goodbye", seq: 0, reason: 4, boot: 5, link: 1 })
    const will = { topic: "holon/1/b/press-1/up", payload: Buffer.from(goodbye), qos: 1, retain: false }
    const client = await attached("press-1", version, { will })
    client.socket.destroy()
    await node.until(() => node.losses.length === 1)
    assert.strictEqual(node.losses[0]?.reason, 4)
    assert.strictEqual(node.presence.get("press-1")?.reason, "link-lost")
  })

  it("reads a frame over the limit without keeping it, and says so", async () => {
    await stop()
    await start(openTokens, { frameBytesMax: 1_024 })
    const client = await attached("press-1", version)
    const frame = encodeUp({ type: "report", seq: 1, state: { text: "x".repeat(9_000) } })
    up(client, "press-1", frame, 2, version)
    if (version === 5) {
      // Version 5 was told the limit: larger is a fault of the protocol.
      assert.strictEqual((await client.next("disconnect")).reasonCode, 0x95)
      return client.closed()
    }
    const error = frameOf((await client.next("publish")).payload)
    assert.deepInclude(error, { type: "error", code: 90, refusedSeq: 1 })
    assert.strictEqual((await client.next("puback")).messageId, 2)
    // Its number is consumed all the same, or the numbers after it would wait for ever.
    assert.deepInclude(node.cellOf("press-1").frames[0], { type: "event", seq: 1, name: "link.refused" })
  })

  it("never takes QoS 2", async () => {
    const client = await attached("press-1", version)
    up(client, "press-1", encodeUp(report(1)), 3, version, { qos: 2 })
    if (version === 5) assert.strictEqual((await client.next("disconnect")).reasonCode, 0x9b)
    await client.closed()
    assert.isEmpty(node.cellOf("press-1").frames)
  })

  it("ends an older connection with the same id in favour of the newer", async () => {
    const older = await attached("press-1", version)
    const newer = await attached("press-1", version)
    if (version === 5) assert.strictEqual((await older.next("disconnect")).reasonCode, 0x8e)
    await older.closed()
    up(newer, "press-1", encodeUp(report(1)), 2, version)
    await newer.next("puback")
  })

  it("ends a client that is silent for one and a half keep alives", async () => {
    const client = await connected("reader_1", version, { keepalive: 1 })
    if (version === 5) assert.strictEqual((await client.next("disconnect")).reasonCode, 0x8d)
    await client.closed()
  })

  it("refuses topics of others, and disconnects on the third try", async () => {
    await stop()
    await start({ boards: new Map([["press-1", "secret"]]), operators: new Map(), isOpenOnLoopback: false })
    const login = { username: "press-1", password: Buffer.from("secret") }
    const client = await connected("press-1", version, login)
    const foreign = ["holon/1/b/press-2/dn", "holon/1/b/press-2/presence"]
    client.send({ cmd: "subscribe", messageId: 1, subscriptions: foreign.map((topic) => ({ topic, qos: 1 })) }, version)
    assert.deepStrictEqual((await client.next("suback")).granted, version === 5 ? [0x87, 0x87] : [0x80, 0x80])
    up(client, "press-2", helloOf("press-2"), 7, version)
    assert.strictEqual((await client.next("puback")).reasonCode, version === 5 ? 0x87 : undefined)
    await client.closed()
    assert.lengthOf(node.evidence, 3)
    assert.isFalse(node.cells.has("press-2"))
  })

  it("refuses a wrong token, another's id, and a connection that shows nothing", async () => {
    await stop()
    await start({ boards: new Map([["press-1", "secret"]]), operators: new Map(), isOpenOnLoopback: false })
    const answers: Array<number | undefined> = []
    for (const more of [
      { username: "press-1", password: Buffer.from("guess") },
      { username: "press-1", password: Buffer.from("secret"), clientId: "press-2" },
      {}
    ]) {
      const client = await open(version)
      client.send(
        {
          cmd: "connect",
          protocolId: "MQTT",
          protocolVersion: version,
          clean: true,
          keepalive: 0,
          clientId: "press-1",
          ...more
        },
        version
      )
      const { returnCode, reasonCode } = await client.next("connack")
      answers.push(version === 5 ? reasonCode : returnCode)
      await client.closed()
    }
    assert.deepStrictEqual(answers, version === 5 ? [0x86, 0x85, 0x86] : [4, 2, 4])
  })

  it("shows presence, retained, to who may read it", async () => {
    const board = await attached("press-1", version)
    const reader = await connected("reader_1", version)
    reader.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "holon/1/b/+/presence", qos: 1 }] }, version)
    await reader.next("suback")
    const online = await reader.next("publish")
    assert.isTrue(online.retain)
    assert.strictEqual(online.topic, "holon/1/b/press-1/presence")
    assert.deepInclude(JSON.parse(online.payload.toString()), { online: true, reason: "attach" })
    board.socket.destroy()
    const offline = await reader.next("publish")
    assert.isFalse(offline.retain)
    assert.deepInclude(JSON.parse(offline.payload.toString()), { online: false, reason: "link-lost" })
  })

  it("brings what the cluster publishes to operators whose filters select it, once each", async () => {
    const board = await attached("press-1", version)
    const reader = await connected("reader_1", version)
    const subscriptions = [
      { topic: "alarms/#", qos: 0 },
      { topic: "alarms/+/hot", qos: 1, rh: 2 }
    ] as const
    reader.send({ cmd: "subscribe", messageId: 1, subscriptions: [...subscriptions] }, version)
    await reader.next("suback")
    node.publications.received("alarms/hall-1/hot", Buffer.from('{"match":1}'))
    node.publications.received("else/hall-1/hot", Buffer.from("{}"))
    node.publications.received("alarms/hall-1/cold", Buffer.from('{"match":2}'))
    const hot = await reader.next("publish")
    assert.deepInclude(hot, { topic: "alarms/hall-1/hot", qos: 1, retain: false })
    assert.strictEqual(hot.payload.toString(), '{"match":1}')
    const cold = await reader.next("publish")
    assert.deepInclude(cold, { topic: "alarms/hall-1/cold", qos: 0 })
    reader.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["alarms/#", "alarms/+/hot"] }, version)
    await reader.next("unsuback")
    node.publications.received("alarms/hall-1/hot", Buffer.from("{}"))
    node.publications.received("holon/1/b/press-1/dn", Buffer.from("{}"))
    for (const client of [reader, board]) {
      client.send({ cmd: "pingreq" }, version)
      await client.next("pingresp")
      assert.isEmpty(client.packets)
    }
  })

  it("unsubscribes", async () => {
    const client = await attached("press-1", version)
    client.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["holon/1/b/press-1/dn"] }, version)
    assert.strictEqual((await client.next("unsuback")).messageId, 9)
    node.down("press-1", { type: "desired", version: 3, state: {} })
    client.send({ cmd: "pingreq" }, version)
    await client.next("pingresp")
    assert.isEmpty(client.packets)
  })

  it("tells boards to go elsewhere when the node leaves", async () => {
    const client = await attached("press-1", version)
    const drained = new Promise<void>((resolve) => mqtt.drain(resolve))
    const goodbye = frameOf((await client.next("publish")).payload)
    assert.deepInclude(goodbye, { type: "goodbye", reason: 5 })
    client.socket.destroy()
    await drained
    assert.strictEqual(node.losses[0]?.reason, 5)
  })
})

describe("version 5 alone", () => {
  it("is told the limits of the server", async () => {
    const client = await open(5)
    client.send({ cmd: "connect", protocolId: "MQTT", protocolVersion: 5, clean: true, keepalive: 0, clientId: "" }, 5)
    const { properties } = await client.next("connack")
    assert.deepInclude(properties, {
      receiveMaximum: 24,
      maximumQoS: 1,
      maximumPacketSize: 65_792,
      topicAliasMaximum: 4,
      serverKeepAlive: 600
    })
    assert.match(properties?.assignedClientIdentifier ?? "", /^client-/)
  })

  it("may send under a topic alias, and gets one where it takes them", async () => {
    const client = await attached("press-1", 5, { properties: { topicAliasMaximum: 1 } })
    up(client, "press-1", encodeUp(report(1)), 2, 5, { properties: { topicAlias: 3 } })
    await client.next("puback")
    up(client, "press-1", encodeUp(report(2)), 3, 5, { topic: "", properties: { topicAlias: 3 } })
    await client.next("puback")
    assert.lengthOf(node.cellOf("press-1").frames, 2)
    node.down("press-1", { type: "desired", version: 1, state: {} })
    const sent = await client.next("publish")
    assert.strictEqual(sent.topic, "")
    assert.strictEqual(sent.properties?.topicAlias, 1)
  })

  it("is cut off for an alias out of range", async () => {
    const client = await attached("press-1", 5)
    up(client, "press-1", encodeUp(report(1)), 2, 5, { properties: { topicAlias: 5 } })
    assert.strictEqual((await client.next("disconnect")).reasonCode, 0x94)
  })

  it("is cut off when it has more publications under way than it may", async () => {
    const client = await attached("press-1", 5)
    node.isHolding = true
    for (let seq = 1; seq <= 25; seq++) up(client, "press-1", encodeUp(report(seq)), seq, 5)
    assert.strictEqual((await client.next("disconnect")).reasonCode, 0x93)
  })

  it("gets no more publications than it takes, and the rest as it acknowledges", async () => {
    const client = await attached("press-1", 5, { properties: { receiveMaximum: 2 } })
    // The welcome is not acknowledged yet.
    for (const version of [1, 2, 3]) node.down("press-1", { type: "desired", version, state: {} })
    const first = await client.next("publish")
    client.send({ cmd: "pingreq" }, 5)
    await client.next("pingresp")
    assert.isEmpty(client.packets)
    client.send({ cmd: "puback", messageId: first.messageId ?? 0, reasonCode: 0 }, 5)
    const second = await client.next("publish")
    assert.deepInclude(frameOf(second.payload), { version: 2 })
  })

  it("gets no frame larger than the packets it takes", async () => {
    const client = await attached("press-1", 5, { properties: { maximumPacketSize: 200 } })
    node.down("press-1", { type: "desired", version: 1, state: { text: "x".repeat(300) } })
    node.down("press-1", { type: "desired", version: 2, state: {} })
    assert.deepInclude(frameOf((await client.next("publish")).payload), { version: 2 })
  })

  it("gets a command with the life it has left, in seconds rounded up", async () => {
    const client = await attached("press-1", 5)
    node.down("press-1", { type: "invoke", id: "018f3a6e-4c00-7abc-8def-0123456789ab", name: "blink", ttl: 2_500 })
    const { properties } = await client.next("publish")
    assert.deepInclude(properties, { messageExpiryInterval: 3, contentType: "application/holon+cbor" })
  })

  it("is refused enhanced authentication, subscription identifiers and shared subscriptions", async () => {
    const client = await open(5)
    client.send(
      {
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 5,
        clean: true,
        keepalive: 0,
        clientId: "press-1",
        properties: { authenticationMethod: "SCRAM" }
      },
      5
    )
    assert.strictEqual((await client.next("connack")).reasonCode, 0x8c)
    const reader = await connected("reader_1", 5)
    reader.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "$share/a/b", qos: 1 }] }, 5)
    assert.deepStrictEqual((await reader.next("suback")).granted, [0x9e])
    reader.send(
      {
        cmd: "subscribe",
        messageId: 2,
        subscriptions: [{ topic: "a", qos: 1 }],
        properties: { subscriptionIdentifier: 4 }
      },
      5
    )
    assert.strictEqual((await reader.next("disconnect")).reasonCode, 0xa1)
  })
})

describe("violations", () => {
  /** Sends bytes as the first thing on a connection and waits for its end. */
  const ends = async (...bytes: ReadonlyArray<number>) => {
    const client = await open()
    client.write(...bytes)
    await client.closed()
    return client.packets
  }

  it("ends a connection whose first packet is no CONNECT", async () => {
    assert.isEmpty(await ends(0xc0, 0))
    assert.isEmpty(await ends(0x16, 3, 1, 0))
  })

  it("answers an unknown version with the code of its time", async () => {
    assert.deepInclude((await ends(0x10, 13, 0, 4, 77, 81, 84, 84, 9, 2, 0, 60, 0, 0, 0))[0], { cmd: "connack" })
    assert.deepInclude((await ends(0x10, 13, 0, 6, 77, 81, 73, 115, 100, 112, 3, 2, 0, 60, 0))[0], { returnCode: 1 })
  })

  it("ends a connection with reserved flags, an endless length, or a CONNECT larger than any", async () => {
    await ends(0x11, 12, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0)
    await ends(0x10, 0xff, 0xff, 0xff, 0xff, 1)
    await ends(0x10, 0xff, 0xff, 0x7f)
    await ends(0x10, 12, 0, 4, 77, 81, 84, 84, 4, 3, 0, 60, 0, 0)
  })

  it("ends a connection that connects twice, publishes with id 0, or sends a server's packet", async () => {
    for (const bytes of [
      [0x10, 12, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0],
      [0x32, 7, 0, 1, 97, 0, 0, 1, 2],
      [0x36, 7, 0, 1, 97, 0, 1, 1, 2],
      [0x20, 2, 0, 0],
      [0x82, 2, 0, 1],
      [0x80, 6, 0, 1, 0, 1, 97, 1]
    ]) {
      const client = await connected("reader_1")
      client.write(...bytes)
      await client.closed()
    }
  })

  it("refuses an id that is taken over more than five times in a minute, and says who", async () => {
    for (let count = 0; count < 6; count++) await connected("press-1")
    const client = await open()
    client.send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      clientId: "press-1"
    })
    assert.strictEqual((await client.next("connack")).returnCode, 3)
    assert.deepStrictEqual(node.evidence, [{ type: "link.duplicate", id: "press-1" }])
  })

  it("ends a connection that publishes a retained frame", async () => {
    const client = await attached("press-1")
    up(client, "press-1", encodeUp(report(1)), 2, 4, { retain: true })
    await client.closed()
    assert.isEmpty(node.cellOf("press-1").frames)
  })

  it("cuts off a client that never reads, and keeps no more than a bound for it", async () => {
    const client = await attached("press-1")
    client.socket.pause()
    await node.flood("press-1")
    assert.strictEqual(mqtt.counters.totals.connections, 0)
  })

  it("reads no further from a board that is far ahead of its window, loses nothing, and serves others meanwhile", async () => {
    const flood = await attached("press-1")
    const quiet = await attached("press-2")
    node.isHolding = true
    const count = 2_000
    const text = "x".repeat(1_000)
    for (let seq = 1; seq <= count; seq++) up(flood, "press-1", encodeUp({ type: "report", seq, state: { text } }), seq)
    await node.until(() => node.held.length === defaultTerms.window)
    up(quiet, "press-2", encodeUp(report(1)), 9)
    await node.until(() => node.cellOf("press-2").frames.length === 1)
    // What the system keeps for the socket is not read: the board's frames here are its window, and a chunk at most.
    assert.lengthOf(node.cellOf("press-1").frames, defaultTerms.window)
    assert.isBelow(mqtt.counters.totals.framesIn, 200)
    assert.isAbove(mqtt.counters.totals.paused, 0)
    node.isHolding = false
    node.commit()
    await quiet.next("puback")
    for (let seq = 1; seq <= count; seq++) assert.strictEqual((await flood.next("puback")).messageId, seq)
    assert.lengthOf(node.cellOf("press-1").frames, count)
  })

  it("reads packets that come byte by byte, and many that come at once", async () => {
    const client = await attached("press-1")
    const { generate } = await import("mqtt-packet")
    const packets = [1, 2, 3].map((seq) =>
      generate({
        cmd: "publish",
        topic: "holon/1/b/press-1/up",
        payload: Buffer.from(encodeUp(report(seq))),
        qos: 1,
        messageId: seq,
        dup: false,
        retain: false
      })
    )
    for (const byte of packets[0] ?? []) client.write(byte)
    client.socket.write(Buffer.concat(packets.slice(1)))
    for (const seq of [1, 2, 3]) assert.strictEqual((await client.next("puback")).messageId, seq)
  })
})
