/**
 * Frames on their way to the cluster. A letter gets its number when it is first put on the wire; from then on it is kept,
 * unchanged, until it is acknowledged, so a gap in the numbers always means a loss on the way. Letters that wait are merged
 * and, when there are too many, dropped oldest first.
 */
import { codes } from "../../src/protocol/Codes.ts"
import type { UpFrame } from "../../src/protocol/Frame.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import type { Letter } from "./Letter.ts"
import { hasTooManySamples, shrink } from "./Shrink.ts"
import { Waiting } from "./Waiting.ts"

/** Largest number; a boot that has used it up must end. */
const seqMax = 2 ** 32 - 2

/** Links on which a frame may be passed by later ones before it is given up. */
const poisonLinks = 3

/** What the cluster allows, from welcome and flow. */
export interface Limits {
  /** Largest frame the gateway receives. */
  readonly frameBytesMax: number
  /** Numbered frames that may be unacknowledged. */
  readonly window: number
  /** Least time between numbered frames. */
  readonly intervalMillis: number
}

/** What an outbox gets from its agent. */
export interface OutboxPorts {
  /** Milliseconds since boot. */
  readonly now: () => number
  readonly schedule: (delayMillis: number, run: () => void) => () => void
  /** Puts a numbered frame on the wire of the link that is up. */
  readonly wire: (bytes: Uint8Array, seq: number) => void
  /** All of reported state, asked for when a full report is put on the wire. */
  readonly state: () => TwinMap
}

/** A numbered frame that is not acknowledged. */
interface Kept {
  readonly seq: number
  letter: Letter
  bytes: Uint8Array
  /** The cluster answered it with an error: it is no poison. */
  refused: boolean
  /** Links on which a later frame was acknowledged and this one was not. */
  passed: number
  replaced: boolean
}

/** All letters of one board, waiting and kept. */
export class Outbox {
  readonly #ports: OutboxPorts
  readonly #waiting: Waiting
  /** In order of number. */
  #kept: Array<Kept> = []
  /** Index in `#kept` of the first frame that was not put on the wire of this link. */
  #unsent = 0
  #limits: Limits | undefined
  #seq = 0
  /** Highest number acknowledged by itself on this link. */
  #highest = 0
  #dropped = 0
  #droppedUntold = 0
  #pacedUntil = 0
  #cancelPace: (() => void) | undefined

  constructor(waitingMax: number, ports: OutboxPorts) {
    this.#waiting = new Waiting(waitingMax)
    this.#ports = ports
  }

  /** The last number given in this boot. */
  get sent(): number {
    return this.#seq
  }

  /** Letters without a number. */
  get queued(): number {
    return this.#waiting.length
  }

  /** Records given up since boot. */
  get dropped(): number {
    return this.#dropped
  }

  /** Numbered frames without an acknowledgement. */
  get unacknowledged(): number {
    return this.#kept.length
  }

  /** The numbers of this boot are used up. */
  get exhausted(): boolean {
    return this.#seq >= seqMax
  }

  /** Takes a letter, and sends it when window and pace allow. */
  push(letter: Letter): void {
    const dropped = this.#waiting.push(letter)
    this.#dropped += dropped
    this.#droppedUntold += dropped
    this.pump()
  }

  /** A report of all state goes next, and takes the place of the changes that wait. */
  pushFull(): void {
    this.#waiting.pushFull()
  }

  /** Counts a record that never became a letter. */
  countDropped(): void {
    this.#dropped++
    this.#droppedUntold++
  }

  /** A link is up, with these limits; `last` and what is below it is durable. Answers the letters this settles. */
  open(limits: Limits, last: number, resend: boolean): ReadonlyArray<Letter> {
    this.#limits = limits
    const settled = this.#settle(last)
    // A number below `last` would be taken for a copy and lost.
    if (last > this.#seq) this.#seq = last
    if (resend) {
      this.#unsent = 0
      this.#highest = 0
    }
    return settled
  }

  /** Changes the limits of the link that is up. */
  limit(limits: Limits): void {
    this.#limits = limits
    this.pump()
  }

  /** The link is gone. Answers the letters that were given up because later ones passed them on three links. */
  close(): ReadonlyArray<Letter> {
    this.#limits = undefined
    this.#cancelPace?.()
    this.#cancelPace = undefined
    this.#pacedUntil = 0
    const given: Array<Letter> = []
    for (let index = 0; index < this.#unsent; index++) {
      const kept = this.#kept[index]
      if (kept === undefined || kept.refused || kept.replaced || kept.seq > this.#highest) continue
      if (++kept.passed < poisonLinks) continue
      given.push(kept.letter)
      this.#replace(kept)
    }
    this.#unsent = 0
    this.#highest = 0
    return given
  }

  /** One number is acknowledged. Answers its letter, once. */
  acknowledge(seq: number): Letter | undefined {
    const index = this.#kept.findIndex((kept) => kept.seq === seq)
    const kept = this.#kept[index]
    if (kept === undefined) return undefined
    this.#kept.splice(index, 1)
    if (index < this.#unsent) this.#unsent--
    if (seq > this.#highest) this.#highest = seq
    return kept.letter
  }

  /** All numbers up to this one are acknowledged. Answers their letters. */
  acknowledgeUpTo(last: number): ReadonlyArray<Letter> {
    const settled = this.#settle(last)
    if (settled.length > 0 && last > this.#highest) this.#highest = last
    return settled
  }

  /** The cluster refused the frame of this number; its acknowledgement follows. Answers its letter. */
  refused(seq: number): Letter | undefined {
    const kept = this.#kept.find((candidate) => candidate.seq === seq)
    if (kept !== undefined) kept.refused = true
    return kept?.letter
  }

  /** A new boot number begins: what has a number of the old one gets a new one. */
  renumber(): void {
    this.#waiting.unshift(this.#kept.map(({ letter }) => letter))
    this.#kept = []
    this.#unsent = 0
    this.#seq = 0
  }

  /** Sends what window and pace allow: first what this link has not seen of the kept frames, then what waits. */
  pump(): void {
    for (;;) {
      const limits = this.#limits
      if (limits === undefined) return
      const kept = this.#kept[this.#unsent]
      if (kept === undefined) {
        if (this.#waiting.length === 0 || this.#kept.length >= limits.window || this.exhausted) return
      } else if (this.#unsent >= limits.window) return
      if (limits.intervalMillis > 0 && this.#mustWait()) return
      if (kept === undefined) this.#sendNext(limits)
      else this.#wire(kept, limits)
    }
  }

  #wire(kept: Kept, limits: Limits): void {
    if (limits.intervalMillis > 0) this.#pacedUntil = this.#ports.now() + limits.intervalMillis
    this.#unsent++
    this.#ports.wire(kept.bytes, kept.seq)
  }

  #mustWait(): boolean {
    const now = this.#ports.now()
    if (now >= this.#pacedUntil) return false
    this.#cancelPace ??= this.#ports.schedule(this.#pacedUntil - now, () => {
      this.#cancelPace = undefined
      this.pump()
    })
    return true
  }

  #sendNext(limits: Limits): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return
    const seq = this.#seq + 1
    const letter = this.#addressed(waiting)
    const bytes = encodeUp(numbered(letter, seq))
    if (bytes.length > limits.frameBytesMax || hasTooManySamples(letter)) {
      const smaller = shrink(letter)
      if (smaller.length === 0) this.countDropped()
      this.#waiting.unshift(smaller)
      return
    }
    if (letter.type === "event") this.#droppedUntold = 0
    this.#seq = seq
    const kept: Kept = { seq, letter, bytes, refused: false, passed: 0, replaced: false }
    this.#kept.push(kept)
    this.#wire(kept, limits)
  }

  /** The letter with what is only known when it goes out. */
  #addressed(letter: Letter | "full"): Letter {
    if (letter === "full")
      return { type: "report", at: Math.floor(this.#ports.now()), state: this.#ports.state(), full: true }
    if (letter.type === "event" && this.#droppedUntold > 0) return { ...letter, dropped: this.#droppedUntold }
    return letter
  }

  #settle(last: number): ReadonlyArray<Letter> {
    let count = 0
    while ((this.#kept[count]?.seq ?? Number.POSITIVE_INFINITY) <= last) count++
    if (count === 0) return []
    this.#unsent = Math.max(0, this.#unsent - count)
    return this.#kept.splice(0, count).map(({ letter }) => letter)
  }

  #replace(kept: Kept): void {
    const letter = kept.letter
    const stand: Letter =
      letter.type === "result"
        ? { type: "result", id: letter.id, code: codes.Internal, detail: "the result itself was not taken" }
        : {
            type: "event",
            at: Math.floor(this.#ports.now()),
            name: "link.poison",
            level: 1,
            data: { frame: letter.type, seq: kept.seq }
          }
    if (letter.type !== "result") this.countDropped()
    kept.letter = stand
    kept.bytes = encodeUp(numbered(stand, kept.seq))
    kept.replaced = true
  }
}

const numbered = (letter: Letter, seq: number): UpFrame => ({ ...letter, seq })
