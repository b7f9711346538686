/** Reads what a pattern asks: the part between its braces that puts time around conditions. */
import { Schema } from "effect"
import type { Cursor } from "./Cursor.ts"
import { Alias, type PatternBody, PatternName, partsMax } from "./Pattern.ts"
import { readStep, readTypes } from "./ReadStep.ts"
import { readWhen } from "./ReadWhen.ts"
import { questionWords } from "./Words.ts"

const bareName = /[A-Za-z0-9](?:[A-Za-z0-9._]|-(?!>))*/y
const bareAlias = /[a-z][a-z0-9_]*/y
const countOf = /[0-9]+\s+of(?![\p{L}\p{N}_.*-])/uy
const someOf = /(?:all|any)\s*\(/y
const anyEvent = /any\s+event/y
/** What makes a word that begins a question the name of a field. */
const operator = /[\p{L}\p{N}_.`]+\s*(?:[<>=!+*/-]|(?:in|glob|matches|contains|has)(?![\p{L}\p{N}_]))/uy
const isPatternName = Schema.is(PatternName)
const isAlias = Schema.is(Alias)

type Sequence = Extract<PatternBody, { readonly _tag: "Sequence" }>
type Combined = Extract<PatternBody, { readonly _tag: "Combined" }>
type Join = Extract<PatternBody, { readonly _tag: "Join" }>
type Silence = Extract<PatternBody, { readonly _tag: "Silence" }>

/** The name of a pattern, in quotes or without. */
export const readPatternName = (cursor: Cursor): string => {
  const { start } = cursor
  const name = !cursor.isQuoted() ? cursor.take(bareName) : cursor.quoted("the name of a pattern")
  if (name === undefined) return cursor.refuse(start, `the name of a pattern should stand here${cursor.shownInstead()}`)
  if (!isPatternName(name))
    cursor.refuse(
      start,
      "the name of a pattern has at most 100 letters, digits, dots, underscores and hyphens, and begins with a letter or digit"
    )
  return name
}

/** `within 10s`: without it, everything that has begun would be kept for ever. */
const readWithin = (cursor: Cursor, of: string): number => {
  if (!cursor.isWord("within") && (cursor.isEnd() || cursor.isSymbol("}")))
    cursor.refuse(
      cursor.start,
      `${of} has a limit, or what has begun would be kept for ever; write \`within 10s\``,
      [],
      "Unbounded"
    )
  cursor.expectWord("within", `${of} has a limit, as in \`within 10s\``)
  return cursor.placed("within", () => cursor.duration("`within`"))
}

const readSequence = (cursor: Cursor): Sequence => {
  const first = readStep(cursor)
  const rest: Array<Sequence["rest"][number]> = []
  for (;;) {
    const isNext = cursor.takeSymbol("->")
    if (!isNext && !cursor.takeSymbol("~>")) break
    if (rest.length === partsMax - 1)
      cursor.refuse(cursor.start, `a sequence has at most ${partsMax} steps`, [], "TooLarge")
    rest.push({ link: isNext ? "next" : "eventually", step: readStep(cursor) })
  }
  const [second, ...others] = rest
  if (second === undefined)
    return cursor.refuseWord(
      ["within"],
      "a sequence has two steps at least; `->` before the very next event or `~>` before a later one should follow"
    )
  return { _tag: "Sequence", first, rest: [second, ...others], withinMillis: readWithin(cursor, "a sequence") }
}

/** What follows a step that is not one of a sequence: what must not happen then. */
const readAbsence = (
  cursor: Cursor,
  trigger: Extract<PatternBody, { readonly _tag: "Absence" }>["trigger"]
): PatternBody => {
  cursor.expectWord("then", "after something happens, `then no` and what should not")
  cursor.expectWord("no", "`then no` and what should not happen")
  const absent = readStep(cursor)
  return { _tag: "Absence", trigger, absent, withinMillis: readWithin(cursor, "waiting") }
}

const readSilence = (cursor: Cursor): Silence => {
  const step = readStep(cursor)
  cursor.expectWord("for", "how long nothing of the kind comes, as in `silence board.telemetry for 30s`")
  return { _tag: "Silence", step, forMillis: cursor.placed("for", () => cursor.duration("`for`")) }
}

const readCombined = (cursor: Cursor, word: "all" | "any" | number): Combined => {
  const { start } = cursor
  cursor.expectSymbol("(", "with the names of patterns")
  const names: Array<string> = []
  do {
    if (names.length === partsMax)
      cursor.refuse(cursor.start, `at most ${partsMax} patterns are combined`, [], "TooLarge")
    names.push(cursor.placed(`patterns.${names.length}`, () => readPatternName(cursor)))
  } while (cursor.takeSymbol(","))
  cursor.expectSymbol(")", `to close what was opened at ${cursor.shownPlace(start)}`)
  const [first, ...rest] = names
  if (first === undefined) throw new Error("a combination of none")
  return {
    _tag: "Combined",
    patterns: [first, ...rest],
    atLeast: word === "all" ? names.length : word === "any" ? 1 : word,
    withinMillis: readWithin(cursor, "a combination")
  }
}

const readSide = (cursor: Cursor, side: "left" | "right"): Join["left"] => {
  const from = cursor.placed(side, () => readTypes(cursor))
  cursor.expectWord("as", "a name for these events, as in `join a.opened as a with b.opened as b`")
  const { start } = cursor
  const as = cursor.placed(`${side}.as`, () => cursor.take(bareAlias))
  if (as === undefined || !isAlias(as))
    return cursor.refuse(start, "a name for these events is of at most 32 lower-case letters, digits and _")
  return { from, as }
}

const readJoin = (cursor: Cursor): Join => {
  const left = readSide(cursor, "left")
  cursor.expectWord("with", "the events they meet, as in `with door.opened as b`")
  const right = readSide(cursor, "right")
  const on = cursor.takeWord("on") ? cursor.placed("on", () => cursor.field("`on`")) : undefined
  const withinMillis = readWithin(cursor, "a join")
  const where = cursor.takeWord("where") ? cursor.condition() : undefined
  return {
    _tag: "Join",
    left,
    right,
    ...(on !== undefined && { on }),
    withinMillis,
    ...(where !== undefined && { where })
  }
}

const refuseQuestion = (cursor: Cursor): never =>
  cursor.refuseWord(
    questionWords,
    "what the pattern asks should stand here: `where …`, `when …`, `seq …`, `silence …`, `all(…)`, `any(…)`, `2 of (…)`, `join …`, or a step with `then no …`"
  )

/** What the pattern asks. */
export const readBody = (cursor: Cursor): PatternBody => {
  if (cursor.isEnd() || cursor.isSymbol("}")) return refuseQuestion(cursor)
  if (cursor.takeWord("when")) return readWhen(cursor)
  if (cursor.takeWord("seq")) return readSequence(cursor)
  if (cursor.takeWord("silence")) return readSilence(cursor)
  if (cursor.takeWord("join")) return readJoin(cursor)
  if (cursor.look(someOf) !== undefined) {
    const isAll = cursor.takeWord("all")
    if (!isAll) cursor.takeWord("any")
    return readCombined(cursor, isAll ? "all" : "any")
  }
  if (cursor.look(countOf) !== undefined) {
    const count = cursor.placed("atLeast", () => cursor.count(partsMax, "how many of the patterns"))
    cursor.takeWord("of")
    return readCombined(cursor, count)
  }
  return readFromStep(cursor)
}

/** `where …`, or a step and what must not follow. */
const readFromStep = (cursor: Cursor): PatternBody => {
  const isWhere = cursor.isWord("where")
  const isField = cursor.look(operator) !== undefined
  const first = cursor.word()
  if (!isWhere && !isField && first !== undefined && cursor.look(anyEvent) === undefined) {
    const { end } = cursor
    cursor.takeWord(first)
    const isAlone = cursor.isWord("then") || cursor.isWord("where") || cursor.isSymbol(",")
    cursor.tokens.moveTo(end)
    if (!isAlone && !["not", "exists", "true", "false"].includes(first)) refuseQuestion(cursor)
  }
  const { start } = cursor
  const step = readStep(cursor)
  if (cursor.isSymbol("->") || cursor.isSymbol("~>"))
    cursor.refuse(
      start,
      "steps one after another stand behind `seq`, as in `seq door.opened ~> door.closed within 10s`"
    )
  if (cursor.isWord("then") || step.from !== undefined) return readAbsence(cursor, step)
  if (step.where === undefined) return readAbsence(cursor, step)
  if (!isWhere)
    cursor.refuse(start, "a condition that is the whole question stands behind `where`", [
      `where ${cursor.text.slice(start, Math.min(cursor.end, start + 40))}`
    ])
  return { _tag: "Where", condition: step.where }
}
