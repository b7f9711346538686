/**
 * Boards that report at a fixed pace, whatever is answered, and measure how long what they report takes to come back to them
 * as something to do, and to the event stream. In a process of their own, over raw MQTT 3.1.1: neither a client library nor
 * the agent is what is measured.
 */
import { get } from "node:http"
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { Result } from "effect"
import type { UpFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { bodyStart, packet, packetSize, text } from "./MqttBytes.ts"
import { serve } from "./Processes.ts"

export type ReactorsRequest =
  /** Attaches so many boards and listens to the event stream for matches. */
  | { readonly do: "attach"; readonly mqttPort: number; readonly httpPort: number; readonly count: number }
  /** All boards together report so often a second, for so long; every so often one of them reports something to react to. */
  | { readonly do: "run"; readonly perSecond: number; readonly millis: number; readonly probeMillis: number }

/** Milliseconds between the frame and what came of it. */
export interface Waits {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What came of a run. */
export interface ReactionAnswer {
  /** Frames that were acknowledged, a second. */
  readonly perSecond: number
  /** Reports to react to, and those of them that nothing came of within ten seconds of the end. */
  readonly probes: number
  readonly lost: number
  readonly acknowledged: Waits
  readonly told: Waits
  readonly streamed: Waits
}

const rx = 16_384
const helloId = 65_535
const largestId = 65_000
/** Lines that boards belong to: a pattern that averages looks at one. */
const lines = 100
/** How often the pace is caught up with, ms. */
const tickMillis = 2
const patienceMillis = 10_000
const boot = 1 + Math.floor(Math.random() * 2 ** 31)

/** When each report to react to was written to its socket, by its number; and what came of it, ms. */
const probedAt = new Map<number, number>()
const toldAt = new Map<number, number>()
const streamedAt = new Map<number, number>()
const acknowledgedAfter: Array<number> = []
let probes = 0

class Board {
  readonly #index: number
  readonly #id: string
  readonly #socket: Socket
  readonly #topic: Buffer
  readonly #sentAt = new Map<number, number>()
  #rest: Buffer = Buffer.alloc(0)
  #seq = 0
  #ready: () => void = () => {}

  constructor(index: number, port: number) {
    this.#index = index
    this.#id = `react-${index}`
    this.#topic = text(`holon/1/b/${this.#id}/up`)
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (chunk) => this.#data(chunk))
    this.#socket.on("error", (error) => console.error(`board ${this.#id}: ${error.message}`))
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve
      this.#socket.write(packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 0]), text(this.#id)])))
    })
  }

  report(more: TwinMap = {}): void {
    const seq = ++this.#seq
    const state = {
      line: `line-${this.#index % lines}`,
      temp: 50 + ((seq * 7) % 40) / 4,
      cpu: (seq % 90) / 100,
      fan: { rpm: 1200 + (seq % 30), ok: true },
      ...more
    }
    this.#sentAt.set((seq % largestId) + 1, performance.now())
    this.#publish({ type: "report", seq, state }, (seq % largestId) + 1)
  }

  probe(): void {
    const number = ++probes
    probedAt.set(number, performance.now())
    this.report({ probe: number })
  }

  #publish(frame: UpFrame, id: number): void {
    const body = Buffer.concat([this.#topic, Buffer.from([id >> 8, id & 255]), encodeUp(frame)])
    this.#socket.write(packet(0x32, body))
  }

  #data(chunk: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    for (;;) {
      const size = packetSize(all, at)
      if (size === undefined || at + size > all.length) break
      this.#packet(all.subarray(at, at + size))
      at += size
    }
    this.#rest = all.subarray(at)
  }

  #packet(bytes: Buffer): void {
    const head = bytes[0] ?? 0
    switch (head >> 4) {
      case 2: {
        const filter = Buffer.concat([Buffer.from([0, 1]), text(`holon/1/b/${this.#id}/dn`), Buffer.from([1])])
        this.#socket.write(packet(0x82, filter))
        return
      }
      case 9: {
        const about = { min: 1, max: 1, boot, link: 1, up: 20_000, profile: "bench", firmware: "1", caps: 0, rx }
        return this.#publish({ type: "hello", seq: 0, id: this.#id, ...about }, helloId)
      }
      case 4: {
        const id = bytes.readUInt16BE(2)
        const sentAt = this.#sentAt.get(id)
        if (sentAt === undefined) return
        this.#sentAt.delete(id)
        acknowledgedAfter.push(performance.now() - sentAt)
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
    if (isAcknowledged) this.#socket.write(Buffer.from([0x40, 2, bytes[topicEnd] ?? 0, bytes[topicEnd + 1] ?? 0]))
    const decoded = decodeDown(bytes.subarray(isAcknowledged ? topicEnd + 2 : topicEnd), 65_536)
    if (Result.isFailure(decoded)) return console.error(`board ${this.#id}: ${decoded.failure.detail}`)
    const frame = decoded.success
    if (frame.type === "error" || frame.type === "goodbye") console.error(`board ${this.#id}: ${JSON.stringify(frame)}`)
    if (frame.type === "welcome") this.#ready()
    if (frame.type !== "desired") return
    const { reaction } = frame.state ?? {}
    if (typeof reaction !== "number") return
    if (!toldAt.has(reaction)) toldAt.set(reaction, performance.now())
    this.#publish({ type: "desired-ack", seq: 0, version: frame.version }, helloId - 1)
    // What it does it also reports, as a board should.
    this.report({ reaction })
  }
}

/** Notes when matches come on the stream, as its readers see it. Its answer begins with the first of them. */
const listen = (port: number): void => {
  const where = encodeURIComponent('type == "pattern.matched"')
  const failed = (cause: unknown): void => {
    throw new Error("the event stream cannot be read", { cause })
  }
  get({ host: "127.0.0.1", port, path: `/api/events/tail?where=${where}` }, (response) => {
    if (response.statusCode !== 200) failed(response.statusCode)
    createInterface({ input: response }).on("line", (line) => {
      const number = Number(/"n":(\d+)/.exec(line)?.[1])
      if (probedAt.has(number) && !streamedAt.has(number)) streamedAt.set(number, performance.now())
    })
  }).on("error", failed)
}

const waitsOf = (values: ReadonlyArray<number>): Waits => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}

const since = (ends: ReadonlyMap<number, number>): Waits =>
  waitsOf(Array.from(ends, ([number, at]) => at - (probedAt.get(number) ?? Number.NaN)))

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

let boards: ReadonlyArray<Board> = []
let next = 0
const nextBoard = (): Board => {
  const board = boards[next++ % boards.length]
  if (board === undefined) throw new Error("no board is attached")
  return board
}

const run = async (perSecond: number, millis: number, probeMillis: number): Promise<ReactionAnswer> => {
  for (const map of [probedAt, toldAt, streamedAt]) map.clear()
  acknowledgedAfter.length = 0
  const before = probes
  const startedAt = performance.now()
  let sent = 0
  for (;;) {
    const elapsed = performance.now() - startedAt
    if (elapsed >= millis) break
    if ((probes - before) * probeMillis < elapsed) {
      nextBoard().probe()
      sent++
    }
    for (; sent < (elapsed * perSecond) / 1000; sent++) nextBoard().report()
    await pause(tickMillis)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const acknowledged = acknowledgedAfter.length
  const until = performance.now() + patienceMillis
  const count = probes - before
  while ((toldAt.size < count || streamedAt.size < count) && performance.now() < until) await pause(tickMillis)
  return {
    perSecond: acknowledged / seconds,
    probes: count,
    lost: count - Math.min(toldAt.size, streamedAt.size),
    acknowledged: waitsOf(acknowledgedAfter),
    told: since(toldAt),
    streamed: since(streamedAt)
  }
}

serve(async (request: ReactorsRequest): Promise<ReactionAnswer | undefined> => {
  if (request.do === "run") return run(request.perSecond, request.millis, request.probeMillis)
  boards = Array.from({ length: request.count }, (_, index) => new Board(index, request.mqttPort))
  await Promise.all(boards.map((board) => board.ready()))
  listen(request.httpPort)
  return undefined
})
