/** What a run found: how often each check was made, and what it found wrong first. */

/** One broken promise. */
export interface Violation {
  readonly check: string
  /** Ms of the run. */
  readonly at: number
  readonly detail: string
}

export class Verdict {
  readonly checks = new Map<string, number>()
  readonly faults = new Map<string, number>()
  /** What happened that is no promise, for the report: how hard the run was. */
  readonly facts = new Map<string, number>()
  /** The first violation of each check. */
  readonly violations = new Map<string, Violation>()
  readonly #now: () => number
  readonly #trace: (line: string) => void

  constructor(now: () => number, trace: (line: string) => void) {
    this.#now = now
    this.#trace = trace
  }

  /** Counts a check, and notes a violation when `holds` is false. */
  check(name: string, holds: boolean, detail: () => string): void {
    count(this.checks, name)
    if (!holds) this.violate(name, detail())
  }

  violate(check: string, detail: string): void {
    this.#trace(`VIOLATION ${check}: ${detail}`)
    if (!this.violations.has(check)) this.violations.set(check, { check, at: Math.floor(this.#now()), detail })
  }

  fault(kind: string): void {
    count(this.faults, kind)
  }

  fact(kind: string): void {
    count(this.facts, kind)
  }
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
