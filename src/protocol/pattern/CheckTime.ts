/** Checks what a pattern computes over time: thresholds that can be passed and left, windows that end. */
import type { Comparison } from "../condition/Condition.ts"
import { formatDuration } from "./Durations.ts"
import type { Aggregate, Pattern, Threshold, Window } from "./Pattern.ts"
import type { When } from "./ReadWhen.ts"
import type { Report } from "./Report.ts"

interface Reach {
  readonly low: number
  readonly high: number
  readonly isWhole: boolean
}

/** Between which values the aggregate is, whatever comes. */
const reachOf = (aggregate: Aggregate, over: Window | undefined): Reach => {
  const high = over?._tag === "LastEvents" ? over.count : Number.POSITIVE_INFINITY
  switch (aggregate._tag) {
    case "Count":
    case "Distinct":
      return { low: 0, high, isWhole: true }
    case "Rate":
    case "Stddev":
      return { low: 0, high: Number.POSITIVE_INFINITY, isWhole: false }
    default:
      return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, isWhole: false }
  }
}

const canBe = ({ operator, value }: Threshold, { low, high, isWhole }: Reach): boolean => {
  switch (operator) {
    case "<":
      return low < value
    case "<=":
      return low <= value
    case ">":
      return high > value
    case ">=":
      return high >= value
    case "==":
      return low <= value && value <= high && (!isWhole || Number.isInteger(value))
    case "!=":
      return low !== value || high !== value
  }
}

const isFulfilled = (operator: Comparison, value: number, limit: number): boolean => {
  switch (operator) {
    case "<":
      return value < limit
    case "<=":
      return value <= limit
    case "==":
      return value === limit
    case "!=":
      return value !== limit
    case ">=":
      return value >= limit
    case ">":
      return value > limit
  }
}

/** Whether one value can fulfil both: then it would begin and end at once. The limits are put at 1 and 3, so that there are values between and beyond. */
const doOverlap = (one: Threshold, other: Threshold): boolean => {
  const [left, right] = one.value === other.value ? [1, 1] : one.value < other.value ? [1, 3] : [3, 1]
  return [0, 1, 2, 3, 4].some(
    (value) => isFulfilled(one.operator, value, left) && isFulfilled(other.operator, value, right)
  )
}

const oppositeOf = (operator: Comparison): string =>
  operator === ">" || operator === ">="
    ? "<"
    : operator === "<" || operator === "<="
      ? ">"
      : operator === "=="
        ? "!="
        : "=="

const shown = ({ operator, value }: Threshold): string => `${operator} ${value}`

/** Checks `when`. */
export const checkWhen = ({ aggregate, threshold, over, clear, forMillis }: When, report: Report): void => {
  const reach = reachOf(aggregate, over)
  if (over === undefined && aggregate._tag !== "Ewma")
    report(
      "aggregate",
      "Unbounded",
      "without a window it looks back to the first event ever; say over which, as in `over sliding 10min`, or `over last 1 events` for the newest value"
    )
  if (over?._tag === "LastEvents" && over.count < 2 && ["Stddev", "Slope", "Delta", "Rate"].includes(aggregate._tag))
    report("over", "NeverMatches", `${aggregate._tag.toLowerCase()} needs two events at least`)
  if (!canBe(threshold, reach))
    report("threshold", "NeverMatches", `${aggregate._tag.toLowerCase()} here is never ${shown(threshold)}`)
  if (clear !== undefined) {
    if (!canBe(clear, reach))
      report(
        "clear",
        "NeverMatches",
        `${aggregate._tag.toLowerCase()} here is never ${shown(clear)}, so that it would never end`
      )
    else if (doOverlap(threshold, clear))
      report(
        "clear",
        "Contradiction",
        `what is ${shown(threshold)} would end at once where it is ${shown(clear)} as well; \`clear\` is on the other side, as in \`clear ${oppositeOf(threshold.operator)} ${threshold.value}\``
      )
  }
  checkDwell(over, forMillis, report)
}

/** Checks that late events can change what is found. */
export const checkLate = ({ body, allowLateMillis }: Pattern, report: Report): void => {
  if (allowLateMillis === undefined || body._tag === "Join") return
  const refuse = (sentence: string) => report("allow", "Contradiction", sentence)
  if (body._tag === "Where") return refuse("`where` takes every event, however late it is; leave `allow late` out")
  if (body._tag !== "When")
    return refuse("only windows and joins take late events: what was found of an order of events is not taken back")
  const { over, clear, forMillis } = body
  if (over === undefined || over._tag === "LastEvents")
    return refuse("here events count in the order in which they come, however late they are; leave `allow late` out")
  if (over._tag !== "Sliding" && (clear !== undefined || forMillis !== undefined))
    refuse(
      "with `clear` or `for` a window that was looked at is not looked at again; leave them out, or take `over sliding`"
    )
}

/** How long it must last, held against how often the window is looked at. */
const checkDwell = (over: Window | undefined, forMillis: number | undefined, report: Report): void => {
  if (forMillis === undefined || over === undefined) return
  if (over._tag === "Session")
    report("for", "Contradiction", "a session is looked at once, when it is over; nothing can last then")
  if (over._tag === "Tumbling" && forMillis % over.millis !== 0) {
    const whole = Math.ceil(forMillis / over.millis) * over.millis
    report(
      "for",
      "Contradiction",
      `a tumbling window is looked at when it ends, so that what lasts is a number of whole windows; write \`for ${formatDuration(whole)}\``
    )
  }
}
