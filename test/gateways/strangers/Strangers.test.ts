import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { MqttServer } from "../../../src/gateways/mqtt/MqttServer.ts"
import { WebSocketServer } from "../../../src/gateways/websocket/WebSocketServer.ts"
import { listening } from "../../support/Ports.ts"
import { FakeNode } from "../FakeNode.ts"
import { overMqtt, overWebSocket, type Stay, Stranger } from "./Stranger.ts"

const node = new FakeNode()
const options = { ports: node.ports, credentials: node.credentials() }
const mqtt = createServer({ noDelay: true, pauseOnConnect: true })
new MqttServer(options).serve(mqtt)
const http = createHttpServer().on("upgrade", new WebSocketServer(options).handleUpgrade)

let urls: { readonly mqtt: string; readonly webSocket: string }
beforeAll(async () => {
  urls = {
    mqtt: `mqtt://127.0.0.1:${await listening(mqtt)}`,
    webSocket: `ws://127.0.0.1:${await listening(http)}/attach`
  }
})
afterAll(async () => {
  await Promise.all([mqtt, http].map((server) => new Promise((resolve) => server.close(resolve))))
})

const command = "018f3a6e-4c00-7abc-8def-0123456789ab"

describe.each(["mqtt", "webSocket"] as const)("a board written from the reference page, over %s", (transport) => {
  const attach = (board: Stranger): Promise<Stay> =>
    transport === "mqtt" ? overMqtt(urls.mqtt, board) : overWebSocket(urls.webSocket, board)

  it("attaches, reports, and is acknowledged in order", async () => {
    const id = `stranger-${transport.toLowerCase()}`
    const { acknowledged, frames } = await attach(new Stranger(id, 12))
    assert.deepStrictEqual(
      acknowledged,
      Array.from({ length: 12 }, (_, index) => index + 1)
    )
    assert.strictEqual(frames[0]?.type, 2)
    const [first] = node.cellOf(id).frames
    assert.deepInclude(first, { type: "report", seq: 1, at: 1_600, state: { count: 0, half: 0.5 } })
    await node.until(() => node.losses.some((loss) => loss.id === id && loss.reason === 0))
  })

  it("does what is desired and invoked, and answers", async () => {
    const id = `worker-${transport.toLowerCase()}`
    const asked = (stay: Stay) => stay.frames.filter(({ type }) => type === 9 || type === 11).length === 2
    const stay = attach(new Stranger(id, 1, asked))
    await node.until(() => node.cellOf(id).frames.length === 1)
    node.down(
      id,
      { type: "desired", version: 4, state: { led: "on", fan: { rpm: 1_200 } } },
      { type: "invoke", id: command, name: "blink", args: { times: 3 }, ttl: 30_000 }
    )
    await stay
    const answers = node.cellOf(id).frames.slice(1)
    assert.deepInclude(answers[0], { type: "desired-ack", version: 4 })
    assert.deepInclude(answers[1], { type: "report", state: { led: "on", fan: { rpm: 1_200 } } })
    assert.deepInclude(answers[2], { type: "result", id: command, code: 0, value: "done" })
  })
})
