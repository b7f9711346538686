/** What a person types into the REPL: `device("press-1").SetDesired({ led: "on" }, 12)`, `watch device("press-1")`, words. */

import { Result, Schema } from "effect"
import JSON5 from "json5"

/** A line that is none of the forms. `column` counts from 1. */
export class LineMalformed extends Schema.TaggedError<LineMalformed>()("LineMalformed", {
  reason: Schema.String,
  column: Schema.Int
}) {
  override get message() {
    return `${this.reason} (column ${this.column})`
  }
}

/** One understood line. */
export type Line =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Word"; readonly word: "help" | "actors" | "exit" }
  /** `ask("turn off the heater", { choose: 2, yes: true })`. */
  | { readonly _tag: "Ask"; readonly text: string; readonly choose: number | undefined; readonly yes: boolean }
  /** `events` shows the last of them, `watch events` what happens from now on; only those that fulfil the condition behind it. */
  | { readonly _tag: "Events"; readonly isWatch: boolean; readonly where: string | undefined }
  | {
      readonly _tag: "Message"
      readonly isWatch: boolean
      readonly kind: string
      readonly id: string
      /** Absent for `watch device("x")`, which means the kind's own `Watch`. */
      readonly message: string | undefined
      /** Values in order of the message's fields. */
      readonly values: ReadonlyArray<unknown>
    }

const head = /^(?<watch>watch\s+)?(?<kind>[A-Za-z][\w-]*)\s*\(\s*(?<quote>["'])(?<id>[^"']*)\k<quote>\s*\)\s*/
const stream = /^(?<watch>watch\s+)?events(?:\s+(?<where>[\s\S]+))?$/
const asked = /^ask\s*\((?<values>[\s\S]*)\)\s*;?$/
const call = /^\.\s*(?<message>[A-Za-z]\w*)\s*\((?<values>[\s\S]*)\)\s*;?$/
const example = 'as device("host").GetTwin()'

const isWord = Schema.is(Schema.Literals(["help", "actors", "exit"]))

const malformed = (reason: string, column: number) => Result.fail(new LineMalformed({ reason, column }))

/** JSON5 gives the place of its error as line and column. */
const columnOf = (cause: unknown): number =>
  typeof cause === "object" && cause !== null && "columnNumber" in cause && typeof cause.columnNumber === "number"
    ? cause.columnNumber
    : 1

const valuesOf = (text: string, from: number): Result.Result<ReadonlyArray<unknown>, LineMalformed> =>
  Result.try({
    try: (): ReadonlyArray<unknown> => JSON5.parse(`[${text}]`),
    catch: (cause) =>
      new LineMalformed({
        reason: `the arguments are not values: ${cause instanceof Error ? cause.message.replace(/^JSON5: /, "").replace(/ at .*$/, "") : ""}`,
        // Columns count from 1, and the text was read behind a bracket.
        column: from + columnOf(cause) - 2
      })
  })

const Chosen = Schema.Struct({ choose: Schema.optionalKey(Schema.Int), yes: Schema.optionalKey(Schema.Boolean) })
const isSentence = Schema.is(Schema.Tuple([Schema.String, Schema.optionalKey(Chosen)]))

const sentenceIn = (values: ReadonlyArray<unknown>): Result.Result<Line, LineMalformed> => {
  if (!isSentence(values))
    return malformed('expected a sentence, as ask("list the devices") or ask("turn off the heater", { choose: 2 })', 5)
  const [sentence, { choose, yes = false } = {}] = values
  return Result.succeed({ _tag: "Ask", text: sentence, choose, yes })
}

/** Understands a line or says where it stops making sense. */
export const parseLine = (input: string): Result.Result<Line, LineMalformed> => {
  const text = input.trim()
  if (text === "") return Result.succeed({ _tag: "Empty" })
  if (isWord(text)) return Result.succeed({ _tag: "Word", word: text })
  const ask = asked.exec(text)?.groups?.["values"]
  if (ask !== undefined) return Result.flatMap(valuesOf(ask, text.indexOf("(") + 2), sentenceIn)
  const events = stream.exec(text)?.groups
  if (events !== undefined)
    return Result.succeed({ _tag: "Events", isWatch: events["watch"] !== undefined, where: events["where"] })
  const target = head.exec(text)
  const { watch, kind, id } = target?.groups ?? {}
  if (target === null || kind === undefined || id === undefined)
    return malformed(`expected an actor and a message, ${example}; "help" says more`, 1)
  const rest = text.slice(target[0].length)
  const isWatch = watch !== undefined
  if (rest === "" && isWatch)
    return Result.succeed({ _tag: "Message", isWatch, kind, id, message: undefined, values: [] })
  const sent = call.exec(rest)
  const { message, values } = sent?.groups ?? {}
  if (message === undefined || values === undefined)
    return malformed(`expected .Message(…) after the actor, ${example}`, target[0].length + 1)
  const from = target[0].length + rest.indexOf("(") + 2
  return Result.map(valuesOf(values, from), (found) => ({ _tag: "Message", isWatch, kind, id, message, values: found }))
}
