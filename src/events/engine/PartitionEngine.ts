/**
 * All patterns over the part of the stream that one partition works on. It is fed with every event, in the order of the
 * stream, and gives matches; it reads no clock, but to say what patterns cost, and waits for nothing. Patterns may change between any two events.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { PatternNumbers } from "../../protocol/PatternPartition.ts"
import { documentOf } from "../matching/Document.ts"
import { Matcher, type MatcherCounters } from "../matching/Matcher.ts"
import type { StoredPattern } from "../Patterns.ts"
import { within } from "../PatternZones.ts"
import { Cut, drawn, readCut } from "../temporal/Cut.ts"
import { EventTime, type Source } from "../temporal/EventTime.ts"
import { makeMachine } from "../temporal/MakeMachine.ts"
import type { Match } from "../temporal/Match.ts"
import type { PatternMachine } from "../temporal/PatternMachine.ts"
import { readKey } from "../temporal/Reading.ts"
import { Cost } from "./Cost.ts"
import { conditionOf } from "./InterestCondition.ts"
import { homesOf, partitionOf } from "./Partition.ts"
import type { Counted } from "./PatternWatch.ts"

/** One pattern at work. */
interface Worker {
  readonly stored: StoredPattern
  readonly machine: PatternMachine
  readonly reader: KeyReader
  readonly cost: Cost
  /** Whether this partition works for it on what has an empty key, or none. */
  isHome: boolean
  /** Interests that the event at hand fulfils, one bit each, and for which event that stands. */
  hits: number
  epoch: number
}

/** Reads the key of an event for all patterns that have the same `by`. */
interface KeyReader {
  readonly read: (event: HolonEvent) => string | undefined
  /** Whether one of them is at home here. */
  isHome: boolean
  /** The key of the event at hand, and whether it is one of this partition; false where it is empty. */
  key: string | undefined
  isOurs: boolean
}

/** An interest of a worker: what the matcher finds. */
interface Wish {
  readonly worker: Worker
  readonly bit: number
}

/** A match, and what it was a match of. */
export interface Found {
  readonly stored: StoredPattern
  readonly match: Match
}

const nothingFound: ReadonlyArray<Found> = []

const fieldsOf = ({ pattern }: StoredPattern): string => JSON.stringify(pattern.by)

const isSame = (one: StoredPattern, other: StoredPattern): boolean =>
  one.id === other.id && one.version === other.version && String(one.zones) === String(other.zones)

export class PartitionEngine {
  readonly #partition: number | "all"
  readonly #time = new EventTime()
  readonly #matcher = new Matcher<Wish>()
  readonly #workers = new Map<string, Worker>()
  readonly #wishes = new Map<Worker, ReadonlyArray<Wish>>()
  /** By the fields of the key. */
  #readers = new Map<string, KeyReader>()
  /** Patterns that follow another one, by its name. */
  readonly #followers = new Map<string, Array<Worker>>()
  #found: Array<Found> = []
  readonly #touched: Array<Worker> = []
  #epoch = 0

  /** `all` works on every key: for trying a pattern out. */
  constructor(partition: number | "all") {
    this.#partition = partition
  }

  /** Matches since they were taken last, in the order in which they were found. */
  takeFound(): ReadonlyArray<Found> {
    const found = this.#found
    if (found.length === 0) return nothingFound
    this.#found = []
    return found
  }

  /** When {@link advance} has something to do, our time, ms. */
  get next(): number {
    return this.#time.wakes.next
  }

  /**
   * From now on these patterns. One that is new in no way that matters goes on with what it has seen; any other begins anew.
   * One that cannot be made, because it was stored by another release, is left out: its name is answered.
   */
  setPatterns(patterns: ReadonlyArray<StoredPattern>): ReadonlyArray<string> {
    const wanted = new Map(patterns.filter(({ isOn }) => isOn).map((stored) => [stored.name, stored]))
    for (const [name, worker] of this.#workers) if (!wanted.has(name)) this.#dismiss(worker)
    const failed: Array<string> = []
    for (const stored of wanted.values()) {
      const known = this.#workers.get(stored.name)
      if (known !== undefined && isSame(known.stored, stored)) continue
      try {
        this.#hire(stored, known)
      } catch {
        if (known !== undefined) this.#dismiss(known)
        failed.push(stored.name)
      }
    }
    this.#followers.clear()
    for (const worker of this.#workers.values())
      for (const name of worker.machine.follows)
        this.#followers.set(name, [...(this.#followers.get(name) ?? []), worker])
    this.#settleHomes()
    return failed
  }

  /** Which workers are at home here, and which keys are still read. */
  #settleHomes(): void {
    const homes = homesOf(Array.from(this.#workers, ([name, { machine }]) => ({ name, follows: machine.follows })))
    this.#readers = new Map()
    for (const [name, worker] of this.#workers) {
      const { reader, stored } = worker
      // What has no key is nobody's; a machine counts it, and one partition is enough for that.
      worker.isHome = this.#partition === "all" || partitionOf(homes.get(name) ?? name, "") === this.#partition
      const fields = fieldsOf(stored)
      reader.isHome = worker.isHome || (this.#readers.has(fields) && reader.isHome)
      this.#readers.set(fields, reader)
    }
  }

  #readerOf(stored: StoredPattern): KeyReader {
    const fields = fieldsOf(stored)
    const known = this.#readers.get(fields)
    if (known !== undefined) return known
    const reader: KeyReader = { read: readKey(stored.pattern.by), isHome: false, key: undefined, isOurs: false }
    this.#readers.set(fields, reader)
    return reader
  }

  #hire(stored: StoredPattern, known: Worker | undefined): void {
    const machine = makeMachine(stored.pattern, {
      version: stored.version,
      time: this.#time,
      deliver: (match) => this.#deliver(stored, match)
    })
    const worker: Worker = {
      stored,
      machine,
      reader: this.#readerOf(stored),
      cost: new Cost(),
      isHome: false,
      hits: 0,
      epoch: 0
    }
    const wishes = machine.interests.map((interest, index) => ({
      wish: { worker, bit: 1 << index },
      condition: within(stored.zones, conditionOf(interest))
    }))
    if (known !== undefined) {
      if (known.machine.signature === machine.signature) machine.restore(known.machine.snapshot())
      this.#dismiss(known)
    }
    for (const { wish, condition } of wishes) this.#matcher.set(wish, condition)
    this.#wishes.set(
      worker,
      wishes.map(({ wish }) => wish)
    )
    this.#workers.set(stored.name, worker)
  }

  #dismiss(worker: Worker): void {
    for (const wish of this.#wishes.get(worker) ?? []) this.#matcher.delete(wish)
    this.#wishes.delete(worker)
    worker.machine.end()
    this.#workers.delete(worker.stored.name)
  }

  /** The next event of the stream. */
  take(event: HolonEvent): void {
    const source = this.#time.admit(event)
    this.#advance()
    if (source === undefined) return
    this.#epoch++
    if (!this.#isForUs(event, source)) return
    this.#matcher.match(documentOf(event), this.#note)
    const touched = this.#touched
    for (let index = 0; index < touched.length; index++) {
      const worker = touched[index]
      if (worker === undefined) continue
      const { cost, machine, reader } = worker
      const { key, isOurs } = reader
      if (key === undefined || key === "" ? !worker.isHome : !isOurs) continue
      if (!cost.begin()) {
        machine.take(event, source, worker.hits, key)
        continue
      }
      const began = performance.now()
      machine.take(event, source, worker.hits, key)
      cost.add(performance.now() - began)
    }
    touched.length = 0
  }

  /** Reads the keys of an event. With a key that every pattern reads, most events are another partition's: those are not matched. */
  #isForUs(event: HolonEvent, source: Source): boolean {
    const partition = this.#partition
    let isForUs = false
    for (const reader of this.#readers.values()) {
      const key = reader.read(event)
      // One text for all that is kept of a source: where two are the same, none is read to compare them.
      reader.key = key === source.id ? source.id : key
      const isEmpty = key === undefined || key === ""
      reader.isOurs = !isEmpty && (partition === "all" || partitionOf("", key) === partition)
      isForUs ||= isEmpty ? reader.isHome : reader.isOurs
    }
    return isForUs
  }

  readonly #note = ({ worker, bit }: Wish): void => {
    if (worker.epoch !== this.#epoch) {
      worker.epoch = this.#epoch
      worker.hits = 0
      this.#touched.push(worker)
    }
    worker.hits |= bit
  }

  /** Our time has come so far: does what is due. */
  advance(now: number): void {
    this.#time.advance(now)
    this.#advance()
  }

  #advance(): void {
    const { now, wakes } = this.#time
    if (wakes.next <= now) wakes.wake(now)
  }

  #deliver(stored: StoredPattern, match: Match): void {
    this.#found.push({ stored, match })
    // Patterns over patterns form no circle: that is checked before they are stored.
    for (const follower of this.#followers.get(match.pattern) ?? []) follower.machine.follow(match)
  }

  /** What the matcher has counted. */
  get matching(): MatcherCounters {
    return { ...this.#matcher.counters, events: this.#epoch }
  }

  /** What the pattern of a name has counted and keeps; nothing for one that is not looked for. */
  numbersOf(name: string): PatternNumbers | undefined {
    const worker = this.#workers.get(name)
    if (worker === undefined) return undefined
    const { cost, machine } = worker
    const micros = Math.round(cost.millis * 1000)
    return { ...machine.metrics, micros, keys: machine.keyCount, bytes: Math.round(machine.bytes) }
  }

  /** What each pattern has counted and cost, by its name. */
  metrics(): ReadonlyMap<string, Counted> {
    return new Map(
      Array.from(this.#workers, ([name, { cost, machine }]) => [name, { counts: machine.metrics, millis: cost.millis }])
    )
  }

  /** Draws all it has seen up to now in pieces, while it goes on. Joined they are a {@link snapshot}. Ends one that is under way. */
  cut(): Cut {
    return new Cut(
      this.#time,
      Array.from(this.#workers.values(), ({ machine }) => machine)
    )
  }

  /** All it has seen, as bytes. */
  snapshot(): Uint8Array {
    return drawn(this.cut())
  }

  /**
   * Goes on from a snapshot, after its patterns were set; those that say something else now begin anew. False, and it has
   * seen nothing, where another release has written it. Throws `SnapshotMalformed` on bytes that are none.
   */
  restore(bytes: Uint8Array): boolean {
    return readCut(bytes, this.#time, (name) => this.#workers.get(name)?.machine)
  }
}
