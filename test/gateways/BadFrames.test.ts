/** What is no frame of a board, over a real connection: each is refused by its code, and nobody else notices. */
import { createServer, type Server } from "node:http"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { WebSocket } from "ws"
import { defaultTerms } from "../../src/gateways/link/LinkTerms.ts"
import { WebSocketServer } from "../../src/gateways/websocket/WebSocketServer.ts"
import { codes } from "../../src/protocol/Codes.ts"
import type { DownFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import { listening } from "../support/Ports.ts"
import { FakeNode } from "./FakeNode.ts"

const node = new FakeNode()
const http: Server = createServer()
let port: number

beforeAll(async () => {
  const terms = { ...defaultTerms, frameBytesMax: 1_024 }
  const boards = new WebSocketServer({ ports: node.ports, credentials: node.credentials(), terms })
  port = await listening(http.on("upgrade", boards.handleUpgrade))
})
afterAll(() => {
  http.close()
  assert.deepStrictEqual(node.failures, [])
})

/** A board with its welcome; answers the next frame each time it is asked. */
const attached = async (id: string) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/attach`, ["holon.1"])
  const frames: Array<DownFrame> = []
  let wake = (): void => {}
  socket.on("message", (data) => {
    assert.instanceOf(data, Buffer)
    frames.push(Result.getOrThrow(decodeDown(data, data.length)))
    wake()
  })
  const next = async (): Promise<DownFrame> => {
    for (;;) {
      const frame = frames.shift()
      if (frame !== undefined) return frame
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  await new Promise((resolve) => socket.once("open", resolve))
  const hello = { boot: 1, link: 1, up: 0, profile: "press", firmware: "1", caps: 0, rx: 1_024 }
  socket.send(encodeUp({ type: "hello", seq: 0, min: 1, max: 1, id, ...hello }))
  assert.strictEqual((await next()).type, "welcome")
  return { socket, next }
}

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
/** Report number 1 whose state is this. */
const state = (hex: string): string => `830801a102${hex}`
/** … whose state has the one key `a` with this value. */
const value = (hex: string): string => state(`a16161${hex}`)

const cases: ReadonlyArray<readonly [name: string, hex: string, code: number, seq?: number]> = [
  ["a lone break byte", "ff", codes.Malformed],
  ["a break byte in a list", "81ff", codes.Malformed],
  ["nothing at all", "", codes.Malformed],
  ["text where a frame should be", "6568656c6c6f", codes.Malformed],
  ["a frame that is cut short", "830801a102a161", codes.Malformed, 1],
  ["bytes behind a frame", `${value("01")}00`, codes.Malformed, 1],
  ["a length that no memory has", "830801a102bb00ffffffffffffff", codes.Malformed, 1],
  ["a map without an end", state("bf616101ff"), codes.Malformed, 1],
  ["a tag", value("c000"), codes.Malformed, 1],
  ["undefined", value("f7"), codes.Malformed, 1],
  ["a key twice", state("a2616101616102"), codes.Malformed, 1],
  ["a whole number beyond 2^53", value("1b0020000000000000"), codes.Malformed, 1],
  ["NaN", value("f97e00"), codes.Malformed, 1],
  ["a lone surrogate", value("63eda080"), codes.Malformed, 1],
  ["a depth bomb", value("81".repeat(900)), codes.Malformed, 1],
  ["nine levels of a value", value(`${"81".repeat(9)}01`), codes.TooDeep, 1],
  ["a field of the wrong type", state("05"), codes.Malformed, 1],
  ["a missing field", "830801a0", codes.Malformed, 1],
  ["a field outside its limit", "830f01a102613f", codes.ERANGE, 1],
  ["an unknown type", "83186301a0", codes.UnknownType, 1],
  ["text with NUL", value("6100"), codes.NotJson, 1],
  ["a key with NUL", state("a1610001"), codes.NotJson, 1],
  ["the key __proto__", state("a1695f5f70726f746f5f5f01"), codes.NotJson, 1],
  ["bytes in a twin", value("4100"), codes.NotJson, 1],
  ["null in a list", value("81f6"), codes.NotJson, 1],
  ["a frame over the limit", value(`590400${"00".repeat(1_024)}`), codes.EMSGSIZE, 1]
]

describe("a board that sends", () => {
  for (const [index, [name, hex, code, seq]] of cases.entries())
    it(name, async () => {
      const id = `bad-${index}`
      const { socket, next } = await attached(id)
      socket.send(bytesOf(hex))
      const error = await next()
      assert(error.type === "error")
      assert.deepStrictEqual([error.code, error.refusedSeq, error.fatal], [code, seq, undefined])
      // Its number is consumed, and the link goes on.
      const following = seq === undefined ? 1 : 2
      socket.send(encodeUp({ type: "report", seq: following, state: { isWell: true } }))
      for (let frame = await next(); frame.type !== "ack" || frame.last < following; ) frame = await next()
      assert.deepInclude(node.cellOf(id).frames.at(-1), { type: "report", state: { isWell: true } })
      assert.lengthOf(node.cellOf(id).frames, following)
      assert.isUndefined(Reflect.get({}, "isWell"))
      socket.terminate()
    })

  it("all of it, turned away for it: another board keeps its link", async () => {
    const quiet = await attached("quiet")
    const { socket } = await attached("noisy")
    const closed = new Promise<number>((resolve) => socket.once("close", resolve))
    for (const [, hex] of cases) socket.send(bytesOf(hex))
    assert.strictEqual(await closed, 1002)
    assert.deepStrictEqual(
      node.evidence.map(({ type, id }) => [type, id]),
      [["link.malformed-burst", "noisy"]]
    )
    quiet.socket.send(encodeUp({ type: "report", seq: 1, state: {} }))
    assert.deepInclude(await quiet.next(), { type: "ack", last: 1 })
    quiet.socket.terminate()
  })
})
