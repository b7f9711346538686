/** One client that hears the events of a board: what waits for it, what it has acknowledged, and when it is too slow. */
import type { EventData } from "../executive/Events.ts"
import type { BoardEvent } from "./EventLog.ts"

/** A subscriber has this long before it is called slow, ms. */
const graceMillis = 1000
/** It is warned at most this often, ms. */
const warningMillis = 500
/** Unacknowledged events at which it is warned, and at which it is cut off: times what may wait, and at least. */
const warned = { times: 2, least: 64 } as const
const cutOff = { times: 4, least: 256 } as const

/** The way to the client. */
export interface EventSink {
  readonly write: (event: BoardEvent) => void
  /** Whether it takes more now; `pump` is called when it does again. */
  readonly hasRoom: () => boolean
  /** The subscription has ended. */
  readonly ended: () => void
}

/** What a subscription is made of. */
export interface SubscriptionOptions {
  /** Names it in warnings. */
  readonly token: string
  /** Events that may wait for the client. */
  readonly maxEvents: number
  /** The number of the last event when it began. */
  readonly cursor: number
  readonly sink: EventSink
  /** Milliseconds on the board's clock. */
  readonly now: () => number
  /** Makes an event that only this client gets. */
  readonly make: (data: EventData) => BoardEvent
}

/** How a subscriber keeps up. */
export interface SubscriptionStatus {
  readonly pending: number
  readonly highWater: number
  readonly drops: number
  readonly lastAck: number
}

/** One subscription. Never waits, and never holds more than its client may have waiting. */
export class Subscription {
  readonly token: string
  readonly maxEvents: number
  readonly #options: SubscriptionOptions
  readonly #sinceMillis: number
  #queue: Array<BoardEvent> = []
  /** Events at the head of the queue that come out of the history: they do not count as waiting. */
  #replayed = 0
  /** Numbers of the events that were handed over or wait, and are not acknowledged. */
  #unacknowledged: Array<number> = []
  #lastSeq: number
  #lastAck: number
  #highWater = 0
  #drops = 0
  #warnedMillis = Number.NEGATIVE_INFINITY
  #isOpen = true

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.token = options.token
    this.maxEvents = options.maxEvents
    this.#sinceMillis = options.now()
    this.#lastSeq = options.cursor
    this.#lastAck = options.cursor
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get status(): SubscriptionStatus {
    return {
      pending: this.#unacknowledged.length,
      highWater: this.#highWater,
      drops: this.#drops,
      lastAck: this.#lastAck
    }
  }

  /** How full it is; 1 is full. */
  get pressure(): number {
    return this.#unacknowledged.length / this.maxEvents
  }

  /** Events of before come first. Called once, before anything is offered. */
  replay(events: ReadonlyArray<BoardEvent>, since: number): void {
    this.#lastAck = since
    this.#replayed = events.length
    this.#queue = [...events]
    for (const event of events) this.#count(event)
    this.pump()
  }

  /** The next event. When too many wait, the oldest goes, and a warning says so. */
  offer(event: BoardEvent): void {
    if (!this.#isOpen) return
    const lost = this.#queue.length - this.#replayed < this.maxEvents ? undefined : this.#dropOldest()
    this.#add(event)
    // After the event, which has the lower number.
    if (lost !== undefined) {
      this.#add(this.#warning("event_dropped", { dropped_seq: lost.seq, drops: this.#drops }))
    }
    this.pump()
    this.#judge()
  }

  /** Hands over what waits, as far as the client takes it. */
  pump(): void {
    const { sink } = this.#options
    let taken = 0
    for (const event of this.#queue) {
      if (!this.#isOpen || !sink.hasRoom()) break
      taken += 1
      sink.write(event)
    }
    if (taken === 0) return
    this.#queue = this.#queue.slice(taken)
    this.#replayed = Math.max(0, this.#replayed - taken)
  }

  /** All events up to this number are read. A lower number than before changes nothing. */
  acknowledge(seq: number): void {
    if (seq <= this.#lastAck) return
    this.#lastAck = Math.min(seq, this.#lastSeq)
    this.#unacknowledged = this.#unacknowledged.filter((number) => number > this.#lastAck)
    const waiting = this.#queue.filter((event) => event.seq > this.#lastAck)
    this.#replayed = Math.max(0, this.#replayed - (this.#queue.length - waiting.length))
    this.#queue = waiting
  }

  /** Nothing more goes out. */
  close(): void {
    this.#isOpen = false
    this.#queue = []
  }

  #add(event: BoardEvent): void {
    this.#queue.push(event)
    this.#count(event)
  }

  #count(event: BoardEvent): void {
    this.#lastSeq = Math.max(this.#lastSeq, event.seq)
    this.#unacknowledged.push(event.seq)
    this.#highWater = Math.max(this.#highWater, this.#unacknowledged.length)
  }

  /** Room for the event and for the warning that one was lost. */
  #dropOldest(): BoardEvent | undefined {
    const lost = this.#queue.splice(0, 2)
    this.#replayed = Math.max(0, this.#replayed - lost.length)
    const last = lost.at(-1)
    if (last === undefined) return undefined
    this.#drops += lost.length
    this.#lastAck = Math.max(this.#lastAck, last.seq)
    this.#unacknowledged = this.#unacknowledged.filter((number) => number > this.#lastAck)
    return last
  }

  #judge(): void {
    const now = this.#options.now()
    if (now - this.#sinceMillis < graceMillis) return
    const pending = this.#unacknowledged.length
    const facts = { pending, high_water: this.#highWater, drops: this.#drops }
    if (pending >= Math.max(cutOff.times * this.maxEvents, cutOff.least)) {
      // The last word passes what still waits: the client is told why nothing more comes.
      this.#options.sink.write(this.#warning("slow_consumer_drop", facts))
      this.close()
      this.#options.sink.ended()
      return
    }
    const isSlow = pending >= Math.max(warned.times * this.maxEvents, warned.least)
    if (!isSlow || now - this.#warnedMillis < warningMillis) return
    this.#warnedMillis = now
    this.#add(this.#warning("slow_consumer", facts))
    this.pump()
  }

  #warning(reason: string, data: EventData): BoardEvent {
    return this.#options.make({ reason, ...data, subscription: this.token })
  }
}
