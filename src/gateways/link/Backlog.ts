/** Frames of a board that are not acknowledged yet, in the order of receipt, with a mark up to which the cell was offered them. */

import type { UpFrame } from "../../protocol/Frame.ts"
import type { ErrorDown } from "../../protocol/frame/LinkFrames.ts"
import type { Verdict } from "./LinkTransport.ts"

/** A received frame until it is consumed and all before it are acknowledged. */
export interface Held {
  readonly ticket: number
  readonly frame: UpFrame
  readonly bytes: Uint8Array
  /** Monotonic ms. */
  readonly at: number
  /** The refusal that consumes it: goes to the board ahead of the acknowledgement. */
  readonly refusal: ErrorDown | undefined
  readonly verdict: Verdict
  /** Consumed, or in need of no cell. */
  isSettled: boolean
}

/** The backlog of one link. */
export class Backlog {
  readonly #window: number
  #frames: Array<Held> = []
  /** Index of the first frame that was not offered under this epoch. */
  #next = 0
  #inFlight = 0

  /** `window` is how many frames may be with the cell at a time. */
  constructor(window: number) {
    this.#window = window
  }

  get length(): number {
    return this.#frames.length
  }

  get oldest(): Held | undefined {
    return this.#frames[0]
  }

  push(held: Held): void {
    this.#frames.push(held)
  }

  /** The next frame for the cell; nothing while it has a window of them, or all. */
  offer(): Held | undefined {
    while (this.#inFlight < this.#window) {
      const held = this.#frames[this.#next]
      if (held === undefined) return undefined
      this.#next++
      if (held.isSettled) continue
      this.#inFlight++
      return held
    }
    return undefined
  }

  /** A frame offered under this epoch has its outcome. */
  answered(): void {
    this.#inFlight--
  }

  /** Another epoch: all that is not consumed is offered again. */
  rewind(): void {
    this.#next = 0
    this.#inFlight = 0
  }

  /** Takes the oldest frame out if it is settled: acknowledgements keep the order of receipt (MQTT-4.6.0-2). */
  release(): Held | undefined {
    const head = this.#frames[0]
    if (head?.isSettled !== true) return undefined
    this.#frames.shift()
    if (this.#next > 0) this.#next--
    return head
  }

  /** Drops all. Outcomes of what is with the cell may still come, and find it settled. */
  forget(): void {
    for (const held of this.#frames) held.isSettled = true
    this.#frames = []
    this.rewind()
  }
}
