/** Values of programs over restarts of their board: in its store a moment after they change. */
import { Result } from "effect"
import type { Clock } from "../agent/Clock.ts"
import type { StoredValue, ValueStore } from "../hxe/executive/ValueStore.ts"
import type { NvStore } from "../nv/NvStore.ts"
import type { Refused } from "../Refused.ts"

/** See the file. Programs ask again for each start; what they were last given back may be older after a rollback. */
export class KeptValues implements ValueStore {
  readonly #store: NvStore
  readonly #clock: Clock
  #cancel: (() => void) | undefined

  constructor(store: NvStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  load(key: number): StoredValue {
    return this.#store.value(key) ?? (this.#store.staleValues().has(key) ? "stale" : undefined)
  }

  save(key: number, bits: number): void {
    // The program's own wait is over when it says so; the store adds its least interval.
    this.#store.setValue(key, bits, 0, this.#clock.board())
    this.#await()
  }

  /** Forgets the values under all other keys. Says how many there were. */
  keepOnly(keys: ReadonlySet<number>): Result.Result<number, Refused> {
    return this.#store.collectValues(keys)
  }

  /** Saves what waits, while there is time. */
  flush(): void {
    this.#store.saveAll()
  }

  /** No timer of it runs any more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #await(): void {
    const due = this.#store.nextSave()
    if (this.#cancel !== undefined || due === undefined) return
    this.#cancel = this.#clock.schedule(Math.max(0, Math.ceil(due - this.#clock.board())), () => {
      this.#cancel = undefined
      // A memory that failed would be asked again at once, and for ever: the next value tries again.
      if (Result.isSuccess(this.#store.saveDue(this.#clock.board()))) this.#await()
    })
  }
}
