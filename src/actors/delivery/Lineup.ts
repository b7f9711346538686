/**
 * Which letter may go next: the first of each key, unless it is on its way or waits for its next attempt. So a letter that
 * fails again and again holds up its own key only.
 */
import { WakeHeap, type Waking } from "../../events/temporal/WakeHeap.ts"
import type { DeliveryRecord, Letter } from "../../protocol/Delivery.ts"
import { lettersOf } from "./Pages.ts"

/** The letters of one key, in order. */
class Lane implements Waking {
  wakeAt = Number.POSITIVE_INFINITY
  readonly name: string
  readonly letters: Array<{ readonly seq: number; notBefore: number }> = []

  constructor(name: string) {
    this.name = name
  }
}

/** Letters of one pattern and key go in order. */
const laneOf = ({ pattern, key }: Letter): string => `${pattern} ${key}`

const placeOf = ({ letters }: Lane, { seq }: Letter): number => {
  const place = letters.findIndex((letter) => letter.seq === seq)
  if (place < 0) throw new Error(`letter ${seq} does not stand in line`)
  return place
}

/** See the file. It belongs to one state of the delivery; whoever finds another one there makes a new lineup. */
export class Lineup {
  /** The state that it tells of. */
  of: DeliveryRecord | undefined
  readonly #lanes = new Map<string, Lane>()
  readonly #ready = new Set<Lane>()
  readonly #waiting = new WakeHeap<Lane>()

  /** `inFlight` says which letters are on their way. */
  constructor(record: DeliveryRecord, inFlight: ReadonlyMap<number, number>) {
    this.of = record
    const busy = new Set<Lane>()
    for (const letter of lettersOf(record.pages)) {
      if (letter.deadAt !== undefined) continue
      const lane = this.#push(letter)
      // Not always the first: one that is replayed has its old place in front of it.
      if (inFlight.has(letter.seq)) busy.add(lane)
    }
    for (const lane of this.#lanes.values()) if (!busy.has(lane)) this.#queue(lane)
  }

  /** Whether a letter could go at once. */
  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  /** When the next attempt is due, ms; infinite for none. */
  get nextAt(): number {
    return this.#waiting.next
  }

  /** A new letter, behind all others. */
  add(letter: Letter): void {
    const lane = this.#push(letter)
    if (lane.letters.length === 1) this.#queue(lane)
  }

  /** Takes the letter that goes next, if there is one. It is on its way until {@link done} or {@link wait}. */
  take(now: number): number | undefined {
    for (let due = this.#waiting.take(now); due !== undefined; due = this.#waiting.take(now)) this.#ready.add(due)
    for (const lane of this.#ready) {
      this.#ready.delete(lane)
      return lane.letters[0]?.seq
    }
    return undefined
  }

  /** A letter that was on its way has arrived or is dead: the next of its key may go. */
  done(letter: Letter): void {
    const lane = this.#lanes.get(laneOf(letter))
    if (lane === undefined) return
    lane.letters.splice(placeOf(lane, letter), 1)
    if (lane.letters.length === 0) this.#lanes.delete(lane.name)
    else this.#queue(lane)
  }

  /** A letter that was on its way is tried again at its time. */
  wait(letter: Letter): void {
    const lane = this.#lanes.get(laneOf(letter))
    const waiting = lane?.letters[placeOf(lane, letter)]
    if (lane === undefined || waiting === undefined) return
    waiting.notBefore = letter.notBefore ?? 0
    this.#queue(lane)
  }

  #push(letter: Letter): Lane {
    const name = laneOf(letter)
    const lane = this.#lanes.get(name) ?? new Lane(name)
    this.#lanes.set(name, lane)
    lane.letters.push({ seq: letter.seq, notBefore: letter.notBefore ?? 0 })
    return lane
  }

  #queue(lane: Lane): void {
    const notBefore = lane.letters[0]?.notBefore ?? 0
    if (notBefore > 0) this.#waiting.put(lane, notBefore)
    else this.#ready.add(lane)
  }
}
