import type { Server } from "node:http"
import { type AddressInfo, connect as connectTcp } from "node:net"
import { connect as connectTls } from "node:tls"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { connectAsync } from "mqtt"
import { WebSocket } from "ws"
import { serverOf } from "../../src/gateways/http/HttpGateway.ts"
import { Attacher } from "../../src/gateways/link/Attacher.ts"
import { Credentials, type Tokens } from "../../src/gateways/link/Credentials.ts"
import * as MqttGateway from "../../src/gateways/mqtt/MqttGateway.ts"
import { type ListenerTls, serverOptions, tlsServerOf } from "../../src/gateways/Tls.ts"
import { WebSocketServer } from "../../src/gateways/websocket/WebSocketServer.ts"
import { authority, boardKey, ofNobody, ofPress1, ofTwoBoards } from "../support/BoardCertificates.ts"
import { certificate, key } from "../support/TestCertificate.ts"
import { FakeNode } from "./FakeNode.ts"

const own: ListenerTls = { cert: certificate, key }
const mutual: ListenerTls = { ...own, ca: authority }
const tokens: Tokens = {
  boards: new Map([
    ["press-1", "one"],
    ["press-2", "two"]
  ]),
  operators: new Map(),
  isOpenOnLoopback: false
}

const servers: Array<{ readonly close: () => unknown }> = []
const listen = async (server: Server | ReturnType<typeof tlsServerOf>): Promise<number> => {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  assert.isObject(address)
  return (address as AddressInfo).port
}
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

describe("a certificate", () => {
  const mqtt = MqttGateway.layer({ host: "127.0.0.1", port: 0, tls: mutual }).pipe(
    Layer.provide(
      Layer.suspend(() => {
        const node = new FakeNode()
        return Layer.mergeAll(Layer.succeed(Attacher, node.ports), Layer.succeed(Credentials, node.credentials(tokens)))
      })
    )
  )
  const enter = (port: number, options: object) =>
    Effect.promise(() =>
      connectAsync(`mqtts://127.0.0.1:${port}`, { ca: certificate, reconnectPeriod: 0, ...options }).then(
        (client) => client.endAsync(true).then(() => "in"),
        (cause: unknown) =>
          typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : String(cause)
      )
    )

  it.live("lets in the board it names over MQTT, and no other", () =>
    Effect.gen(function* () {
      const { port } = yield* MqttGateway.MqttGateway
      const press1 = { cert: ofPress1, key: boardKey }
      assert.strictEqual(yield* enter(port, { ...press1, clientId: "press-1" }), "in")
      assert.strictEqual(
        yield* enter(port, { ...press1, clientId: "press-1", username: "press-1", password: "one" }),
        "in"
      )
      // 3.1.1: 2 is an id that is refused, 4 are bad credentials.
      assert.strictEqual(yield* enter(port, { ...press1, clientId: "press-2" }), "2")
      const other = { clientId: "press-2", username: "press-2", password: "two" }
      assert.strictEqual(yield* enter(port, { ...press1, ...other }), "4")
      assert.strictEqual(yield* enter(port, { cert: ofTwoBoards, key: boardKey, clientId: "press-1" }), "4")
      assert.strictEqual(yield* enter(port, { cert: ofNobody, key: boardKey, clientId: "press-1" }), "4")
      assert.strictEqual(yield* enter(port, { cert: ofNobody, key: boardKey, ...other }), "in")
      assert.match(yield* enter(port, other), /CERTIFICATE_REQUIRED|ECONNRESET/)
    }).pipe(Effect.provide(mqtt))
  )

  it("is a board's credential at /attach, too", async () => {
    const node = new FakeNode()
    const boards = new WebSocketServer({ ports: node.ports, credentials: node.credentials(tokens) })
    const port = await listen(serverOf(mutual).on("upgrade", boards.handleUpgrade))
    const statusWith = (cert: string, headers = {}) =>
      new Promise<number>((resolve, reject) => {
        const options = { ca: certificate, cert, key: boardKey, headers }
        const socket = new WebSocket(`wss://127.0.0.1:${port}/attach`, ["holon.1"], options)
        socket.once("open", () => {
          socket.terminate()
          resolve(101)
        })
        socket.once("unexpected-response", (request, { statusCode = 0 }) => {
          request.destroy()
          resolve(statusCode)
        })
        socket.once("error", reject)
      })
    assert.strictEqual(await statusWith(ofPress1), 101)
    assert.strictEqual(await statusWith(ofPress1, { authorization: "Bearer one" }), 101)
    assert.strictEqual(await statusWith(ofPress1, { authorization: "Bearer two" }), 401)
    assert.strictEqual(await statusWith(ofNobody), 401)
  })
})

describe("a door", () => {
  it("speaks no TLS below 1.3", async () => {
    const port = await listen(tlsServerOf(serverOptions(own)))
    const spoken = (maxVersion: "TLSv1.2" | "TLSv1.3") =>
      new Promise<string | null>((resolve) => {
        const socket = connectTls({ port, host: "127.0.0.1", ca: certificate, maxVersion }, () => {
          resolve(socket.getProtocol())
          socket.destroy()
        })
        socket.once("error", () => resolve("refused"))
      })
    assert.strictEqual(await spoken("TLSv1.3"), "TLSv1.3")
    assert.strictEqual(await spoken("TLSv1.2"), "refused")
  })

  /** Resolves when the other side ends the connection; until then the client sends `text` again and again. */
  const ended = (port: number, first: string, text: string) =>
    new Promise<void>((resolve) => {
      const socket = connectTcp(port, "127.0.0.1", () => {
        socket.write(first)
        const trickle = setInterval(() => socket.write(text), 20)
        socket.once("close", () => {
          clearInterval(trickle)
          resolve()
        })
      })
      socket.on("error", () => {})
      socket.resume()
    })

  it("waits for no client that never finishes its handshake", async () => {
    const port = await listen(tlsServerOf(serverOptions(own, 100)))
    await ended(port, "", "")
  })

  it("waits for no client that sends its request a byte at a time", async () => {
    const times = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 }
    const server = serverOf(undefined, times).on("request", (request) => request.resume())
    const port = await listen(server)
    await ended(port, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a")
    await ended(port, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "a")
  })

  it("bears such clients for ten seconds, and for minutes once it knows what they want", () => {
    const { headersTimeout, requestTimeout } = serverOf(undefined)
    assert.deepStrictEqual([headersTimeout, requestTimeout], [10_000, 300_000])
    assert.strictEqual(serverOptions(own).handshakeTimeout, 10_000)
  })
})
