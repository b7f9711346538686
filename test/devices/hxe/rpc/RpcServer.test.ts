import { connect, type Socket } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Clock } from "../../../../devices/agent/Clock.ts"
import { realClock } from "../../../../devices/agent/RealTime.ts"
import { isLoopback, loopback, RpcServer } from "../../../../devices/hxe/rpc/RpcServer.ts"
import { at, imageOf, RpcRig, type Said } from "./RpcRig.ts"
import { consumerText, producerText } from "./TwoPrograms.ts"

/** A tool at the other end of a socket. */
class Tool {
  readonly #socket: Socket
  #rest = ""
  readonly #said: Array<Said> = []
  #wanted: ((said: Said | undefined) => void) | undefined
  #isOver = false

  constructor(port: number) {
    this.#socket = connect(port, loopback)
    this.#socket.on("error", () => this.#socket.destroy())
    this.#socket.on("data", (bytes: Buffer) => {
      const lines = (this.#rest + bytes.toString("utf8")).split("\n")
      this.#rest = lines.pop() ?? ""
      for (const line of lines) this.#hand(JSON.parse(line) as Said)
    })
    this.#socket.on("close", () => {
      this.#isOver = true
      this.#wanted?.(undefined)
    })
  }

  /** The next line; none when the connection has ended. */
  next(): Promise<Said | undefined> {
    const first = this.#said.shift()
    if (first !== undefined || this.#isOver) return Promise.resolve(first)
    return new Promise((resolve) => {
      this.#wanted = resolve
    })
  }

  async ask(cmd: string, fields: Said = {}): Promise<Said> {
    this.write(`${JSON.stringify({ cmd, ...fields })}\n`)
    const reply = await this.next()
    if (reply === undefined) throw new Error(`${cmd}: the connection has ended`)
    return reply
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  leave(): void {
    this.#socket.destroy()
  }

  #hand(said: Said): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted === undefined) this.#said.push(said)
    else wanted(said)
  }
}

let rig: RpcRig
let server: RpcServer
let port = 0
let tools: Array<Tool> = []
const tool = (): Tool => {
  const made = new Tool(port)
  tools.push(made)
  return made
}

beforeEach(async () => {
  const clock: Clock = Effect.runSync(realClock)
  rig = new RpcRig({ clock })
  server = new RpcServer(rig.service)
  port = await new Promise((resolve, reject) => server.listen(0, loopback, resolve, reject))
})
afterEach(async () => {
  for (const made of tools) made.leave()
  tools = []
  await new Promise<void>((resolve) => server.close(resolve))
  rig.stop()
})

const streamed = async (by: Tool, label: string, text: string): Promise<Said> => {
  const image = Buffer.from(imageOf(label, text))
  const { xfer } = await by.ask("vm_load_begin", { label, total: image.length })
  for (let seq = 0; seq * 50 < image.length; seq++) {
    await by.ask("vm_load_write", { xfer, seq, data: image.subarray(seq * 50, seq * 50 + 50).toString("base64") })
  }
  return by.ask("vm_load_end", { xfer })
}

describe("the board's own line over TCP", () => {
  it("takes two programs that talk from two tools, and tells a third", async () => {
    const listener = tool()
    const session = at(await listener.ask("session.open"), "session").id
    await listener.ask("events.subscribe", { session, filters: { categories: ["task_state"] } })
    const first = await streamed(tool(), "consumer", consumerText)
    const second = await streamed(tool(), "producer", producerText)
    assert.deepStrictEqual([first.state, second.state], ["READY", "READY"])
    const ended = new Set<unknown>()
    while (ended.size < 2) {
      const event = await listener.next()
      if (at(event, "data").new_state === "returned") ended.add(event?.pid)
    }
    const { messages } = await tool().ask("listen", { pid: first.pid })
    assert.strictEqual(at(messages, 0).text, "ping from producer")
  })

  it("answers requests in their order, however they are cut and put together", async () => {
    const client = tool()
    const asked = Array.from({ length: 300 }, (_, index) => `{"cmd":"peek","pid":${index},"addr":0,"length":1}\n`).join(
      ""
    )
    for (let from = 0; from < asked.length; from += 1000) client.write(asked.slice(from, from + 1000))
    for (let index = 0; index < 300; index++) {
      assert.strictEqual((await client.next())?.detail, `pid:${index}`)
    }
  })

  it("goes on for the others when one sends nonsense, floods it, or goes away", async () => {
    const bad = tool()
    bad.write("nonsense\n".repeat(5000))
    assert.strictEqual((await bad.next())?.detail, "invalid_json")
    const good = tool()
    assert.strictEqual((await good.ask("ping")).reply, "pong")
    bad.leave()
    assert.strictEqual((await good.ask("ping")).reply, "pong")
  })

  it("ends a connection that speaks HTTP, and refuses one too many", async () => {
    const page = tool()
    page.write('POST / HTTP/1.1\r\n\r\n{"cmd":"clock","op":"stop"}\n')
    assert.strictEqual((await page.next())?.detail, "http")
    assert.strictEqual(await page.next(), undefined)
    assert.strictEqual(at(await tool().ask("clock"), "clock").running, true)
    for (let more = server.connections; more < 32; more++) await tool().ask("ping")
    const last = tool()
    assert.strictEqual((await last.next())?.detail, "connections:32")
    assert.strictEqual(await last.next(), undefined)
  })

  it("says that its port is taken", async () => {
    const other = new RpcServer(rig.service)
    const failed = await new Promise<Error>((resolve) => other.listen(port, loopback, () => {}, resolve))
    assert.strictEqual("code" in failed && failed.code, "EADDRINUSE")
  })
})

describe("isLoopback", () => {
  it("knows what this machine alone reaches", () => {
    assert.deepStrictEqual(
      ["127.0.0.1", "127.1.2.3", "::1", "localhost", "0.0.0.0", "::", "10.0.0.1", "127.evil.com"].map(isLoopback),
      [true, true, true, true, false, false, false, false]
    )
  })
})
