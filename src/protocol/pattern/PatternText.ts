/**
 * Reads the text of a pattern. The grammar of conditions is that of the condition language; words are words only where they
 * can stand, so that a field may have the name of any.
 *
 * ```text
 * pattern   = "pattern" name [ "priority" ( "low" | "normal" | "high" | "critical" ) ]
 *             "{" [ "from" types ] [ "by" field { "," field } ] question
 *                 [ "allow" "late" time ]
 *                 [ "emit" "{" [ name ":" value { "," name ":" value } ] "}" ]
 *                 [ "do" action { "," action } ] [ "suppress" time ] "}"
 * question  = "where" condition
 *           | "when" aggregate comparison number [ "over" window ] [ "where" condition ]
 *             [ "clear" comparison number ] [ "for" time ]
 *           | "seq" step ( "->" | "~>" ) step { ( "->" | "~>" ) step } "within" time
 *           | step "then" "no" step "within" time
 *           | "silence" step "for" time
 *           | ( "all" | "any" | number "of" ) "(" name { "," name } ")" "within" time
 *           | "join" types "as" name "with" types "as" name [ "on" field ] "within" time [ "where" condition ]
 * step      = types [ "where" condition ] | [ "where" ] condition | "any" "event"
 * types     = type { "," type }
 * aggregate = "count" | "rate" | "distinct" "(" field ")" | "p" "(" number "," value ")" | "ewma" "(" value "," number ")"
 *           | ( "sum" | "avg" | "min" | "max" | "stddev" | "slope" | "delta" ) "(" value ")"
 * window    = "tumbling" time | "sliding" time | "last" number "events" | "session" time
 * action    = "event" "(" type ")" | "tell" "(" kind "," text "," message [ "," json ] ")"
 *           | "webhook" "(" text ")" | "mqtt" "(" text ")" | "raise" "(" text ")"
 * time      = number ( "ms" | "s" | "min" | "h" )
 * ```
 */
import { Result } from "effect"
import type { FieldPath, Term } from "../condition/Condition.ts"
import type { ConditionInvalid } from "../condition/ConditionInvalid.ts"
import type { Span } from "../condition/Span.ts"
import { reading } from "../condition/Stop.ts"
import { charactersMax } from "../condition/Token.ts"
import { Cursor } from "./Cursor.ts"
import { allowLateMillisMax, emitMax, keysMax, type Pattern, priorities } from "./Pattern.ts"
import { readActions } from "./ReadActions.ts"
import { readBody, readPatternName } from "./ReadBody.ts"
import { readTypes } from "./ReadStep.ts"
import { clausesBefore, clausesBehind, clausesOfWhen, questionWords } from "./Words.ts"

/** A pattern as it was read, with the places of its parts. */
export interface ParsedPattern {
  readonly text: string
  readonly pattern: Pattern
  /** What of the text is this pattern. */
  readonly source: string
  /** Where its nodes stand. */
  readonly spans: ReadonlyMap<object, Span>
  /** Where its other parts stand, by names such as `name`, `by.0`, `within`. */
  readonly places: ReadonlyMap<string, Span>
}

/** Patterns that are read from one text, and its characters. */
export const patternsAtOnceMax = 1000
export const patternsCharactersMax = 1_048_576

const emitName = /[A-Za-z_][A-Za-z0-9_]*/y
const emitNameMax = 64
const order = "from, by, what it asks, allow late, emit, do, suppress"

const readKeys = (cursor: Cursor): ReadonlyArray<FieldPath> => {
  const keys: Array<FieldPath> = []
  do {
    if (keys.length === keysMax)
      cursor.refuse(cursor.start, `at most ${keysMax} fields tell one key from another`, [], "TooLarge")
    keys.push(cursor.placed(`by.${keys.length}`, () => cursor.field("`by`")))
  } while (cursor.takeSymbol(","))
  return keys
}

const readEmit = (cursor: Cursor): Readonly<Record<string, Term>> => {
  const { start: opened } = cursor
  cursor.expectSymbol("{", "as in `emit { highest: temp }`")
  const entries = new Map<string, Term>()
  while (!cursor.takeSymbol("}")) {
    if (entries.size > 0) cursor.expectComma("}", opened)
    const { start } = cursor
    const name = cursor.take(emitName)
    if (name === undefined || name.length > emitNameMax || name === "__proto__")
      return cursor.refuse(
        start,
        `a name of at most ${emitNameMax} letters, digits and _ should stand here${cursor.shownInstead()}`
      )
    if (entries.has(name)) cursor.refuse(start, `${name} stands here twice`)
    if (entries.size === emitMax) cursor.refuse(start, `a match carries at most ${emitMax} values`, [], "TooLarge")
    cursor.expectSymbol(":", "between the name and its value")
    entries.set(
      name,
      cursor.placed(`emit.${name}`, () => cursor.term())
    )
  }
  return Object.fromEntries(entries)
}

/** Behind the word `allow`. */
const readLate = (cursor: Cursor): number => {
  cursor.expectWord("late", "`allow late` and by how much, as in `allow late 5min`")
  return cursor.placed("allow", () => {
    const { start } = cursor
    const millis = cursor.duration("`allow late`")
    if (millis > allowLateMillisMax)
      cursor.refuse(start, "late events are waited for 1h at most: so long a window is kept", [], "Unbounded")
    return millis
  })
}

const readPriority = (cursor: Cursor): Pattern["priority"] => {
  const found = priorities.find((each) => cursor.takeWord(each))
  return found ?? cursor.refuseWord(priorities, `a priority is one of ${priorities.join(", ")}`)
}

/** After everything that may stand between the braces. */
const expectClosing = (cursor: Cursor, opened: number): void => {
  if (cursor.takeSymbol("}")) return
  const clauses: ReadonlyArray<string> = [...clausesBefore, ...clausesBehind]
  const word = cursor.word() ?? ""
  if (clauses.includes(word))
    cursor.refuse(cursor.start, `\`${word}\` stands once, and clauses in this order: ${order}`)
  if (questionWords.some((each) => each === word))
    cursor.refuse(
      cursor.start,
      "a pattern asks one thing; write a second pattern, and combine them with `all(…)` or `any(…)`"
    )
  if (cursor.isEnd()) cursor.refuse(cursor.start, `\`}\` is missing; it was opened at ${cursor.shownPlace(opened)}`)
  cursor.refuseWord(
    [...clausesBehind, ...clausesOfWhen],
    "a clause (allow late, emit, do, suppress) or `}` should stand here"
  )
}

const readInside = (cursor: Cursor): Omit<Pattern, "name" | "priority"> => {
  const from = cursor.takeWord("from") ? cursor.placed("from", () => readTypes(cursor)) : undefined
  const by = cursor.takeWord("by") ? readKeys(cursor) : []
  const early = [...clausesBefore, ...clausesBehind].find((each) => cursor.isWord(each))
  if (early !== undefined) cursor.refuse(cursor.start, `\`${early}\` stands once, and clauses in this order: ${order}`)
  const body = cursor.placed("body", () => readBody(cursor))
  const allowLateMillis = cursor.takeWord("allow") ? readLate(cursor) : undefined
  const emit = cursor.takeWord("emit") ? cursor.placed("emit", () => readEmit(cursor)) : undefined
  const actions = cursor.takeWord("do") ? readActions(cursor) : []
  const suppressMillis = cursor.takeWord("suppress")
    ? cursor.placed("suppress", () => cursor.duration("`suppress`"))
    : undefined
  return {
    ...(from !== undefined && { from }),
    by,
    body,
    ...(allowLateMillis !== undefined && { allowLateMillis }),
    ...(emit !== undefined && { emit }),
    actions,
    ...(suppressMillis !== undefined && { suppressMillis })
  }
}

const readWhole = (cursor: Cursor): Pattern => {
  cursor.expectWord("pattern", 'a pattern begins as in `pattern "hot-line" { where reported.temp > 90 }`')
  const name = cursor.placed("name", () => readPatternName(cursor))
  const priority = cursor.takeWord("priority") ? cursor.placed("priority", () => readPriority(cursor)) : "normal"
  const { start: opened } = cursor
  if (!cursor.takeSymbol("{")) cursor.refuseWord(["priority"], "`{` should stand here, or `priority` before it")
  const inside = readInside(cursor)
  expectClosing(cursor, opened)
  return { name, priority, ...inside }
}

/** Reads a pattern and keeps the places of its parts. Fails at the first character that does not fit. */
export const parsePattern = (text: string): Result.Result<ParsedPattern, ConditionInvalid> =>
  reading(() => {
    const cursor = new Cursor(text)
    const pattern = readWhole(cursor)
    if (!cursor.isEnd()) cursor.refuse(cursor.start, "the pattern is over here; write one pattern at a time")
    return { text, source: text, pattern, spans: cursor.spans, places: cursor.places }
  })

/** As {@link parsePattern}, of a text with one pattern behind the other. Fails where a name stands twice. */
export const parsePatterns = (text: string): Result.Result<ReadonlyArray<ParsedPattern>, ConditionInvalid> =>
  reading(() => {
    const cursor = new Cursor(text, patternsCharactersMax)
    const all = new Map<string, ParsedPattern>()
    do {
      const { start } = cursor
      cursor.places = new Map()
      const pattern = readWhole(cursor)
      const source = text.slice(start, cursor.end)
      if (all.has(pattern.name))
        cursor.refuse(
          cursor.places.get("name")?.start ?? start,
          `${pattern.name} stands here twice`,
          [],
          "Contradiction"
        )
      if (source.length > charactersMax)
        cursor.refuse(
          start,
          `a pattern has at most ${charactersMax} characters; this one has ${source.length}`,
          [],
          "TooLarge"
        )
      if (all.size === patternsAtOnceMax)
        cursor.refuse(start, `at most ${patternsAtOnceMax} patterns stand in one text`, [], "TooLarge")
      all.set(pattern.name, { text, source, pattern, spans: cursor.spans, places: cursor.places })
    } while (!cursor.isEnd())
    return [...all.values()]
  })

/** Reads a pattern. Fails with `ConditionInvalid` at the first character that does not fit; what it says is not checked yet. */
export const readPattern = (text: string): Result.Result<Pattern, ConditionInvalid> =>
  Result.map(parsePattern(text), ({ pattern }) => pattern)
