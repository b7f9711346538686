/** The words of patterns. They are words only where they can stand: a field may have any of these names. */

/** What a pattern asks begins with one of these, or with a step. */
export const questionWords = ["where", "when", "seq", "silence", "all", "any", "join"] as const
/** Clauses before the question, and behind it; each group in the order in which they stand. */
export const clausesBefore = ["from", "by"] as const
export const clausesBehind = ["allow", "emit", "do", "suppress"] as const
/** Clauses of `when`, in their order. */
export const clausesOfWhen = ["over", "where", "clear", "for"] as const
/** Kinds of windows. */
export const windowWords = ["tumbling", "sliding", "last", "session"] as const
/** What a match can have done. */
export const actionWords = ["event", "tell", "webhook", "mqtt", "raise"] as const

/** What may follow a step. */
export const wordsAfterStep = ["then", "within", "for", "where", ...clausesBehind] as const
/** What may follow a condition. */
export const wordsAfterCondition = [
  ...new Set([...clausesBefore, "when", ...clausesOfWhen, ...wordsAfterStep])
] as ReadonlyArray<string>

/** Every word that could stand where a type of events may; such a type is written in quotes. */
export const reservedTypes: ReadonlySet<string> = new Set([
  ...questionWords,
  ...clausesBefore,
  ...clausesBehind,
  ...clausesOfWhen,
  ...wordsAfterStep,
  "as",
  "with",
  "on",
  "no"
])

/** Aggregates by how they are written, and how many values stand in their parentheses. */
export const aggregateWords = {
  count: "nothing",
  rate: "nothing",
  distinct: "field",
  sum: "value",
  avg: "value",
  min: "value",
  max: "value",
  stddev: "value",
  p: "quantile",
  ewma: "weighted",
  slope: "value",
  delta: "value"
} as const
export type AggregateWord = keyof typeof aggregateWords
export const isAggregateWord = (word: string): word is AggregateWord => Object.hasOwn(aggregateWords, word)

/** What other languages call them. */
export const foreignAggregates: ReadonlyMap<string, string> = new Map([
  ["average", "avg"],
  ["mean", "avg"],
  ["minimum", "min"],
  ["maximum", "max"],
  ["total", "sum"],
  ["std", "stddev"],
  ["stdev", "stddev"],
  ["median", "p(0.5, …)"],
  ["quantile", "p(0.95, …)"],
  ["percentile", "p(0.95, …)"],
  ["unique", "distinct"],
  ["frequency", "rate"],
  ["trend", "slope"],
  ["change", "delta"]
])
