/** Reads which events a pattern looks at: their types, and the steps of what happens. */
import { Schema } from "effect"
import type { Cursor } from "./Cursor.ts"
import { type EventTypes, partsMax, type Step, TypeGlob } from "./Pattern.ts"
import { wordsAfterStep } from "./Words.ts"

// A hyphen belongs to a type unless it is that of an arrow.
const bareType = /(?:[a-z0-9_*]|-(?!>))+(?:\.(?:[a-z0-9_*]|-(?!>))+)*/y
const anyEvent = /any\s+event(?![\p{L}\p{N}_.*-])/uy
const isTypeGlob = Schema.is(TypeGlob)

const readType = (cursor: Cursor): string => {
  const { start } = cursor
  const isQuoted = cursor.isQuoted()
  const type = isQuoted ? cursor.quoted("a type of events") : cursor.take(bareType)
  if (type === undefined)
    return cursor.refuse(
      start,
      `a type of events such as board.telemetry or device.* should stand here${cursor.shownInstead()}`
    )
  if (!isTypeGlob(type))
    cursor.refuse(
      start,
      "this is no type of events: lower-case names of letters, digits, _ and - with dots between them, or * for any characters, at most 128"
    )
  return type
}

/** Types of events with commas between them. */
export const readTypes = (cursor: Cursor): EventTypes => {
  const first = readType(cursor)
  const rest: Array<string> = []
  while (cursor.takeSymbol(",")) {
    if (rest.length === partsMax - 1)
      cursor.refuse(
        cursor.start,
        `at most ${partsMax} types stand in one place; write \`*\` for a part of their names`,
        [],
        "TooLarge"
      )
    rest.push(readType(cursor))
  }
  return [first, ...rest]
}

/** Whether types of events stand here, and not a condition that begins alike. */
const isAtTypes = (cursor: Cursor): boolean => {
  const { end } = cursor
  const isQuoted = cursor.isQuoted()
  if (isQuoted) cursor.quoted("a type of events")
  else if (cursor.take(bareType) === undefined) return false
  const after = cursor.word()
  const isAtEnd = (["->", "~>", ",", "}"] as const).some((symbol) => cursor.isSymbol(symbol)) || cursor.isEnd()
  const isTypes = isAtEnd || wordsAfterStep.some((each) => each === after)
  cursor.tokens.moveTo(end)
  return isTypes
}

/** `board.telemetry where temp > 90`, `device.offline`, `where temp > 90`, `temp > 90` or `any event`. */
export const readStep = (cursor: Cursor): Step => {
  const { start } = cursor
  const step = stepAt(cursor)
  cursor.spans.set(step, { start, end: cursor.end })
  return step
}

const stepAt = (cursor: Cursor): Step => {
  if (cursor.take(anyEvent) !== undefined) return {}
  if (cursor.takeWord("where")) return { where: cursor.condition() }
  if (!isAtTypes(cursor)) return { where: cursor.condition() }
  const from = readTypes(cursor)
  return cursor.takeWord("where") ? { from, where: cursor.condition() } : { from }
}
