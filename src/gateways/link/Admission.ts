/** Lets new connections in at a steady pace, so that a storm of reconnects does not starve the boards that are there. */
import type { Host } from "../../actors/Host.ts"

/** How a listener lets connections in. */
export interface AdmissionTerms {
  /** New connections a second. */
  readonly perSecond: number
  /** Nobody is let in while the event loop is later than this, ms. */
  readonly loopDelayMillisMax: number
  /** A connection that has waited this long is given up: its client has, too. */
  readonly waitMillisMax: number
}

/** Terms of a listener whose config says nothing else. */
export const defaultAdmission: AdmissionTerms = { perSecond: 300, loopDelayMillisMax: 100, waitMillisMax: 10_000 }

/** A connection at the door. One of the two is called, once. */
export interface Arrival {
  readonly enter: () => void
  readonly giveUp: () => void
}

const roundMillis = 20
/** Share of a second's budget that may enter at once after a quiet time. */
const burstShare = 10

/** The door of one listener: first come, first served. */
export class Admission {
  readonly #host: Host
  readonly #terms: AdmissionTerms
  readonly #waiting: Array<{ readonly arrival: Arrival; readonly at: number }> = []
  #budget: number
  #refilledAt: number
  #isRunning = false
  #isClosed = false

  constructor(host: Host, terms: AdmissionTerms = defaultAdmission) {
    this.#host = host
    this.#terms = terms
    this.#budget = this.#burst
    this.#refilledAt = host.monotonic()
  }

  /** Connections that wait at the door. */
  get waiting(): number {
    return this.#waiting.length
  }

  arrive(arrival: Arrival): void {
    if (this.#isClosed) return arrival.giveUp()
    const now = this.#host.monotonic()
    this.#refill(now)
    if (this.#waiting.length === 0 && this.#budget >= 1) {
      this.#budget--
      return arrival.enter()
    }
    this.#waiting.push({ arrival, at: now })
    this.#run(now)
  }

  /** Gives up all that wait, and whoever comes later. */
  close(): void {
    this.#isClosed = true
    for (const { arrival } of this.#waiting.splice(0)) arrival.giveUp()
  }

  get #burst(): number {
    return Math.max(1, this.#terms.perSecond / burstShare)
  }

  #refill(now: number): void {
    this.#budget = Math.min(this.#burst, this.#budget + ((now - this.#refilledAt) * this.#terms.perSecond) / 1_000)
    this.#refilledAt = now
  }

  #run(now: number): void {
    if (this.#isRunning) return
    this.#isRunning = true
    const due = now + roundMillis
    this.#host.schedule(roundMillis, () => {
      this.#isRunning = false
      this.#round(due)
    })
  }

  #round(due: number): void {
    const now = this.#host.monotonic()
    this.#refill(now)
    // The round's own lateness is the delay of the loop.
    const isBusy = now - due > this.#terms.loopDelayMillisMax
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const isStale = now - first.at >= this.#terms.waitMillisMax
      if (!isStale && (isBusy || this.#budget < 1)) break
      this.#waiting.shift()
      if (isStale) first.arrival.giveUp()
      else {
        this.#budget--
        first.arrival.enter()
      }
    }
    if (this.#waiting.length > 0) this.#run(now)
  }
}
