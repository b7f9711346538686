/** A peer that lets every board in and acknowledges every frame at once. */
import type { Connection, ConnectionEvents, Opening, Transport } from "../../../devices/agent/Transport.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import { decodeUp, encodeDown } from "../../../src/protocol/FrameCodec.ts"
import type { TwinPatch, TwinValue } from "../../../src/protocol/TwinValue.ts"
import type { VirtualTime } from "../VirtualTime.ts"

/** The cluster's side, kind to everybody. */
export class WillingPeer implements Transport {
  readonly frames: Array<UpFrame> = []
  /** Reported state, of top-level fields. */
  readonly reported: Record<string, unknown> = {}
  readonly bytes: Array<string> = []
  /** Connections so far. */
  opened = 0
  readonly #time: VirtualTime
  #events: ConnectionEvents | undefined
  #epoch = 0
  #commands = 0

  constructor(time: VirtualTime) {
    this.#time = time
  }

  get boots(): Array<number> {
    return [...new Set(this.of("hello").map(({ boot }) => boot))]
  }

  of<T extends UpFrame["type"]>(type: T): Array<Extract<UpFrame, { readonly type: T }>> {
    return this.frames.filter((frame): frame is Extract<UpFrame, { readonly type: T }> => frame.type === type)
  }

  readonly open = (_opening: Opening, events: ConnectionEvents): Connection => {
    let open = true
    this.opened++
    this.#events = events
    const later = (run: () => void) =>
      this.#time.schedule(1, () => {
        if (open) run()
      })
    later(events.opened)
    return {
      send: (bytes, { seq }) => {
        const decoded = decodeUp(bytes, 262_144)
        if (decoded._tag === "Failure") throw new Error(decoded.failure.detail)
        this.bytes.push(`${this.#time.now} ${Buffer.from(bytes).toString("hex")}`)
        this.#take(decoded.success, (answer) => later(() => events.received(encodeDown(answer))))
        if (seq > 0) later(() => events.acknowledged(seq))
      },
      close: () => {
        open = false
      }
    }
  }

  #take(frame: UpFrame, answer: (frame: DownFrame) => void): void {
    this.frames.push(frame)
    if (frame.type === "report") Object.assign(this.reported, frame.state)
    if (frame.type === "heartbeat") answer({ type: "heartbeat", epoch: this.#epoch, up: frame.up, wall: 1 })
    if (frame.type !== "hello") return
    answer({
      type: "welcome",
      epoch: ++this.#epoch,
      version: 1,
      last: 0,
      wall: 1_790_000_000_000,
      heartbeat: 3000,
      lease: 8000,
      rx: 65_536,
      window: 16,
      ackMode: 0,
      sync: 0,
      desired: 0
    })
  }

  /** Says something to the board that is attached. */
  say(frame: DownFrame): void {
    this.#events?.received(encodeDown(frame))
  }

  desire(version: number, state: TwinPatch): void {
    this.say({ type: "desired", epoch: this.#epoch, version, state })
  }

  /** Sends a command and answers its id. */
  invoke(name: string, args: TwinValue): string {
    const id = `018f3a6e-4c00-7abc-8def-${(++this.#commands).toString(16).padStart(12, "0")}`
    this.say({ type: "invoke", epoch: this.#epoch, id, name, args, ttl: 60_000 })
    return id
  }
}
