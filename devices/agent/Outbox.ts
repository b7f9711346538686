/**
 * Frames on their way to the cluster. A letter gets its number when it is first put on the wire; from then on it is kept,
 * unchanged, until it is acknowledged, so a gap in the numbers always means a loss on the way. Letters that wait are merged
 * and, when there are too many, dropped oldest first.
 */
import { codes } from "../../src/protocol/Codes.ts"
import type { UpFrame } from "../../src/protocol/Frame.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { asksToStart, type EventLetter, type Letter, type ReportLetter } from "./Letter.ts"
import { compose, halve } from "./ReportPatch.ts"

/** Largest number; a boot that has used it up must end. */
const seqMax = 2 ** 32 - 2

/** Samples one report may carry. */
const samplesMax = 512

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

/** A letter that waits, or the promise of a full report, which is read when it goes out. */
interface Waiting {
  letter: Letter | "full"
}

/** All letters of one board, waiting and kept. */
export class Outbox {
  readonly #ports: OutboxPorts
  readonly #waitingMax: number
  #waiting: Array<Waiting> = []
  /** In order of number. */
  #kept: Array<Kept> = []
  /** Index in `#kept` of the first frame that was not put on the wire of this link. */
  #unsent = 0
  /** The last waiting report into which the next may be merged. */
  #mergeable: Waiting | undefined
  #limits: Limits | undefined
  #seq = 0
  /** Highest number acknowledged by itself on this link. */
  #highest = 0
  #dropped = 0
  #droppedUntold = 0
  #pacedUntil = 0
  #cancelPace: (() => void) | undefined

  constructor(waitingMax: number, ports: OutboxPorts) {
    this.#waitingMax = waitingMax
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
    if (letter.type === "report" && this.#merge(letter)) return
    if (letter.type === "desired-ack") this.#outdate(letter)
    const waiting: Waiting = { letter }
    this.#waiting.push(waiting)
    if (letter.type === "report" && mayMerge(letter)) this.#mergeable = waiting
    if (this.#waiting.length > this.#waitingMax) this.#dropOne()
    this.pump()
  }

  /** A report of all state goes next, and takes the place of the changes that wait. */
  pushFull(): void {
    this.#waiting = this.#waiting.filter((waiting) => {
      const letter = waiting.letter
      if (letter === "full") return false
      if (letter.type !== "report" || letter.state === undefined || letter.doc !== undefined) return true
      if (letter.samples === undefined) return false
      const { state: _superseded, full: _full, ...samples } = letter
      waiting.letter = samples
      return true
    })
    this.#mergeable = undefined
    this.#waiting.unshift({ letter: "full" })
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
    this.#waiting = [...this.#kept.map(({ letter }) => ({ letter })), ...this.#waiting]
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
    if (waiting === this.#mergeable) this.#mergeable = undefined
    const seq = this.#seq + 1
    const letter = this.#addressed(waiting.letter)
    const bytes = encodeUp(numbered(letter, seq))
    if (
      bytes.length > limits.frameBytesMax ||
      (letter.type === "report" && (letter.samples?.length ?? 0) > samplesMax)
    ) {
      const smaller = shrink(letter)
      if (smaller.length === 0) this.countDropped()
      this.#waiting.unshift(...smaller.map((part) => ({ letter: part })))
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

  #merge(letter: ReportLetter): boolean {
    const earlier = this.#mergeable?.letter
    if (this.#mergeable === undefined || earlier === undefined || earlier === "full" || earlier.type !== "report")
      return false
    if (!mayMerge(letter) || earlier.state === undefined || letter.state === undefined) return false
    const state = compose(earlier.state, letter.state)
    if (state === undefined) return false
    this.#mergeable.letter = { ...earlier, ...letter, state }
    return true
  }

  /** An acknowledgement of desired says all that an earlier one of no higher version would. */
  #outdate({ version, doc }: Extract<Letter, { readonly type: "desired-ack" }>): void {
    const index = this.#waiting.findIndex(
      ({ letter }) =>
        letter !== "full" && letter.type === "desired-ack" && letter.doc === doc && letter.version <= version
    )
    if (index >= 0) this.#waiting.splice(index, 1)
  }

  #dropOne(): void {
    let index = this.#waiting.findIndex(({ letter }) => letter !== "full" && isExpendable(letter))
    if (index < 0) index = this.#waiting.findIndex(({ letter }) => letter !== "full" && letter.type === "event")
    if (index < 0) return
    const [gone] = this.#waiting.splice(index, 1)
    if (gone === this.#mergeable) this.#mergeable = undefined
    this.countDropped()
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

const mayMerge = (letter: ReportLetter): boolean =>
  letter.state !== undefined && letter.samples === undefined && letter.full !== true && letter.doc === undefined

/** May be dropped before events of level 0. Results and acknowledgements of desired never are. */
const isExpendable = (letter: Letter): boolean => {
  switch (letter.type) {
    case "report":
      return true
    case "progress":
      return !asksToStart(letter)
    case "event":
      return letter.level !== 0
    default:
      return false
  }
}

const numbered = (letter: Letter, seq: number): UpFrame => ({ ...letter, seq })

/** The same in smaller letters, as far as it can be said; nothing when it cannot. */
const shrink = (letter: Letter): ReadonlyArray<Letter> => {
  switch (letter.type) {
    case "report":
      return shrinkReport(letter)
    case "event":
      return letter.data === undefined ? [] : [withoutData(letter)]
    case "result":
      return letter.value === undefined && letter.detail === undefined
        ? []
        : [{ type: "result", id: letter.id, code: codes.EMSGSIZE }]
    case "progress":
      return letter.note === undefined ? [] : [{ type: "progress", id: letter.id, ...done(letter.done) }]
    case "desired-ack": {
      const refused = Object.entries(letter.refused ?? {})
      if (refused.length === 0) return []
      return [{ ...letter, refused: Object.fromEntries(refused.slice(0, refused.length >> 1)) }]
    }
    default:
      return []
  }
}

const done = (value: number | undefined) => (value === undefined ? {} : { done: value })

const withoutData = ({ data: _data, ...rest }: EventLetter): EventLetter => rest

const shrinkReport = (letter: ReportLetter): ReadonlyArray<ReportLetter> => {
  const { samples, state, full, ...head } = letter
  if (samples !== undefined && state !== undefined) {
    return [
      { ...head, state, ...(full === undefined ? {} : { full }) },
      { ...head, samples }
    ]
  }
  if (samples !== undefined) {
    const middle = samples.length >> 1
    return middle === 0
      ? []
      : [
          { ...head, samples: samples.slice(0, middle) },
          { ...head, samples: samples.slice(middle) }
        ]
  }
  const halves = state && halve(state)
  if (halves === undefined) return []
  return [
    { ...head, state: halves[0], ...(full === undefined ? {} : { full }) },
    { ...head, state: halves[1] }
  ]
}
