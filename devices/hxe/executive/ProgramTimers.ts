/** The timers that programs make through the gateway: each one posts to a mailbox of its own. */
import { halErrors } from "./ProgramHal.ts"

const timersPerTask = 8
const periodMillisMin = 1
const periodMillisMax = 86_400_000

interface Timer {
  readonly id: number
  readonly pid: number
  readonly periodMillis: number
  readonly isOneShot: boolean
  due: number
  ticks: number
}

/** All timers. Missed periods count as ticks but are posted once. */
export class ProgramTimers {
  readonly #now: () => number
  readonly #post: (target: string, bytes: Uint8Array) => void
  readonly #timers = new Map<number, Timer>()
  #nextId = 1

  constructor(now: () => number, post: (target: string, bytes: Uint8Array) => void) {
    this.#now = now
    this.#post = post
  }

  get size(): number {
    return this.#timers.size
  }

  /** Answers the timer's number, or a negative error. A period below a millisecond is taken as one. */
  create(pid: number, periodMicros: number, isOneShot: boolean): number {
    const periodMillis = Math.max(periodMicros / 1000, periodMillisMin)
    if (periodMicros === 0 || periodMillis > periodMillisMax) return halErrors.invalid
    if ([...this.#timers.values()].filter((timer) => timer.pid === pid).length >= timersPerTask)
      return halErrors.noMemory
    const id = this.#nextId++
    this.#timers.set(id, { id, pid, periodMillis, isOneShot, due: this.#now() + periodMillis, ticks: 0 })
    return id
  }

  /** Ends a task's own timer. */
  cancel(pid: number, id: number): number {
    if (this.#timers.get(id)?.pid !== pid) return halErrors.invalid
    this.#timers.delete(id)
    return 0
  }

  removeTask(pid: number): void {
    for (const timer of [...this.#timers.values()]) if (timer.pid === pid) this.#timers.delete(timer.id)
  }

  nextDue(): number | undefined {
    let next: number | undefined
    for (const { due } of this.#timers.values()) next = Math.min(next ?? due, due)
    return next
  }

  /** Posts what is due: number and ticks so far, little-endian. */
  run(): void {
    const now = this.#now()
    for (const timer of [...this.#timers.values()]) {
      if (timer.due > now) continue
      const periods = timer.isOneShot ? 1 : Math.floor((now - timer.due) / timer.periodMillis) + 1
      timer.ticks += periods
      timer.due += periods * timer.periodMillis
      if (timer.isOneShot) this.#timers.delete(timer.id)
      const bytes = new DataView(new ArrayBuffer(8))
      bytes.setUint32(0, timer.id, true)
      bytes.setUint32(4, timer.ticks, true)
      this.#post(`hal:timer:${timer.id}`, new Uint8Array(bytes.buffer))
    }
  }
}
