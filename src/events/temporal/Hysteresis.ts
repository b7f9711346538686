/**
 * When a value counts as too high (or low, or whatever the threshold asks): the states clear → pending → active → clearing,
 * with one enter and one exit a cycle. What swings between the two thresholds says nothing.
 */
import type { PatternBody, Threshold } from "../../protocol/pattern/Pattern.ts"
import { asList, asNumber } from "./State.ts"

export type When = Extract<PatternBody, { readonly _tag: "When" }>

const clear = 0
const pending = 1
const active = 2
const clearing = 3

/** Where a key is in the cycle, and since when, event time, ms. */
export interface Phase {
  step: number
  since: number
}

/** Whether a value fulfils a threshold; one that is missing does not. */
export const fulfils = ({ operator, value: limit }: Threshold): ((value: number | undefined) => boolean) => {
  switch (operator) {
    case "<":
      return (value) => value !== undefined && value < limit
    case "<=":
      return (value) => value !== undefined && value <= limit
    case "==":
      return (value) => value === limit
    case "!=":
      return (value) => value !== undefined && value !== limit
    case ">=":
      return (value) => value !== undefined && value >= limit
    case ">":
      return (value) => value !== undefined && value > limit
  }
}

export class Hysteresis {
  /** Whether nothing tells the end from the beginning: there are only matches, no states that last. */
  readonly isPlain: boolean
  readonly isOver: (value: number | undefined) => boolean
  private readonly isBack: (value: number | undefined) => boolean
  private readonly forMillis: number

  constructor(when: When) {
    const { threshold, clear: back, forMillis } = when
    const isOver = fulfils(threshold)
    this.isOver = isOver
    this.isBack = back === undefined ? (value) => !isOver(value) : fulfils(back)
    this.forMillis = forMillis ?? 0
    this.isPlain = back === undefined && forMillis === undefined
  }

  begin(): Phase {
    return { step: clear, since: 0 }
  }

  isClear({ step }: Phase): boolean {
    return step === clear
  }

  /** When it must be looked at again, though nothing comes: the end of the time that it must last. */
  due({ step, since }: Phase): number {
    return step === pending || step === clearing ? since + this.forMillis : Number.POSITIVE_INFINITY
  }

  /** Goes on with the value at a time. Times never go back. */
  step(phase: Phase, value: number | undefined, at: number): "enter" | "exit" | undefined {
    switch (phase.step) {
      case clear:
        if (!this.isOver(value)) return undefined
        phase.since = at
        phase.step = pending
        break
      case pending:
        if (!this.isOver(value)) phase.step = clear
        break
      case active:
        if (!this.isBack(value)) return undefined
        phase.since = at
        phase.step = clearing
        break
      default:
        if (!this.isBack(value)) phase.step = active
    }
    if (at < this.due(phase)) return undefined
    if (phase.step === pending) {
      phase.step = active
      return "enter"
    }
    if (phase.step !== clearing) return undefined
    phase.step = clear
    return "exit"
  }

  encode({ step, since }: Phase): ReadonlyArray<number> {
    return [step, since]
  }

  decode(value: unknown): Phase {
    const [step, since] = asList(value)
    return { step: asNumber(step), since: asNumber(since) }
  }
}
