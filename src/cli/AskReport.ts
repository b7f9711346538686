/** How questions back, plans, answers and what came of an order look on a terminal. Pure. */
import { Schema } from "effect"
import type { AskView } from "../gateways/http/AskApi.ts"
import type { Plan } from "../protocol/intent/Plan.ts"
import type { Chunk } from "../protocol/vsm/Op.ts"
import { errorOf, type Refusal } from "../protocol/vsm/Spawn.ts"
import { sentenceOf } from "./Sentence.ts"
import { type Cell, table } from "./Table.ts"

/** A question back. */
export type Unclear = Exclude<AskView, { readonly _tag: "Understood" }>
/** What is to be done. */
export type Acts = Extract<Plan, { readonly _tag: "Acts" }>
/** What a question is answered with. */
export type Answer = Extract<Plan, { readonly _tag: "Answer" }>

/** Units that are named one by one. */
const namedMax = 12

const named = (units: ReadonlyArray<string>): string =>
  units.length <= namedMax
    ? units.join(", ")
    : `${units.slice(0, namedMax).join(", ")} and ${units.length - namedMax} more`

const because = (refusal: Refusal): string => sentenceOf(errorOf(refusal))

/** The question, its readings with numbers, and what else it may have been. */
export const questionOf = ({ choices, question, readings, suggestions }: Unclear): string => {
  // The readings of two meanings stand in the question already, with their numbers.
  if (readings.length > 0 && question.includes("(1)")) return question
  const listed = choices.map((choice, at) => `  ${at + 1}  ${choice}`)
  const hint = choices.length === 0 && suggestions.length > 0 && !suggestions.every((each) => question.includes(each))
  return [hint ? `${question} (${suggestions.join(", ")})` : question, ...listed].join("\n")
}

const Rows = Schema.Struct({
  rows: Schema.Array(Schema.Record(Schema.String, Schema.Json)),
  left: Schema.optionalKey(Schema.Finite)
})
const isRows = Schema.is(Rows)

const cellOf = (value: Schema.Json | undefined): Cell => {
  if (value === undefined) return ""
  return typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value)
}

/** The answer in a sentence, and a table where there is more than one thing to tell of, or one that the sentence does not name. */
export const answerOf = ({ data, sentence }: Answer): string => {
  if (!isRows(data)) return sentence
  const words = new Set(sentence.split(/[\s,:;]+/))
  if (data.rows.length < 2 && data.rows.every((row) => words.has(String(Object.values(row)[0])))) return sentence
  const header = [...new Set(data.rows.flatMap((row) => Object.keys(row)))]
  const left = data.left === undefined ? [] : [`and ${data.left} more`]
  return [
    sentence,
    table(
      header,
      data.rows.map((row) => header.map((name) => cellOf(row[name])))
    ),
    ...left
  ].join("\n")
}

/** Everything that is left alone; each reason stands once. */
const leftAlone = ({ excepted, spared }: Acts): ReadonlyArray<string> => {
  const reasons = [...new Set(spared.map(({ refusal }) => because(refusal)))]
  return [
    ...(excepted.length === 0 ? [] : [`${named(excepted)} left alone`]),
    ...reasons.map((reason) => {
      const units = spared.filter(({ refusal }) => because(refusal) === reason).map(({ unit }) => unit)
      return `not ${named(units)}: ${reason}`
    })
  ]
}

/** What would be done, and to whom. */
export const planOf = (acts: Acts, concluded: ReadonlyArray<string>): string => {
  const units = acts.steps.map(({ unit }) => unit)
  const whom = units.every((unit) => acts.title.includes(unit)) ? "" : `: ${named(units)}`
  return [
    [`${acts.title}${whom}`, ...leftAlone(acts)].join("; "),
    ...(concluded.length === 0 ? [] : [`understood: ${concluded.join("; ")}`])
  ].join("\n")
}

/** What is told of one unit that has come to something. */
export type Came = Pick<Chunk, "note" | "outcome" | "refusal" | "unit" | "value">

/** One unit in one line. */
export const chunkLine = ({ note, outcome, refusal, unit, value }: Came, done: string, gap = "  "): string => {
  const said = value === undefined ? "" : `: ${typeof value === "string" ? value : JSON.stringify(value)}`
  switch (outcome) {
    case "done":
      return `${unit}${gap}${done}${said}`
    case "later":
      return `${unit}${gap}later${note === undefined ? "" : `: ${note}`}`
    case "failed":
      return `${unit}${gap}failed${refusal === undefined ? "" : `: ${because(refusal)}`}`
    case "cancelled":
      return `${unit}${gap}cancelled`
  }
}

/** The end in one line, as `3 of 3 heaters off; press-3 left alone`. */
export const summaryOf = (acts: Acts, chunks: ReadonlyArray<Came>): string => {
  const count = (outcome: Chunk["outcome"]) => chunks.filter((chunk) => chunk.outcome === outcome).length
  const total = acts.steps.length
  const [only] = chunks
  // By the word of the dispatcher: a rollout is begun under another id than the one that was planned.
  if (total === 1 && only !== undefined) return [chunkLine(only, acts.done, " "), ...leftAlone(acts)].join("; ")
  const noun = acts.noun.slice(acts.noun.indexOf(" ") + 1)
  const head = `${count("done")} of ${total} ${noun} ${acts.done}`
  const rest = (["later", "failed", "cancelled"] as const).flatMap((outcome) => {
    const many = count(outcome)
    if (many === 0) return []
    return [
      outcome === "later"
        ? `${many} when ${many === 1 ? "its board comes" : "their boards come"} back`
        : `${many} ${outcome}`
    ]
  })
  return [head, ...rest, ...leftAlone(acts)].join("; ")
}
