/**
 * Chunks that a board has taken off its line and not stored yet. A small part has room for few of them, and its flash is slower
 * than its line: when they fill that room, its master has to wait.
 */
import type { ServiceClock } from "./EventHub.ts"

/** What a part has. */
export interface StagingLimits {
  /** Room for chunks that wait to be stored. No chunk may be larger. */
  readonly bytes: number
  /** How fast they are stored. */
  readonly bytesPerMilli: number
}

/** What becomes of a chunk: it waits to be stored, must come again later, is here already, or comes before an earlier one. */
export type Staged = "staged" | "full" | "known" | "ahead"

interface Waiting {
  readonly xfer: number
  readonly seq: number
  readonly data: Uint8Array
}

const sequences = 0x10000

/** The room of one line. */
export class Staging {
  readonly #limits: StagingLimits
  readonly #clock: ServiceClock
  /** Stores a chunk. False when its transfer takes no more. */
  readonly #store: (xfer: number, seq: number, data: Uint8Array) => boolean
  #waiting: ReadonlyArray<Waiting> = []
  #whenEmpty: Array<() => void> = []
  #isStoring = false

  constructor(
    limits: StagingLimits,
    clock: ServiceClock,
    store: (xfer: number, seq: number, data: Uint8Array) => boolean
  ) {
    this.#limits = limits
    this.#clock = clock
    this.#store = store
  }

  /** The chunk that a transfer waits for, when the service waits for this one. */
  nextSeq(xfer: number, stored: number): number {
    const last = this.#waiting.findLast((each) => each.xfer === xfer)
    return last === undefined ? stored : (last.seq + 1) % sequences
  }

  /** Takes a chunk in, if it is the next one and there is room. */
  take(xfer: number, seq: number, data: Uint8Array, stored: number): Staged {
    const ahead = (seq - this.nextSeq(xfer, stored) + sequences) % sequences
    if (ahead !== 0) return ahead < sequences / 2 ? "ahead" : "known"
    const held = this.#waiting.reduce((bytes, each) => bytes + each.data.length, 0)
    if (held + data.length > this.#limits.bytes) return "full"
    this.#waiting = [...this.#waiting, { xfer, seq, data: data.slice() }]
    this.#storeNext()
    return "staged"
  }

  /** Forgets what waits of a transfer that was given up. */
  drop(xfer: number): void {
    this.#waiting = this.#waiting.filter((each) => each.xfer !== xfer)
    this.#tellEmpty()
  }

  /** Runs when nothing waits to be stored; at once when nothing does. */
  whenEmpty(run: () => void): void {
    this.#whenEmpty.push(run)
    this.#tellEmpty()
  }

  #storeNext(): void {
    const [next] = this.#waiting
    if (this.#isStoring || next === undefined) return
    this.#isStoring = true
    this.#clock.schedule(Math.ceil(next.data.length / this.#limits.bytesPerMilli), () => {
      this.#isStoring = false
      // It may have been given up meanwhile.
      if (this.#waiting[0] === next) {
        this.#waiting = this.#waiting.slice(1)
        if (!this.#store(next.xfer, next.seq, next.data)) this.drop(next.xfer)
      }
      this.#tellEmpty()
      this.#storeNext()
    })
  }

  #tellEmpty(): void {
    if (this.#waiting.length > 0) return
    const told = this.#whenEmpty
    this.#whenEmpty = []
    for (const run of told) run()
  }
}
