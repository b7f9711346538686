/** JSON as it is written in a pattern: `{ led: "on" }`, with names without quotes where they are words. */
import type { Schema } from "effect"
import { isTwinKey } from "../TwinSchema.ts"
import type { Cursor } from "./Cursor.ts"
import { payloadDepthMax } from "./Pattern.ts"

const bareKey = /[A-Za-z_][A-Za-z0-9_]*/y
const plainKey = /^[A-Za-z_][A-Za-z0-9_]*$/
const nothing = /null(?![A-Za-z0-9_.])/y

const readKey = (cursor: Cursor): string => {
  const { start } = cursor
  const isQuoted = cursor.isQuoted()
  const key = isQuoted ? cursor.quoted("a name") : cursor.take(bareKey)
  if (key === undefined)
    return cursor.refuse(start, `a name should stand here, as in \`{ led: "on" }\`${cursor.shownInstead()}`)
  if (!isTwinKey(key)) cursor.refuse(start, `no field can be named ${JSON.stringify(key.slice(0, 64))}`)
  return key
}

/** Reads a JSON value. */
export const readJson = (cursor: Cursor, depth = 0): Schema.Json => {
  const { start } = cursor
  const isMap = cursor.isSymbol("{")
  if (isMap || cursor.isSymbol("[")) {
    if (depth === payloadDepthMax)
      cursor.refuse(start, `at most ${payloadDepthMax} maps and lists stand within each other`, [], "TooLarge")
    return isMap ? readMap(cursor, depth) : readList(cursor, depth)
  }
  if (cursor.take(nothing) !== undefined) return null
  const isNegative = cursor.takeSymbol("-")
  const token = cursor.tokens.next
  if (token.kind === "number") {
    if (token.unit !== undefined)
      cursor.refuse(
        start,
        `an actor is told plain numbers; write ${token.value} without ${token.unit}`,
        [],
        "WrongUnit"
      )
    cursor.tokens.advance()
    return isNegative ? -token.value : token.value
  }
  if (!isNegative && token.kind === "text") return cursor.quoted("a text")
  if (!isNegative && token.kind === "word" && (token.word === "true" || token.word === "false")) {
    cursor.tokens.advance()
    return token.word === "true"
  }
  const hint = token.kind === "path" ? "; a text stands in quotes" : ""
  return cursor.refuse(
    cursor.start,
    `a value should stand here: a number, a text, true, false, null, […] or {…}${cursor.shownInstead()}${hint}`
  )
}

const readMap = (cursor: Cursor, depth: number): { readonly [key: string]: Schema.Json } => {
  const { start } = cursor
  cursor.takeSymbol("{")
  const entries = new Map<string, Schema.Json>()
  while (!cursor.takeSymbol("}")) {
    if (entries.size > 0) cursor.expectComma("}", start)
    const { start: keyAt } = cursor
    const key = readKey(cursor)
    if (entries.has(key)) cursor.refuse(keyAt, `${JSON.stringify(key)} stands here twice`)
    cursor.expectSymbol(":", "between the name and its value")
    entries.set(key, readJson(cursor, depth + 1))
  }
  return Object.fromEntries(entries)
}

const readList = (cursor: Cursor, depth: number): ReadonlyArray<Schema.Json> => {
  const { start } = cursor
  cursor.takeSymbol("[")
  const items: Array<Schema.Json> = []
  while (!cursor.takeSymbol("]")) {
    if (items.length > 0) cursor.expectComma("]", start)
    items.push(readJson(cursor, depth + 1))
  }
  return items
}

/** Writes a JSON value as it is read here. */
export const formatJson = (value: Schema.Json): string => {
  // JSON itself has no other way to write −0 as 0.
  if (Object.is(value, -0)) return "-0"
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(formatJson).join(", ")}]`
  const entries = Object.entries(value).map(([key, below]) => {
    const name = plainKey.test(key) ? key : JSON.stringify(key)
    return `${name}: ${formatJson(below)}`
  })
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`
}

const isList = (value: Schema.Json): value is ReadonlyArray<Schema.Json> => Array.isArray(value)
