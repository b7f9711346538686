/**
 * All that patterns keep, as of one moment, drawn in pieces while they go on: what is about to change is written down
 * first, and what has been written bears the number of the cut. So none of it takes long, however many keys there are.
 */
import { decodeStoredAll, encodeStored } from "../../protocol/Stored.ts"
import type { EventTime } from "./EventTime.ts"
import type { PatternMachine } from "./PatternMachine.ts"
import { asList, asNumber, asText, SnapshotMalformed } from "./State.ts"

const form = 2
/** About so much is drawn at once, bytes: a millisecond. */
const pieceBytes = 60_000

/** What an item is about; the number of its kind stands first. */
const kinds = { time: 0, source: 1, pattern: 2, part: 3 } as const

const joined = (items: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const item of items) {
    bytes.set(item, at)
    at += item.length
  }
  return bytes
}

export class Cut {
  /** What bears it is written, or newer than the cut. */
  readonly number: number
  /** Whether all is drawn: without the last piece the others are good for nothing. */
  isWhole = false
  private readonly time: EventTime
  private readonly walk: Iterator<void>
  private readonly numbers = new Map<PatternMachine, number>()
  private readonly pieces: Array<Uint8Array> = []
  private items: Array<Uint8Array> = []
  private size = 0

  /** As of now; ends the one before. */
  constructor(time: EventTime, machines: Iterable<PatternMachine>) {
    this.time = time
    this.number = time.cutNumber += 1
    time.cut = this
    this.write([kinds.time, form, ...time.encode()])
    this.walk = walkOver(this, time, [...machines])
  }

  /** The next piece; nothing when there is none left, or another cut has ended this one. */
  next(): Uint8Array | undefined {
    while (this.pieces.length === 0 && this.time.cut === this) {
      if (this.walk.next().done !== true) continue
      this.end()
      this.isWhole = true
      if (this.size > 0) this.pieces.push(joined(this.items, this.size))
    }
    return this.pieces.shift()
  }

  /** The rest is not wanted. */
  end(): void {
    if (this.time.cut === this) this.time.cut = undefined
  }

  /** Something of a pattern, in its own form. */
  put(machine: PatternMachine, part: unknown): void {
    let number = this.numbers.get(machine)
    if (number === undefined) {
      number = this.numbers.size
      this.numbers.set(machine, number)
      this.write([kinds.pattern, number, machine.pattern.name, machine.signature])
    }
    this.write([kinds.part, number, part])
  }

  /** What is kept of a source. */
  putSource(encoded: unknown): void {
    this.write([kinds.source, encoded])
  }

  private write(item: unknown): void {
    const bytes = encodeStored(item)
    this.items.push(bytes)
    this.size += bytes.length
    if (this.size < pieceBytes) return
    this.pieces.push(joined(this.items, this.size))
    this.items = []
    this.size = 0
  }
}

function* walkOver(cut: Cut, time: EventTime, machines: ReadonlyArray<PatternMachine>): Generator<void> {
  yield* time.draw(cut)
  for (const machine of machines) yield* machine.draw(cut)
}

/** All pieces at once. */
export const drawn = (cut: Cut): Uint8Array => {
  const pieces: Array<Uint8Array> = []
  for (let piece = cut.next(); piece !== undefined; piece = cut.next()) pieces.push(piece)
  return joined(
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0)
  )
}

/**
 * Goes on from the pieces of a cut, joined. A machine gets back what one of its name and signature kept. False, and nothing
 * is known, where another release has written them. Throws {@link SnapshotMalformed} on bytes that are none.
 */
export const readCut = (
  bytes: Uint8Array,
  time: EventTime,
  machineOf: (name: string) => PatternMachine | undefined
): boolean => {
  const items = allOf(bytes)
  const [kind, found, ...head] = asList(items[0])
  if (kind !== kinds.time || found !== form) return false
  time.decode(head)
  for (const item of items) {
    const [each, encoded] = asList(item)
    if (each === kinds.source) time.readSource(encoded)
  }
  const machines: Array<PatternMachine | undefined> = []
  for (const item of items) {
    const [each, at, name, signature] = asList(item)
    if (each === kinds.part) machines[asNumber(at)]?.read(name)
    if (each !== kinds.pattern) continue
    const machine = machineOf(asText(name))
    machines[asNumber(at)] = machine?.signature === signature ? machine : undefined
  }
  return true
}

const allOf = (bytes: Uint8Array): ReadonlyArray<unknown> => {
  try {
    return decodeStoredAll(bytes)
  } catch {
    throw new SnapshotMalformed("a snapshot of patterns: no CBOR")
  }
}
