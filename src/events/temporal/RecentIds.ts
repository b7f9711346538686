/** The ids that came last, so that an event that comes again is known. */

/** Holds between one and two times `remembered` ids, the newest. */
export class RecentIds {
  private readonly remembered: number
  private newer = new Set<string>()
  private older = new Set<string>()

  constructor(remembered: number) {
    this.remembered = remembered
  }

  /** Notes an id, and tells whether it is new. */
  add(id: string): boolean {
    if (this.newer.has(id) || this.older.has(id)) return false
    if (this.newer.size >= this.remembered) {
      this.older = this.newer
      this.newer = new Set()
    }
    this.newer.add(id)
    return true
  }

  /** Oldest first, and how many of them go first when there is no room. */
  state(): readonly [older: ReadonlyArray<string>, newer: ReadonlyArray<string>] {
    return [[...this.older], [...this.newer]]
  }

  restore(older: ReadonlyArray<string>, newer: ReadonlyArray<string>): void {
    this.older = new Set(older)
    this.newer = new Set(newer)
  }
}
