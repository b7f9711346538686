/** One queue of events for a board under test: time passes only when the test says so. */
import type { Clock } from "../../devices/agent/Clock.ts"

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time, from 0. */
export class VirtualTime {
  #now = 0
  #order = 0
  #timers: Array<Timer> = []

  get now(): number {
    return this.#now
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.length
  }

  readonly schedule = (delayMillis: number, run: () => void): (() => void) => {
    const timer: Timer = { at: this.#now + Math.max(0, delayMillis), order: this.#order++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((candidate) => candidate !== timer)
    }
  }

  /** Lets this much time pass and runs what is due, in order. */
  advance(millis: number): void {
    const end = this.#now + millis
    for (;;) {
      let next: Timer | undefined
      for (const timer of this.#timers) {
        if (timer.at > end) continue
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
      }
      if (next === undefined) break
      const due = next
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
    }
    this.#now = end
  }

  /** Lets time pass until the next timer has run. */
  step(): void {
    const next = Math.min(...this.#timers.map(({ at }) => at))
    if (Number.isFinite(next)) this.advance(next - this.#now)
  }

  /** A board's clock on this time. */
  clock(random: () => number = () => 0.5, wall: () => number | undefined = () => undefined): Clock {
    return { wall, board: () => this.#now, random, schedule: this.schedule }
  }
}
