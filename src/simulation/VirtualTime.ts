/** Virtual time: one queue of events that runs a whole fleet in one thread, and the host that each node gets from it. */
import type { Cancel, Host } from "../actors/Host.ts"
import type { Random } from "./Random.ts"

/** Wall clock at the start of every run, ms since 1970: 2026-01-01. */
export const epochMillis = 1_767_225_600_000

interface Scheduled {
  readonly time: number
  /** Place among events of one instant: first scheduled, first run. */
  readonly order: number
  /** Absent once cancelled. */
  run: (() => void) | undefined
  readonly host: VirtualHost | undefined
}

const isBefore = (left: Scheduled, right: Scheduled): boolean =>
  left.time < right.time || (left.time === right.time && left.order < right.order)

/** A power of two: sums and differences of instants are exact, so a deadline that has come is never a hair away. */
const ticksPerMilli = 1024

/** More events than this at one instant are a loop. */
const instantEventsMax = 100_000

/** The queue of events, earliest first. Nothing in a run happens but by one of its events. */
export class VirtualTime {
  /** Ms since the start of the run. */
  now = 0
  /** Events run so far. */
  count = 0
  readonly #heap: Array<Scheduled> = []
  #order = 0
  #instant = 0

  /** Runs once, `delay` ms from now. An event of a host waits while that is frozen and is lost when it dies. */
  at(delay: number, run: () => void, host?: VirtualHost): Scheduled {
    const time = this.now + (delay > 0 ? Math.ceil(delay * ticksPerMilli) / ticksPerMilli : 0)
    const event: Scheduled = { time, order: this.#order++, run, host }
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || isBefore(parent, event)) break
      heap[index] = parent
      index = above
    }
    heap[index] = event
    return event
  }

  /** Runs every event up to and at `until`. */
  runUntil(until: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.time <= until; first = this.#heap[0]) {
      this.#removeFirst()
      const { run, host } = first
      if (run === undefined) continue
      if (first.time > this.now) this.#instant = 0
      else if (++this.#instant > instantEventsMax) throw new Error(`time stands still at ${this.now} ms`)
      this.now = first.time
      this.count++
      if (host === undefined) run()
      else host.take(first)
    }
    this.now = until
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      let child = heap[below]
      if (child === undefined) break
      const sibling = heap[below + 1]
      if (sibling !== undefined && isBefore(sibling, child)) {
        child = sibling
        below++
      }
      if (isBefore(last, child)) break
      heap[index] = child
      index = below
    }
    heap[index] = last
  }
}

/** How many callbacks a thawed process works off at one instant, and how long until the next few. */
const thawedAtOnce = 5
const thawStepMillis = 0.2

/**
 * One process in virtual time. Frozen (SIGSTOP), its callbacks pile up while both clocks go on; dead, they are lost. A
 * restarted process is a new host.
 */
export class VirtualHost implements Host {
  readonly time: VirtualTime
  readonly random: Random
  isAlive = true
  isFrozen = false
  #backlog: Array<Scheduled> = []
  #deferred: Array<() => void> = []
  #isInTurn = false
  readonly #clockSkew: number
  readonly #report: (what: string, cause: unknown) => void

  constructor(
    time: VirtualTime,
    random: Random,
    options: { readonly clockSkewMillis: number; readonly report: (what: string, cause: unknown) => void }
  ) {
    this.time = time
    this.random = random
    this.#clockSkew = options.clockSkewMillis
    this.#report = options.report
  }

  // Closures, because the actor layer passes these functions on without their host.
  readonly now = (): number => Math.floor(epochMillis + this.time.now + this.#clockSkew)
  readonly monotonic = (): number => this.time.now
  readonly schedule = (delayMillis: number, run: () => void): Cancel => {
    const event = this.time.at(delayMillis, run, this)
    return () => {
      event.run = undefined
    }
  }
  readonly defer = (run: () => void): void => {
    // Outside a turn (a test, the start of a run) there is no end of turn to wait for.
    if (this.#deferred.push(run) === 1 && !this.#isInTurn) this.time.at(0, () => {}, this)
  }
  readonly report = (what: string, cause: unknown): void => this.#report(what, cause)

  /** Runs an event of this process now; behind what piled up while it was frozen. */
  take(event: Scheduled): void {
    if (!this.isAlive) return
    if (this.isFrozen || this.#backlog.length > 0) this.#backlog.push(event)
    else this.#turn(event)
  }

  #turn(event: Scheduled): void {
    if (event.run === undefined) return
    this.#isInTurn = true
    event.run()
    // What is deferred while the turn ends still belongs to it; a state machine that never comes to rest is a bug.
    for (let rounds = 0; this.#deferred.length > 0 && this.isAlive; rounds++) {
      if (rounds > 10_000) throw new Error("a turn of the event loop does not end")
      const runs = this.#deferred
      this.#deferred = []
      for (const run of runs) run()
    }
    this.#isInTurn = false
  }

  freeze(): void {
    this.isFrozen = true
  }

  /** Works off what has piled up, in order, a few callbacks at a time: other processes come between. */
  thaw(): void {
    if (!this.isFrozen || !this.isAlive) return
    this.isFrozen = false
    const step = () => {
      for (let count = 0; count < thawedAtOnce && !this.isFrozen && this.isAlive; count++) {
        const event = this.#backlog[0]
        if (event === undefined) return
        this.#turn(event)
        this.#backlog.shift()
      }
      if (this.#backlog.length > 0 && !this.isFrozen) this.time.at(thawStepMillis, step)
    }
    step()
  }

  /** Nothing of this process runs any more. */
  kill(): void {
    this.isAlive = false
    this.#backlog = []
    this.#deferred = []
  }
}
