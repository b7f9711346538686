import { createServer, type Server } from "node:http"
import { connect } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import type { Tokens } from "../../../src/gateways/link/Credentials.ts"
import { defaultTerms } from "../../../src/gateways/link/LinkTerms.ts"
import { WebSocketServer } from "../../../src/gateways/websocket/WebSocketServer.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { listening } from "../../support/Ports.ts"
import { FakeNode, openTokens } from "../FakeNode.ts"

let node: FakeNode
let http: Server
let boards: WebSocketServer
let port: number
const clients: Array<WebSocket> = []

const start = async (tokens: Tokens = openTokens) => {
  node = new FakeNode()
  boards = new WebSocketServer({
    ports: node.ports,
    credentials: node.credentials(tokens),
    terms: { ...defaultTerms, frameBytesMax: 1_024 }
  })
  http = createServer().on("upgrade", boards.handleUpgrade)
  port = await listening(http)
}

const stop = async () => {
  for (const client of clients.splice(0)) client.terminate()
  await new Promise((resolve) => http.close(resolve))
}

/** A client that keeps what it gets until it is asked for. */
class Board {
  readonly socket: WebSocket
  readonly frames: Array<DownFrame> = []
  #waiting: Array<() => void> = []
  code = 0

  constructor(protocols: ReadonlyArray<string> = ["holon.1"], options: ClientOptions = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/attach`, [...protocols], options)
    clients.push(this.socket)
    this.socket.on("message", (data) => {
      if (!Buffer.isBuffer(data)) throw new Error("no bytes")
      this.frames.push(Result.getOrThrow(decodeDown(data, data.length)))
      this.#wake()
    })
    this.socket.on("error", () => {})
    this.socket.on("close", (code) => {
      this.code = code
      this.#wake()
    })
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => this.socket.once("open", resolve).once("error", reject))
  }

  send(frame: UpFrame): void {
    this.socket.send(encodeUp(frame))
  }

  async next(): Promise<DownFrame> {
    for (;;) {
      const frame = this.frames.shift()
      if (frame !== undefined) return frame
      if (this.code !== 0) throw new Error(`closed with ${this.code}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async closed(): Promise<number> {
    while (this.code === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.code
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const hello = (id: string, link = 1, version = 1): UpFrame => ({
  type: "hello",
  seq: 0,
  min: version,
  max: version,
  id,
  boot: 5,
  link,
  up: 1_000,
  profile: "press",
  firmware: "1.0.0",
  caps: 0,
  rx: 65_536
})

const report = (seq: number, text = ""): UpFrame => ({ type: "report", seq, state: { text } })

const attached = async (id: string, link = 1) => {
  const board = new Board()
  await board.opened()
  board.send(hello(id, link))
  assert.strictEqual((await board.next()).type, "welcome")
  return board
}

/** Status of the answer to an upgrade that is refused. */
const refused = (board: Board): Promise<number | undefined> =>
  new Promise((resolve) => board.socket.once("unexpected-response", (_, { statusCode }) => resolve(statusCode)))

beforeEach(() => start())
afterEach(async () => {
  await stop()
  assert.deepStrictEqual(node.failures, [])
})

describe("a board on a WebSocket", () => {
  it("attaches, and is told by an ack frame what is durable, after the commit", async () => {
    const board = await attached("press-1")
    node.isHolding = true
    for (const seq of [1, 2, 3]) board.send(report(seq))
    await node.until(() => node.held.length === 3)
    board.send({ type: "heartbeat", seq: 0, up: 9, epoch: 1 })
    assert.deepInclude(await board.next(), { type: "heartbeat", up: 9 })
    assert.isEmpty(board.frames)
    node.commit()
    assert.deepInclude(await board.next(), { type: "ack", last: 3, boot: 5 })
  })

  it("gets frames of its cell under the epoch of its welcome", async () => {
    const board = await attached("press-1")
    node.down("press-1", { type: "desired", version: 3, state: { led: "on" } })
    assert.deepInclude(await board.next(), { type: "desired", epoch: 1, version: 3 })
  })

  it("is closed with 4001 when a newer link of it attaches", async () => {
    const older = await attached("press-1")
    await attached("press-1", 2)
    assert.deepInclude(await older.next(), { type: "goodbye", reason: 6 })
    assert.strictEqual(await older.closed(), 4001)
  })

  it("is closed with 1003 for text, 1002 for a foreign version, 1009 beyond the ceiling", async () => {
    const text = await attached("press-1")
    text.socket.send("hello")
    assert.strictEqual(await text.closed(), 1003)
    const foreign = new Board()
    await foreign.opened()
    foreign.send(hello("press-2", 1, 7))
    assert.strictEqual(await foreign.closed(), 1002)
    const large = await attached("press-3")
    large.socket.send(new Uint8Array(262_145))
    assert.strictEqual(await large.closed(), 1009)
  })

  it("is refused a frame over the limit, and goes on", async () => {
    const board = await attached("press-1")
    board.send(report(1, "x".repeat(2_000)))
    assert.deepInclude(await board.next(), { type: "error", code: 90, refusedSeq: 1 })
    assert.deepInclude(await board.next(), { type: "ack", last: 1 })
    board.send(report(2))
    assert.deepInclude(await board.next(), { type: "ack", last: 2 })
  })

  it("is gone for its actor when its connection breaks, and after an orderly end", async () => {
    const broken = await attached("press-1")
    broken.socket.terminate()
    await node.until(() => node.losses.length === 1)
    const orderly = await attached("press-2")
    orderly.socket.close(1000)
    await node.until(() => node.losses.length === 2)
    assert.deepStrictEqual(
      node.losses.map(({ id, reason }) => [id, reason]),
      [
        ["press-1", 4],
        ["press-2", 0]
      ]
    )
  })

  it("is cut off when it never reads", async () => {
    const board = await attached("press-1")
    board.socket.pause()
    await node.flood("press-1")
    assert.strictEqual(boards.counters.totals.connections, 0)
  })

  it("is sent elsewhere when the node leaves, and nobody new is taken", async () => {
    const board = await attached("press-1")
    const drained = new Promise<void>((resolve) => boards.drain(resolve))
    assert.deepInclude(await board.next(), { type: "goodbye", reason: 5 })
    assert.strictEqual(await refused(new Board()), 503)
    board.socket.close()
    await drained
  })
})

describe("an upgrade", () => {
  const tokens: Tokens = {
    boards: new Map([["press-1", "secret"]]),
    operators: new Map([["ann", "key"]]),
    isOpenOnLoopback: false
  }

  it("is refused without the subprotocol of the link", async () => {
    assert.strictEqual(await refused(new Board([])), 400)
    assert.strictEqual(await refused(new Board(["mqtt"])), 400)
  })

  it("is refused without a token, with a wrong one, and for an operator's", async () => {
    await stop()
    await start(tokens)
    assert.strictEqual(await refused(new Board()), 401)
    for (const [authorization, status] of [
      ["Bearer guess", 401],
      ["Basic c2VjcmV0", 401],
      ["Bearer key", 403]
    ] as const)
      assert.strictEqual(await refused(new Board(["holon.1"], { headers: { authorization } })), status)
  })

  it("takes the token from the header or from a second subprotocol, and answers with the first", async () => {
    await stop()
    await start(tokens)
    const program = new Board(["holon.1"], { headers: { authorization: "Bearer secret" } })
    await program.opened()
    const browser = new Board(["holon.1", `holon.token.${Buffer.from("secret").toString("base64url")}`])
    await browser.opened()
    assert.strictEqual(browser.socket.protocol, "holon.1")
    browser.send(hello("press-2"))
    assert.deepInclude(await browser.next(), { type: "error", code: 204, fatal: true })
    assert.strictEqual(await browser.closed(), 1008)
  })

  it("survives bytes that are no WebSocket", async () => {
    const quiet = await attached("press-1")
    const socket = connect(port, "127.0.0.1")
    const ended = new Promise((resolve) => socket.once("close", resolve))
    socket.on("error", () => {})
    socket.write(
      "GET /attach HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: holon.1\r\n\r\n"
    )
    socket.write(Uint8Array.from({ length: 64 }, (_, index) => 255 - index))
    socket.resume()
    await ended
    quiet.send(report(1))
    assert.deepInclude(await quiet.next(), { type: "ack", last: 1 })
  })
})
