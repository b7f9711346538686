/**
 * Boards as raw MQTT 3.1.1 over TCP, in a process of their own: neither a client library nor the agent is what is measured.
 * A board keeps its connection from round to round and answers what it is sent.
 */
import { connect, type Socket } from "node:net"
import { Result } from "effect"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { Report } from "../../src/protocol/frame/TwinFrames.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { bodyStart, packet, packetSize, text } from "./MqttBytes.ts"
import { serve } from "./Processes.ts"

export type BoardsRequest =
  /** Connects `count` boards, spread over the ports at random; with `attaches`, each says hello and waits for its welcome. */
  | {
      readonly do: "connect"
      readonly ports: ReadonlyArray<number>
      readonly count: number
      readonly attaches: boolean
    }
  /** Each board reports a state of about this size once. */
  | { readonly do: "fill"; readonly bytes: number }
  /** All boards together send this many reports, each keeping `window` in flight. */
  | { readonly do: "run"; readonly messages: number; readonly window: number }

/** Frames acknowledged a second, and how long one waited, ms. */
export interface RunAnswer {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/** Seven readings that move a little from frame to frame, as a machine's do. */
const readings = (seq: number): TwinMap => ({
  temp: 71 + (seq % 40) / 4,
  cpu: (seq % 100) / 100,
  mem: 812_345_344 + seq * 4096,
  load: [0.5, 0.4, (seq % 10) / 10],
  led: seq % 50 < 25 ? "on" : "off",
  fan: { rpm: 1200 + (seq % 30), ok: true },
  uptime: 1_234_567 + seq
})

/** The frames of all boards by number: their payloads are alike, topics and packet ids are not. */
const frames: Array<Buffer> = []
const frameOf = (seq: number): Buffer => {
  for (let next = frames.length + 1; next <= seq; next++) {
    const report: Report = { type: "report", seq: next, at: 20_000 + next * 10, state: readings(next) }
    frames.push(Buffer.from(encodeUp(report)))
  }
  return frames[seq - 1] ?? Buffer.alloc(0)
}

/** Leaves of about 90 bytes until the state is about that large. */
const bulk = (bytes: number): TwinMap => {
  const state: Record<string, string> = {}
  for (let index = 0; index * 90 < bytes; index++) state[`setting-${index}`] = `value ${index} `.padEnd(76, "x")
  return state
}

const boot = 1 + Math.floor(Math.random() * 2 ** 31)
const helloId = 65_535
const largestId = 65_000

class Board {
  readonly id: string
  readonly socket: Socket
  readonly topic: Buffer
  #rest: Buffer = Buffer.alloc(0)
  #epoch = 0
  #seq = 0
  #ready: () => void = () => {}
  readonly #attaches: boolean
  // The run under way.
  #left = 0
  #open = 0
  #sentAt: Array<number> = []
  #done: () => void = () => {}
  waits: Array<number> = []

  constructor(id: string, port: number, attaches: boolean) {
    this.id = id
    this.#attaches = attaches
    this.topic = text(`holon/1/b/${id}/up`)
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.socket.on("data", (chunk) => this.#data(chunk))
    this.socket.on("error", (error) => console.error(`board ${id}: ${error.message}`))
    this.socket.on("close", () => {
      if (this.#left > 0 || this.#open > 0) console.error(`board ${id}: closed with ${this.#open} frames in flight`)
    })
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve
      this.socket.write(packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 0]), text(this.id)])))
    })
  }

  /** Sends this many reports and waits until all are acknowledged. */
  run(messages: number, window: number): Promise<void> {
    this.#left = messages
    return new Promise((resolve) => {
      this.#done = resolve
      this.#send(window)
    })
  }

  report(state: TwinMap): Promise<void> {
    this.#open = 1
    this.#sentAt.push(performance.now())
    this.socket.write(this.#publish(Buffer.from(encodeUp({ type: "report", seq: ++this.#seq, full: true, state }))))
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  #publish(payload: Buffer, id = (this.#seq % largestId) + 1): Buffer {
    return packet(0x32, Buffer.concat([this.topic, Buffer.from([id >> 8, id & 255]), payload]))
  }

  #send(count: number): void {
    const out: Array<Buffer> = []
    const now = performance.now()
    for (let sent = 0; sent < count && this.#left > 0; sent++) {
      this.#left--
      this.#open++
      this.#sentAt.push(now)
      out.push(this.#publish(frameOf(++this.#seq)))
    }
    if (out.length > 0) this.socket.write(out.length === 1 ? (out[0] ?? "") : Buffer.concat(out))
  }

  #data(chunk: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    let acknowledged = 0
    for (;;) {
      const size = packetSize(all, at)
      if (size === undefined || at + size > all.length) break
      const head = all[at] ?? 0
      if (head === 0x40) acknowledged += this.#isReport(all.readUInt16BE(at + 2)) ? 1 : 0
      else this.#other(head, all.subarray(at, at + size))
      at += size
    }
    this.#rest = all.subarray(at)
    if (acknowledged === 0) return
    this.#open -= acknowledged
    const now = performance.now()
    for (let index = 0; index < acknowledged; index++) this.waits.push(now - (this.#sentAt[index] ?? now))
    this.#sentAt = this.#sentAt.slice(acknowledged)
    if (this.#left > 0) this.#send(acknowledged)
    else if (this.#open === 0) this.#done()
  }

  #isReport(id: number): boolean {
    return id !== helloId
  }

  #other(head: number, bytes: Buffer): void {
    switch (head >> 4) {
      case 2: {
        const filter = Buffer.concat([Buffer.from([0, 1]), text(`holon/1/b/${this.id}/dn`), Buffer.from([1])])
        this.socket.write(packet(0x82, filter))
        return
      }
      case 9: {
        if (!this.#attaches) return this.#ready()
        const { id } = this
        const about = {
          min: 1,
          max: 1,
          id,
          boot,
          link: 1,
          up: 20_000,
          profile: "bench",
          firmware: "1",
          caps: 0,
          rx: 4096
        }
        this.socket.write(this.#publish(Buffer.from(encodeUp({ type: "hello", seq: 0, ...about })), helloId))
        return
      }
      case 3:
        return this.#down(head, bytes)
    }
  }

  #down(head: number, bytes: Buffer): void {
    const start = bodyStart(bytes)
    const topicEnd = start + 2 + bytes.readUInt16BE(start)
    const isAcknowledged = (head & 0x06) !== 0
    if (isAcknowledged) this.socket.write(Buffer.from([0x40, 2, bytes[topicEnd] ?? 0, bytes[topicEnd + 1] ?? 0]))
    const frame = decodeDown(bytes.subarray(isAcknowledged ? topicEnd + 2 : topicEnd), 65_536)
    if (Result.isFailure(frame)) return console.error(`board ${this.id}: ${frame.failure.detail}`)
    if (frame.success.type === "error" || frame.success.type === "goodbye")
      console.error(`board ${this.id}: ${JSON.stringify(frame.success)}`)
    if (frame.success.type !== "welcome") return
    const isFirst = this.#epoch === 0
    this.#epoch = frame.success.epoch
    if (isFirst) this.#ready()
  }
}

let boards: ReadonlyArray<Board> = []

const run = async ({
  messages,
  window
}: {
  readonly messages: number
  readonly window: number
}): Promise<RunAnswer> => {
  const each = Math.floor(messages / boards.length)
  for (const board of boards) board.waits = []
  const startedAt = performance.now()
  await Promise.all(boards.map((board) => board.run(each, window)))
  const seconds = (performance.now() - startedAt) / 1000
  const waits = boards.flatMap((board) => board.waits).sort((a, b) => a - b)
  const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN
  return { perSecond: (each * boards.length) / seconds, p50: at(0.5), p99: at(0.99) }
}

serve(async (request: BoardsRequest): Promise<RunAnswer | undefined> => {
  switch (request.do) {
    case "connect": {
      const { ports, count, attaches } = request
      boards = Array.from({ length: count }, (_, index) => {
        const port = ports[Math.floor(Math.random() * ports.length)] ?? 0
        return new Board(`bench-${process.pid}-${index}`, port, attaches)
      })
      await Promise.all(boards.map((board) => board.ready()))
      return undefined
    }
    case "fill": {
      const state = bulk(request.bytes)
      await Promise.all(boards.map((board) => board.report(state)))
      return undefined
    }
    case "run":
      return run(request)
  }
})
