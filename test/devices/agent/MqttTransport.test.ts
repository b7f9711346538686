import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Aedes, type Client, type PublishPacket } from "aedes"
import { mqttTransport } from "../../../devices/agent/MqttTransport.ts"
import { ConnectionLog } from "./ConnectionLog.ts"
import { PacketServer } from "./PacketServer.ts"

const opening = { id: "press-1", will: Uint8Array.of(0x83, 6) }
const up = "holon/1/b/press-1/up"
const down = "holon/1/b/press-1/dn"

describe.each([4, 5] as const)("mqttTransport, protocol %i", (version) => {
  let server: PacketServer
  beforeEach(async () => {
    server = await PacketServer.start(version)
  })
  afterEach(() => server.stop())

  const connect = (token?: string) => {
    const log = new ConnectionLog()
    const transport = mqttTransport({
      url: server.url,
      rx: 65_536,
      receiveMax: 8,
      version,
      ...(token === undefined ? {} : { token })
    })
    return { log, connection: transport.open(opening, log) }
  }

  it("connects with its id, token, will and a clean session, and is open once its subscription is granted", async () => {
    const { log, connection } = connect("secret")
    const peer = await server.connection(0)
    await peer.admit()
    await log.until("opened")
    const packet = await peer.packet("connect")
    assert.strictEqual(packet.protocolVersion, version)
    assert.strictEqual(packet.clientId, "press-1")
    assert.strictEqual(packet.username, "press-1")
    assert.strictEqual(packet.password?.toString(), "secret")
    assert.strictEqual(packet.keepalive, 60)
    assert.isTrue(packet.clean)
    assert.strictEqual(packet.will?.topic, up)
    assert.strictEqual(packet.will?.qos, 1)
    assert.isFalse(packet.will?.retain)
    assert.deepStrictEqual(Buffer.from(packet.will?.payload ?? "").toString("hex"), "8306")
    if (version === 5) {
      assert.strictEqual(packet.properties?.sessionExpiryInterval, 0)
      assert.strictEqual(packet.properties?.receiveMaximum, 8)
      assert.strictEqual(packet.properties?.maximumPacketSize, 65_792)
    }
    const { subscriptions } = await peer.packet("subscribe")
    assert.deepStrictEqual(
      subscriptions.map(({ topic, qos }) => [topic, qos]),
      [[down, 1]]
    )
    connection.close(false)
  })

  it("needs no token on a loopback in development", async () => {
    const { connection } = connect()
    const packet = await (await server.connection(0)).packet("connect")
    assert.isUndefined(packet.username)
    connection.close(false)
  })

  it("sends each frame with its quality of service, and passes its PUBACK on", async () => {
    const { log, connection } = connect()
    const peer = await server.connection(0)
    await peer.admit()
    await log.until("opened")
    connection.send(Uint8Array.of(0x83, 3), { seq: 0, qos: 0 })
    const taken = new Promise<void>((resolve) =>
      connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1, taken: resolve })
    )
    const isSecond = () => peer.packets.filter(({ cmd }) => cmd === "publish").length === 2
    while (!isSecond()) await peer.packet("publish").then(() => new Promise((resolve) => setImmediate(resolve)))
    const [first, second] = peer.packets.filter((packet) => packet.cmd === "publish")
    assert.deepStrictEqual(
      [first?.topic, first?.qos, Buffer.from(first?.payload ?? "").toString("hex")],
      [up, 0, "8303"]
    )
    assert.deepStrictEqual([second?.topic, second?.qos, second?.retain], [up, 1, false])
    if (version === 5) assert.strictEqual(second?.properties?.contentType, "application/holon+cbor")
    assert.deepStrictEqual(log.entries, ["opened"])
    peer.say({ cmd: "puback", messageId: second?.messageId ?? 0, ...(version === 5 ? { reasonCode: 0 } : {}) })
    await taken
    assert.deepStrictEqual(log.entries, ["opened", "acknowledged 7"])
    connection.close(false)
  })

  it("hands on what comes, and acknowledges it", async () => {
    const { log, connection } = connect()
    const peer = await server.connection(0)
    await peer.admit()
    peer.say({
      cmd: "publish",
      topic: down,
      payload: Buffer.of(0x83, 2),
      qos: 1,
      messageId: 11,
      retain: false,
      dup: false
    })
    await log.until("received 8302")
    assert.strictEqual((await peer.packet("puback")).messageId, 11)
    connection.close(false)
  })

  it("takes refused credentials as such, and does not try again by itself", async () => {
    const { log } = connect("wrong")
    const peer = await server.connection(0)
    await peer.packet("connect")
    peer.say({ cmd: "connack", sessionPresent: false, ...(version === 5 ? { reasonCode: 0x86 } : { returnCode: 4 }) })
    await log.until("closed refused")
    await peer.over()
    assert.deepStrictEqual(log.entries, ["closed refused"])
    assert.lengthOf(server.connections, 1)
  })

  it("takes a refused subscription as such", async () => {
    const { log } = connect()
    const peer = await server.connection(0)
    await peer.packet("connect")
    peer.say({ cmd: "connack", sessionPresent: false, ...(version === 5 ? { reasonCode: 0 } : { returnCode: 0 }) })
    const { messageId } = await peer.packet("subscribe")
    peer.say({ cmd: "suback", messageId: messageId ?? 0, granted: [version === 5 ? 0x87 : 0x80] })
    await log.until("closed refused")
  })

  it("ends once, as lost, when the connection breaks or nobody listens", async () => {
    const { log } = connect()
    const peer = await server.connection(0)
    await peer.admit()
    await log.until("opened")
    peer.cut()
    await log.until("closed lost")
    const nobody = new ConnectionLog()
    mqttTransport({ url: "mqtt://127.0.0.1:1", rx: 512, version }).open(opening, nobody)
    await nobody.until("closed lost")
    assert.deepStrictEqual(log.entries, ["opened", "closed lost"])
    assert.deepStrictEqual(nobody.entries, ["closed lost"])
  })

  it("says DISCONNECT when it goes in order, and only then", async () => {
    for (const orderly of [true, false]) {
      const { log, connection } = connect()
      const peer = await server.connection(orderly ? 0 : 1)
      await peer.admit()
      await log.until("opened")
      connection.close(orderly)
      await peer.over()
      assert.strictEqual(
        peer.packets.some(({ cmd }) => cmd === "disconnect"),
        orderly
      )
      assert.deepStrictEqual(log.entries, ["opened"])
    }
  })

  it("acknowledges nothing after its agent has closed it", async () => {
    const { log, connection } = connect()
    const peer = await server.connection(0)
    await peer.admit()
    await log.until("opened")
    connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1 })
    connection.close(false)
    await peer.over()
    assert.deepStrictEqual(log.entries, ["opened"])
  })
})

describe("mqttTransport, protocol 5 alone", () => {
  let server: PacketServer
  beforeEach(async () => {
    server = await PacketServer.start(5)
  })
  afterEach(() => server.stop())

  const opened = async (index: number) => {
    const log = new ConnectionLog()
    const connection = mqttTransport({ url: server.url, rx: 65_536 }).open(opening, log)
    const peer = await server.connection(index)
    await peer.admit()
    await log.until("opened")
    return { log, connection, peer }
  }

  it("says why the server disconnects, and where to go", async () => {
    const taken = await opened(0)
    taken.peer.say({ cmd: "disconnect", reasonCode: 0x8e })
    await taken.log.until("closed superseded")
    const moved = await opened(1)
    moved.peer.say({ cmd: "disconnect", reasonCode: 0x9c, properties: { serverReference: "mqtt://n2.example" } })
    await moved.log.until("closed draining mqtt://n2.example")
  })

  it("takes a refusal of a publication for good as its acknowledgement, and a quota as a reason to come back", async () => {
    const publish = async (index: number, reasonCode: number) => {
      const { log, connection, peer } = await opened(index)
      connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1 })
      const { messageId } = await peer.packet("publish")
      peer.say({ cmd: "puback", messageId: messageId ?? 0, reasonCode })
      return { log, connection }
    }
    const malformed = await publish(0, 0x99)
    await malformed.log.until("acknowledged 7")
    malformed.connection.close(false)
    const unheard = await publish(1, 0x10)
    await unheard.log.until("acknowledged 7")
    unheard.connection.close(false)
    const quota = await publish(2, 0x97)
    await quota.log.until("closed lost")
    assert.notInclude(quota.log.entries, "acknowledged 7")
  })
})

describe("mqttTransport and a broker of others", () => {
  it("carries frames both ways, and its will speaks when the connection breaks", async () => {
    const broker = await Aedes.createBroker()
    const net = createServer((socket: Socket) => broker.handle(socket))
    net.listen(0, "127.0.0.1")
    await once(net, "listening")
    const { port } = net.address() as AddressInfo
    const published: Array<string> = []
    const willSpoke = new Promise<void>((resolve) =>
      broker.on("publish", ({ topic, payload }: PublishPacket) => {
        if (topic !== up) return
        published.push(Buffer.from(payload).toString("hex"))
        if (published.at(-1) === "8306") resolve()
      })
    )
    const clients: Array<Client> = []
    broker.on("client", (client) => clients.push(client))
    const log = new ConnectionLog()
    const connection = mqttTransport({ url: `mqtt://127.0.0.1:${port}`, rx: 1024, version: 4 }).open(opening, log)
    await log.until("opened")
    broker.publish(
      { cmd: "publish", topic: down, payload: Buffer.of(0x83, 2), qos: 1, retain: false, dup: false },
      () => {}
    )
    await log.until("received 8302")
    connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1 })
    await log.until("acknowledged 7")
    connection.close(false)
    await willSpoke
    assert.deepStrictEqual(published, ["8308", "8306"])
    await new Promise<void>((resolve) => broker.close(() => resolve()))
    net.close()
    await once(net, "close")
  })
})
