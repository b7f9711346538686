/** What a run found: how often each check was made, and what it found wrong first. */
import type { Check } from "./Checks.ts"
import type { FaultKind } from "./Faults.ts"

/** One broken promise. */
export interface Violation {
  readonly check: Check
  /** Ms of the run. */
  readonly at: number
  readonly detail: string
}

/** Collects what checkers see during one run. */
export class Verdict {
  readonly checks = new Map<Check, number>()
  readonly faults = new Map<FaultKind, number>()
  /** What happened that is no promise, for the report: how hard the run was. */
  readonly facts = new Map<string, number>()
  /** The first violation of each check. */
  readonly violations = new Map<Check, Violation>()
  readonly #now: () => number
  readonly #trace: (line: string) => void

  constructor(now: () => number, trace: (line: string) => void) {
    this.#now = now
    this.#trace = trace
  }

  /** Counts a check, and notes a violation when `holds` is false. */
  check(name: Check, holds: boolean, detail: () => string): void {
    count(this.checks, name)
    if (!holds) this.violate(name, detail())
  }

  violate(check: Check, detail: string): void {
    this.#trace(`VIOLATION ${check}: ${detail}`)
    if (!this.violations.has(check)) this.violations.set(check, { check, at: Math.floor(this.#now()), detail })
  }

  fault(kind: FaultKind): void {
    count(this.faults, kind)
  }

  fact(kind: string): void {
    count(this.facts, kind)
  }
}

const count = <Name>(counts: Map<Name, number>, name: Name): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
