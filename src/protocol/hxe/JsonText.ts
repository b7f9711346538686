/** JSON inside an image: read with bounds, written in the one form that gives equal images for equal sources. */
import type { Json, JsonObject } from "./Hxe.ts"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
/** Deeper documents are refused: what walks them may recurse. */
const depthMax = 32

const isShallow = (value: Json, depth: number): boolean => {
  if (typeof value !== "object" || value === null) return true
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1))
}

/** Reads UTF-8 JSON; `undefined` when it is not, or is nested too deeply. */
export const readJson = (bytes: Uint8Array): Json | undefined => {
  try {
    const value: Json = JSON.parse(decoder.decode(bytes))
    return isShallow(value, depthMax) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value if it is an object. */
export const asObject = (value: Json | undefined): JsonObject | undefined => (isObject(value) ? value : undefined)

/** Puts the halves of letters beyond 16 bits behind every other unit, where their code points are. */
const rank = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit)

/** Order of code points, which is not that of UTF-16 once a letter needs two units. */
export const byCodePoint = (one: string, other: string): number => {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const difference = rank(one.charCodeAt(at)) - rank(other.charCodeAt(at))
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

const escaped = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

const textOf = (value: Json): string => {
  if (typeof value === "string") return escaped(value)
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (!isObject(value)) return `[${value.map((item) => textOf(item)).join(",")}]`
  const fields = Object.entries(value).sort(([one], [other]) => byCodePoint(one, other))
  return `{${fields.map(([key, inner]) => `${escaped(key)}:${textOf(inner)}`).join(",")}}`
}

/** Bytes of a document: no blanks, keys in order of their code points, everything but printable ASCII escaped. */
export const writeJson = (value: Json): Uint8Array => {
  const text = textOf(value)
  return Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
}
