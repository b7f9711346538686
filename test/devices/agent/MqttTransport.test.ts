import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from "aedes"
import { type MqttOptions, mqttTransport } from "../../../devices/agent/MqttTransport.ts"
import { ConnectionLog } from "./ConnectionLog.ts"

const opening = { id: "press-1", will: Uint8Array.of(0x83, 6) }
const up = "holon/1/b/press-1/up"
const down = "holon/1/b/press-1/dn"

/** Return code of a CONNACK that refuses user name or password (MQTT 3.1.1, table 3.1). */
const badCredentials = 4

const serve = async () => {
  const broker = await Aedes.createBroker()
  const net = createServer((socket: Socket) => broker.handle(socket))
  const published: Array<{ readonly topic: string; readonly hex: string; readonly qos: number }> = []
  const waiting: Array<() => void> = []
  broker.authenticate = (_client, username, password, done) => {
    if (password === undefined || password === null || (username === "press-1" && password.toString() === "secret")) {
      return done(null, true)
    }
    const refusal: AuthenticateError = Object.assign(new Error("no"), { returnCode: badCredentials })
    done(refusal, null)
  }
  broker.on("publish", ({ topic, payload, qos }: PublishPacket) => {
    if (topic.startsWith("$SYS")) return
    published.push({ topic, hex: Buffer.from(payload).toString("hex"), qos })
    for (const check of waiting.splice(0)) check()
  })
  net.listen(0, "127.0.0.1")
  await once(net, "listening")
  const { port } = net.address() as AddressInfo
  const clients: Array<Client> = []
  broker.on("client", (client) => clients.push(client))
  return {
    broker,
    url: `mqtt://127.0.0.1:${port}`,
    published,
    clients,
    until: async (count: number) => {
      while (published.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    stop: async () => {
      await new Promise<void>((resolve) => broker.close(() => resolve()))
      net.close()
      await once(net, "close")
    }
  }
}

let server: Awaited<ReturnType<typeof serve>>
beforeEach(async () => {
  server = await serve()
})
afterEach(() => server.stop())

const connect = (options: Partial<MqttOptions> = {}) => {
  const log = new ConnectionLog()
  return { log, connection: mqttTransport({ url: server.url, rx: 65_536, ...options }).open(opening, log) }
}

describe.each([4, 5] as const)("mqttTransport, protocol %i", (version) => {
  it("is open once it hears its own topic, and carries frames both ways", async () => {
    const { log, connection } = connect({ version, token: "secret" })
    await log.until("opened")
    server.broker.publish(
      { cmd: "publish", topic: down, payload: Buffer.of(0x83, 2), qos: 1, retain: false, dup: false },
      () => {}
    )
    await log.until("received 8302")
    connection.send(Uint8Array.of(0x83, 1), { seq: 0, qos: 0 })
    connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1 })
    await log.until("acknowledged 7")
    assert.deepStrictEqual(
      server.published.filter(({ topic }) => topic === up),
      [
        { topic: up, hex: "8301", qos: 0 },
        { topic: up, hex: "8308", qos: 1 }
      ]
    )
    assert.deepStrictEqual(log.entries, ["opened", "received 8302", "acknowledged 7"])
    connection.close(true)
  })

  it("uses its id, a clean session and its will, which speaks when the connection breaks", async () => {
    const { log, connection } = connect({ version })
    await log.until("opened")
    const [client] = server.clients
    assert.strictEqual(client?.id, "press-1")
    assert.isTrue(client?.clean)
    connection.close(false)
    await server.until(1)
    assert.deepStrictEqual(server.published, [{ topic: up, hex: "8306", qos: 1 }])
  })

  it("takes its will back when it goes in order", async () => {
    const { log, connection } = connect({ version })
    await log.until("opened")
    const gone = once(server.broker, "clientDisconnect")
    await new Promise<void>((resolve) => connection.send(Uint8Array.of(0x83, 6, 0), { seq: 0, qos: 1, taken: resolve }))
    connection.close(true)
    await gone
    assert.deepStrictEqual(
      server.published.map(({ hex }) => hex),
      ["830600"]
    )
  })

  it("takes refused credentials as such, and does not try again by itself", async () => {
    const { log } = connect({ version, token: "wrong" })
    await log.until("closed refused")
    assert.deepStrictEqual(log.entries, ["closed refused"])
  })

  it("ends once, as lost, when the connection breaks or nobody listens", async () => {
    const { log } = connect({ version })
    await log.until("opened")
    server.clients[0]?.close()
    await log.until("closed lost")
    const nobody = new ConnectionLog()
    mqttTransport({ url: "mqtt://127.0.0.1:1", rx: 512, version }).open(opening, nobody)
    await nobody.until("closed lost")
    assert.deepStrictEqual(log.entries, ["opened", "closed lost"])
    assert.deepStrictEqual(nobody.entries, ["closed lost"])
  })

  it("acknowledges nothing after its agent has closed it", async () => {
    const { log, connection } = connect({ version })
    await log.until("opened")
    const gone = once(server.broker, "clientDisconnect")
    connection.send(Uint8Array.of(0x83, 8), { seq: 7, qos: 1 })
    connection.close(false)
    await gone
    assert.deepStrictEqual(log.entries, ["opened"])
  })
})
