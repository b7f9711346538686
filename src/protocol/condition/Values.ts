/** What a document holds at a path, and how values compare. Documents are JSON values, twins among them. */

interface Keyed {
  readonly [key: string]: unknown
}

/** Whether a value may have keys. */
export const isKeyed = (value: unknown): value is Keyed =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a key names an element of a list: a number as it is usually written. */
export const isIndex = (key: string): boolean => /^(?:0|[1-9][0-9]*)$/.test(key)

/** The key that a list answers with its length. */
export const lengthKey = "len"

/** What is below a value. A list has its elements by number, and `len`. Nothing is inherited. */
export const below = (value: unknown, key: string): unknown => {
  if (Array.isArray(value)) {
    if (key === lengthKey) return value.length
    return isIndex(key) ? value[Number(key)] : undefined
  }
  return isKeyed(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** What a document holds at a path; undefined where it is missing, and a number that is not finite is. */
export const valueAt = (document: unknown, path: ReadonlyArray<string>): unknown => {
  let value = document
  for (const key of path) value = below(value, key)
  return typeof value === "number" && !Number.isFinite(value) ? undefined : value
}

/** Moves surrogates behind the rest of the first plane, where the characters they make belong. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/** Order of two texts by code point: negative, zero or positive. JavaScript's own order is that of UTF-16 units. */
export const compareTexts = (left: string, right: string): number => {
  const shorter = Math.min(left.length, right.length)
  for (let at = 0; at < shorter; at++) {
    const one = left.charCodeAt(at)
    const other = right.charCodeAt(at)
    if (one !== other) return rank(one) - rank(other)
  }
  return left.length - right.length
}
