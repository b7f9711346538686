/** A board that says on the link exactly what a test has it say, and nothing by itself but that it lives. */
import { Result } from "effect"
import { WebSocket } from "ws"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { ErrorDown } from "../../src/protocol/frame/LinkFrames.ts"

/** See the file. */
export class RawBoard {
  readonly id: string
  readonly #socket: WebSocket
  readonly #startedAt = Date.now()
  readonly #frames: Array<DownFrame> = []
  #heard = (): void => {}

  private constructor(id: string, url: string) {
    this.id = id
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/attach`, ["holon.1"])
    this.#socket.on("message", (data) => {
      if (!(data instanceof Buffer)) throw new Error("no bytes")
      this.#frames.push(Result.getOrThrow(decodeDown(data, data.length)))
      this.#heard()
    })
  }

  /** Attached to the node at this url. */
  static async attached(id: string, url: string, link = 1): Promise<RawBoard> {
    const board = await RawBoard.greeting(id, url, link)
    await board.heard(({ type }) => type === "welcome")
    return board
  }

  /** The error with which its hello is refused. */
  static async refused(id: string, url: string, link = 1): Promise<ErrorDown> {
    const board = await RawBoard.greeting(id, url, link)
    const frame = await board.heard(({ type }) => type === "error")
    board.close()
    if (frame.type !== "error") throw new Error("no error")
    return frame
  }

  /** Says hello, and is told to go. */
  static async parted(id: string, url: string, link: number): Promise<void> {
    const board = await RawBoard.greeting(id, url, link)
    await board.heard(({ type }) => type === "goodbye")
    board.close()
  }

  private static async greeting(id: string, url: string, link: number): Promise<RawBoard> {
    const board = new RawBoard(id, url)
    await new Promise((resolve) => board.#socket.once("open", resolve))
    const hello = { boot: 1, link, up: 0, profile: "raw", firmware: "1", caps: 0, rx: 4096 }
    board.say({ type: "hello", seq: 0, min: 1, max: 1, id, ...hello })
    return board
  }

  /** Ms since it started: its clock. */
  get up(): number {
    return Date.now() - this.#startedAt
  }

  say(frame: UpFrame): void {
    this.sayBytes(encodeUp(frame))
  }

  /** Says what may be no frame at all. */
  sayBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes)
  }

  /** Reports values, now or at a time of its clock. */
  report(seq: number, state: Readonly<Record<string, number>>, at = this.up): void {
    this.say({ type: "report", seq, at, state })
  }

  /** Waits for a frame. */
  async heard(isIt: (frame: DownFrame) => boolean): Promise<DownFrame> {
    for (;;) {
      const found = this.#frames.find(isIt)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Waits until a numbered frame was consumed. */
  async consumed(seq: number): Promise<void> {
    await this.heard((frame) => frame.type === "ack" && frame.last >= seq)
  }

  close(): void {
    this.#socket.close()
  }
}
