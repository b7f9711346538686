/** Reads `when`: what is computed over which events, and when that is too much. */
import { nearest } from "../Nearest.ts"
import type { Cursor } from "./Cursor.ts"
import { type Aggregate, lastEventsMax, type PatternBody, type Window } from "./Pattern.ts"
import {
  type AggregateWord,
  aggregateWords,
  clausesOfWhen,
  foreignAggregates,
  isAggregateWord,
  windowWords
} from "./Words.ts"

export type When = Extract<PatternBody, { readonly _tag: "When" }>

const name = /[A-Za-z][A-Za-z0-9_]*/y
const percentile = /^p(\d{2})(\d*)$/

const ofValue = {
  sum: "Sum",
  avg: "Avg",
  min: "Min",
  max: "Max",
  stddev: "Stddev",
  slope: "Slope",
  delta: "Delta"
} as const

const readAggregate = (cursor: Cursor): Aggregate => {
  const { start } = cursor
  const written = cursor.take(name) ?? ""
  if (!isAggregateWord(written)) return refuseAggregate(cursor, start, written)
  if (written === "count" || written === "rate") {
    if (cursor.takeSymbol("(")) cursor.expectSymbol(")", `for ${written} is of events, not of a field`)
    return { _tag: written === "count" ? "Count" : "Rate" }
  }
  cursor.expectSymbol("(", `with what \`${written}\` is computed of, as in \`${example(written)}\``)
  const made = aggregateOf(cursor, written)
  cursor.expectSymbol(")", `to close \`${written}(\``)
  return made
}

const aggregateOf = (cursor: Cursor, written: Exclude<AggregateWord, "count" | "rate">): Aggregate => {
  switch (written) {
    case "distinct":
      return { _tag: "Distinct", of: cursor.placed("aggregate.of", () => cursor.field("`distinct(`")) }
    case "p": {
      const { start } = cursor
      const q = cursor.number("the share of values below, such as 0.95,")
      if (q < 0 || q > 1)
        cursor.refuse(start, "the share of values below is from 0 to 1; write `p(0.95, …)` for the 95th percentile")
      cursor.expectSymbol(",", "between the share and what it is computed of")
      return { _tag: "Quantile", q, of: cursor.term() }
    }
    case "ewma": {
      const of = cursor.term()
      cursor.expectSymbol(",", "before the weight of the newest value, as in `ewma(temp, 0.2)`")
      const { start } = cursor
      const alpha = cursor.number("the weight of the newest value")
      if (alpha <= 0 || alpha > 1) cursor.refuse(start, "the weight of the newest value is above 0 and at most 1")
      return { _tag: "Ewma", of, alpha }
    }
    default:
      return { _tag: ofValue[written], of: cursor.term() }
  }
}

const example = (written: AggregateWord): string => {
  switch (aggregateWords[written]) {
    case "quantile":
      return "p(0.95, temp)"
    case "weighted":
      return "ewma(temp, 0.2)"
    case "nothing":
      return written
    default:
      return `${written}(temp)`
  }
}

const refuseAggregate = (cursor: Cursor, start: number, written: string): never => {
  const all = Object.keys(aggregateWords)
  const sentence = `what is computed should follow \`when\`: ${all.join(", ")}`
  if (written === "") cursor.refuse(start, `${sentence}${cursor.shownInstead()}`)
  const [, whole, more = ""] = percentile.exec(written) ?? []
  const foreign = whole === undefined ? foreignAggregates.get(written.toLowerCase()) : `p(0.${whole}${more}, …)`
  return cursor.refuse(
    start,
    `${sentence}, not \`${written}\``,
    foreign === undefined ? nearest(written, all) : [foreign]
  )
}

const readWindow = (cursor: Cursor): Window => {
  const found = windowWords.find((each) => cursor.takeWord(each))
  switch (found) {
    case "tumbling":
      return { _tag: "Tumbling", millis: cursor.duration("`tumbling`") }
    case "sliding":
      return { _tag: "Sliding", millis: cursor.duration("`sliding`") }
    case "session":
      return { _tag: "Session", gapMillis: cursor.duration("`session`, the gap that ends it,") }
    case "last": {
      const count = cursor.count(lastEventsMax, "the number of events")
      if (!cursor.takeWord("event")) cursor.expectWord("events", "`last 10 events`")
      return { _tag: "LastEvents", count }
    }
    default:
      return cursor.refuseWord(
        windowWords,
        "a window should follow `over`: `sliding 30s`, `tumbling 1min`, `last 10 events` or `session 5min`"
      )
  }
}

/** Behind the word `when`. */
export const readWhen = (cursor: Cursor): When => {
  const aggregate = cursor.placed("aggregate", () => readAggregate(cursor))
  const threshold = cursor.placed("threshold", () => cursor.threshold("what is computed"))
  const over = cursor.takeWord("over") ? cursor.placed("over", () => readWindow(cursor)) : undefined
  const where = cursor.takeWord("where") ? cursor.condition() : undefined
  const clear = cursor.takeWord("clear") ? cursor.placed("clear", () => cursor.threshold("`clear`")) : undefined
  const forMillis = cursor.takeWord("for") ? cursor.placed("for", () => cursor.duration("`for`")) : undefined
  const late = clausesOfWhen.find((each) => cursor.isWord(each))
  if (late !== undefined)
    cursor.refuse(
      cursor.start,
      `\`${late}\` stands once, in this order: \`when avg(temp) > 85 over sliding 30s where … clear < 78 for 10s\``
    )
  return {
    _tag: "When",
    aggregate,
    threshold,
    ...(over !== undefined && { over }),
    ...(where !== undefined && { where }),
    ...(clear !== undefined && { clear }),
    ...(forMillis !== undefined && { forMillis })
  }
}
