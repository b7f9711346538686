/** Frames on their way to a board: encoded, counted, and none that it could not take. */
import type { DownFrame } from "../../protocol/Frame.ts"
import { encodeDown } from "../../protocol/FrameCodec.ts"
import type { ErrorDown, goodbyeReasons } from "../../protocol/frame/LinkFrames.ts"
import { frameTypeOf, lifeOf, qosOf } from "./DownBytes.ts"
import { goodbyeReason } from "./Goodbyes.ts"
import type { LinkCounters } from "./LinkCounters.ts"
import type { LinkTransport } from "./LinkTransport.ts"

/** The way down of one link. */
export class ToBoard {
  readonly #transport: LinkTransport
  readonly #counters: LinkCounters
  /** Epoch of the last welcome; 0 before it. */
  epoch = 0
  /** Largest frame the board takes, as its hello said. */
  bytesMax = Number.POSITIVE_INFINITY

  constructor(transport: LinkTransport, counters: LinkCounters) {
    this.#transport = transport
    this.#counters = counters
  }

  /** A frame of the gateway's own. */
  send(frame: DownFrame): void {
    const bytes = encodeDown(frame)
    this.#counters.sent(bytes.length)
    this.#transport.send(bytes, qosOf(frameTypeOf(bytes)), undefined)
  }

  /** An encoded frame of the cell. */
  pass(bytes: Uint8Array): void {
    if (bytes.length > this.bytesMax) {
      this.#counters.dropped()
      return
    }
    this.#counters.sent(bytes.length)
    this.#transport.send(bytes, qosOf(frameTypeOf(bytes)), lifeOf(bytes))
  }

  refuse(error: Omit<ErrorDown, "type" | "epoch">): void {
    this.send({ type: "error", epoch: this.epoch, ...error })
  }

  goodbye(reason: (typeof goodbyeReasons)[number], retryMillis?: number): void {
    const retry = retryMillis === undefined ? {} : { retry: Math.round(retryMillis) }
    this.send({ type: "goodbye", epoch: this.epoch, reason: goodbyeReason(reason), ...retry })
  }
}
