/** The room for names, units and help texts, shared by values and commands. */

const encoder = new TextEncoder()

/** Bytes a text takes: its UTF-8 and an end. An absent one takes none. */
export const stringBytes = (text: string | undefined): number =>
  text === undefined ? 0 : encoder.encode(text).length + 1

/** Counts what is used of the room. */
export class StringPool {
  readonly limit: number
  #used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get free(): number {
    return this.limit - this.#used
  }

  /** Takes room; false, and nothing taken, when it does not suffice. `soonFree` is room that will be given back at once. */
  take(bytes: number, soonFree = 0): boolean {
    if (bytes > this.free + soonFree) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}
