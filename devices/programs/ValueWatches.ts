/** Values of programs that the cluster watches: said when they change enough, and not too often. */
import type { ValueId, ValueSample } from "../../src/protocol/frame/ProgramFrames.ts"
import type { Clock } from "../agent/Clock.ts"
import { type PaceLimits, ValuePace } from "../hxe/executive/ValuePace.ts"

/** Values that may be watched at a time. */
const watchesMax = 256

interface Watch {
  readonly program: string
  readonly id: ValueId
  /** Number of the value within its program. */
  readonly oid: number
  readonly pace: ValuePace
  /** The value now, while it waits for its time. */
  waiting: (() => void) | undefined
  value: number
}

/** What watches get from their board. */
export interface WatchPorts {
  readonly clock: Clock
  readonly say: (program: string, sample: ValueSample) => void
}

/** All watches of one boot. They outlive the restarts of their programs. */
export class ValueWatches {
  readonly #ports: WatchPorts
  readonly #watches = new Map<string, Watch>()

  constructor(ports: WatchPorts) {
    this.#ports = ports
  }

  /** Watches a value from now on and says what it is. False when there is no room for another. */
  on(program: string, id: ValueId, value: { readonly oid: number; readonly now: number }, limits: PaceLimits): boolean {
    const key = keyOf(program, value.oid)
    this.#drop(key)
    if (this.#watches.size >= watchesMax) return false
    const watch: Watch = {
      program,
      id,
      oid: value.oid,
      pace: new ValuePace(limits),
      waiting: undefined,
      value: value.now
    }
    this.#watches.set(key, watch)
    this.#say(watch)
    return true
  }

  /** Watches it no more. */
  off(program: string, oid: number): void {
    this.#drop(keyOf(program, oid))
  }

  /** The program is no longer on the board. */
  forget(program: string): void {
    for (const [key, watch] of this.#watches) if (watch.program === program) this.#drop(key)
  }

  /** A value changed, or may have. */
  changed(program: string, oid: number, value: number): void {
    const watch = this.#watches.get(keyOf(program, oid))
    if (watch === undefined) return
    watch.value = value
    if (watch.waiting !== undefined || !watch.pace.isNews(value)) return
    const due = watch.pace.due - this.#ports.clock.board()
    if (due <= 0) return this.#say(watch)
    watch.waiting = this.#ports.clock.schedule(Math.ceil(due), () => {
      watch.waiting = undefined
      if (watch.pace.isNews(watch.value)) this.#say(watch)
    })
  }

  /** The board stops. */
  stop(): void {
    for (const key of [...this.#watches.keys()]) this.#drop(key)
  }

  #say(watch: Watch): void {
    const at = Math.floor(this.#ports.clock.board())
    watch.pace.say(watch.value, at)
    // A value that is no number cannot cross the link.
    if (Number.isFinite(watch.value)) this.#ports.say(watch.program, { id: watch.id, value: watch.value, at })
  }

  #drop(key: string): void {
    this.#watches.get(key)?.waiting?.()
    this.#watches.delete(key)
  }
}

const keyOf = (program: string, oid: number): string => `${oid} ${program}`
