/** Which ops of a dispatcher are not wanted any more, for their effects on this node: as long as they run, and from before they do. */

/** Memory of one activation. */
export class Stops {
  readonly #stopped = new Set<string>()
  readonly #listeners = new Map<string, () => void>()

  /** Nobody wants the op any more. */
  stop(op: string): void {
    this.#stopped.add(op)
    this.#listeners.get(op)?.()
  }

  /** Calls back once nobody wants the op any more, at once where that is so. */
  listen(op: string, stopped: () => void): void {
    this.#listeners.set(op, stopped)
    if (this.#stopped.has(op)) stopped()
  }

  /** The effect has ended. */
  forget(op: string): void {
    this.#listeners.delete(op)
    this.#stopped.delete(op)
  }
}
