import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { type WebSocket, WebSocketServer } from "ws"
import { webSocketTransport } from "../../../devices/agent/WebSocketTransport.ts"
import { ConnectionLog } from "./ConnectionLog.ts"

const opening = { id: "press-1", will: Uint8Array.of(1) }

/** A server that takes every board and keeps what it got. */
const serve = async (accept = true) => {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => "holon.1" })
  const requests: Array<IncomingMessage> = []
  const messages: Array<string> = []
  http.on("upgrade", (request, socket, head) => {
    requests.push(request)
    if (!accept) return socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n")
    server.handleUpgrade(request, socket, head, (client) => server.emit("connection", client, request))
  })
  server.on("connection", (client: WebSocket) => {
    client.on("message", (data: Buffer, isBinary) =>
      messages.push(`${isBinary ? "binary" : "text"} ${data.toString("hex")}`)
    )
  })
  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  const { port } = http.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}/attach`,
    port,
    requests,
    messages,
    server,
    client: async (): Promise<WebSocket> => {
      for (const client of server.clients) return client
      const [client] = (await once(server, "connection")) as [WebSocket]
      return client
    },
    stop: async () => {
      for (const client of server.clients) client.terminate()
      server.close()
      http.closeAllConnections()
      http.close()
      await once(http, "close")
    }
  }
}

let server: Awaited<ReturnType<typeof serve>>
beforeEach(async () => {
  server = await serve()
})
afterEach(() => server.stop())

const connect = (url: string, token?: string) => {
  const log = new ConnectionLog()
  const transport = webSocketTransport({ url, rx: 1024, ...(token === undefined ? {} : { token }) })
  return { log, connection: transport.open(opening, log) }
}

describe("webSocketTransport", () => {
  it("attaches with its subprotocol and token, and without compression", async () => {
    const { log, connection } = connect(server.url, "secret")
    await log.until("opened")
    const [request] = server.requests
    assert.strictEqual(request?.url, "/attach")
    assert.strictEqual(request?.headers.authorization, "Bearer secret")
    assert.strictEqual(request?.headers["sec-websocket-protocol"], "holon.1")
    assert.isUndefined(request?.headers["sec-websocket-extensions"])
    connection.close(true)
  })

  it("stays at its own address when it is sent to one that is none", async () => {
    const log = new ConnectionLog()
    const connection = webSocketTransport({ url: server.url, rx: 1024 }).open({ ...opening, server: "not a url" }, log)
    await log.until("opened")
    connection.close(true)
  })

  it("carries one frame in one binary message, both ways", async () => {
    const { log, connection } = connect(server.url)
    const client = await server.client()
    await log.until("opened")
    const taken = new Promise<void>((resolve) =>
      connection.send(Uint8Array.of(0x83, 1), { seq: 1, qos: 1, taken: resolve })
    )
    await once(client, "message")
    await taken
    assert.deepStrictEqual(server.messages, ["binary 8301"])
    client.send("text is no frame")
    client.send(Uint8Array.of(0x83, 2))
    await log.until("received 8302")
    assert.deepStrictEqual(log.entries, ["opened", "received 8302"])
    connection.close(true)
  })

  it("says why the server closed", async () => {
    for (const [code, cause] of [
      [1001, "draining"],
      [1008, "refused"],
      [4001, "superseded"],
      [1011, "lost"]
    ] as const) {
      const { log } = connect(server.url)
      const [client] = (await once(server.server, "connection")) as [WebSocket]
      client.close(code)
      await log.until(`closed ${cause}`)
    }
  })

  it("ends once, as lost, when nobody listens or the socket breaks", async () => {
    const { log } = connect(server.url)
    const client = await server.client()
    await log.until("opened")
    client.terminate()
    await log.until("closed lost")
    const nobody = connect("ws://127.0.0.1:1/attach")
    await nobody.log.until("closed lost")
    assert.deepStrictEqual(nobody.log.entries, ["closed lost"])
    assert.deepStrictEqual(log.entries, ["opened", "closed lost"])
  })

  it("takes a refused credential as such", async () => {
    const strict = await serve(false)
    const { log } = connect(strict.url, "wrong")
    await log.until("closed refused")
    await strict.stop()
  })

  it("ends when a frame is larger than the board can receive", async () => {
    const { log } = connect(server.url)
    const client = await server.client()
    await log.until("opened")
    client.send(new Uint8Array(1025))
    await log.until("closed lost")
    assert.deepStrictEqual(log.entries, ["opened", "closed lost"])
  })

  it("says nothing after its agent has closed it", async () => {
    const { log, connection } = connect(server.url)
    const client = await server.client()
    await log.until("opened")
    const closed = once(client, "close")
    client.send(Uint8Array.of(1))
    connection.close(true)
    await closed
    assert.deepStrictEqual(log.entries, ["opened"])
  })

  it("goes where a goodbye has sent it", async () => {
    const other = await serve()
    const log = new ConnectionLog()
    const connection = webSocketTransport({ url: server.url, rx: 1024 }).open({ ...opening, server: other.url }, log)
    await log.until("opened")
    assert.lengthOf(other.requests, 1)
    assert.lengthOf(server.requests, 0)
    connection.close(false)
    await other.stop()
  })
})
