/** A naive account of states that last. */
import type { Threshold } from "../../../src/protocol/pattern/Pattern.ts"

const fulfils = ({ operator, value: limit }: Threshold, value: number | undefined): boolean =>
  value !== undefined && (operator === ">" ? value > limit : value < limit)

/** The states of a value that lasts, told by a list of what was seen and when. */
export class Cycle {
  private readonly when: { readonly over: Threshold; readonly back: Threshold; readonly forMillis: number }
  private isActive = false
  private since: number | undefined
  constructor(when: { readonly over: Threshold; readonly back: Threshold; readonly forMillis: number }) {
    this.when = when
  }
  /** Whether nothing lasts, and nothing is about to. */
  get isClear(): boolean {
    return !this.isActive && this.since === undefined
  }
  see(value: number | undefined, at: number): "enter" | "exit" | undefined {
    const wants = fulfils(this.isActive ? this.when.back : this.when.over, value)
    this.since = wants ? (this.since ?? at) : undefined
    if (this.since === undefined || at - this.since < this.when.forMillis) return undefined
    this.isActive = !this.isActive
    this.since = undefined
    return this.isActive ? "enter" : "exit"
  }
}
