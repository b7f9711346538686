/** Reads the fields of a declaration in JSON, naming each that is wrong, at its column. */
import type { Json, JsonObject } from "../../../src/protocol/hxe/Hxe.ts"
import type { Place, Report } from "./Diagnostic.ts"
import { readInteger } from "./Literals.ts"
import { meant } from "./Nearest.ts"
import type { Piece } from "./Source.ts"

/** Whether a value of JSON is an object. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Names of bits, in capital letters. */
export type Words = Readonly<Record<string, number>>

/** The objects of a directive: one, or those of an array. What is neither is reported. */
export const readObjects = (
  directive: string,
  json: Piece,
  place: Place,
  report: Report
): ReadonlyArray<JsonObject> => {
  if (json.text === "") {
    report(place, `${directive} takes an object in JSON, on the same line`)
    return []
  }
  const at = { ...place, column: json.column }
  let parsed: unknown
  try {
    parsed = JSON.parse(json.text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const [, position] = /at position (\d+)/.exec(reason) ?? []
    report(
      { ...at, column: json.column + Number(position ?? 0) },
      `the JSON of ${directive} is broken: ${reason.replace(/ in JSON at position.*$/s, "")}`,
      "it must be whole on one line, with keys and words in double quotes and numbers in decimal"
    )
    return []
  }
  const list: ReadonlyArray<unknown> = Array.isArray(parsed) ? parsed : [parsed]
  return list.filter((entry): entry is JsonObject => {
    if (isObject(entry)) return true
    report(at, `${directive} takes an object or an array of objects`)
    return false
  })
}

/** The fields of one object. A getter that finds something wrong reports it and goes on with a default. */
export class JsonFields {
  readonly #object: JsonObject
  readonly #directive: string
  readonly #json: Piece
  readonly #place: Place
  readonly #report: Report
  /** Whether nothing was wrong so far. */
  isSound = true

  constructor(object: JsonObject, directive: string, json: Piece, place: Place, report: Report) {
    this.#object = object
    this.#directive = directive
    this.#json = json
    this.#place = place
    this.#report = report
  }

  /** Reports keys that mean nothing here: most are misspelt. */
  refuseOthers(known: ReadonlyArray<string>): void {
    for (const key of Object.keys(this.#object)) {
      if (!known.includes(key)) this.wrong(key, `${this.#directive} has no ${key}`, meant(key, known))
    }
  }

  /** Reports something about a key. */
  wrong(key: string, message: string, hint?: string): void {
    this.isSound = false
    const at = this.#json.text.indexOf(JSON.stringify(key))
    this.#report({ ...this.#place, column: this.#json.column + Math.max(0, at) }, message, hint)
  }

  /** The one of these keys that is there. */
  #key(keys: ReadonlyArray<string>): readonly [key: string, value: Json | undefined] {
    const there = keys.filter((key) => this.#object[key] !== undefined && this.#object[key] !== null)
    const [key = keys[0] ?? "", other] = there
    if (other !== undefined) this.wrong(other, `${key} and ${other} say the same`, `leave out ${other}`)
    return [key, this.#object[key] ?? undefined]
  }

  /** A whole number within bounds, also in a string as `"0x10"`. */
  integer(keys: ReadonlyArray<string>, maximum: number, fallback?: number): number {
    const [key, written] = this.#key(keys)
    if (written === undefined && fallback !== undefined) return fallback
    const value = typeof written === "string" ? readInteger(written) : written
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maximum) return value
    const message =
      written === undefined
        ? `${this.#directive} needs ${keys.join(" or ")}`
        : `${key} is ${JSON.stringify(written)}, and must be a whole number from 0 to ${maximum}`
    this.wrong(key, message)
    return 0
  }

  /** A number, or `"Infinity"`, `"-Infinity"` or `"NaN"`, which JSON has no numbers for. */
  number(key: string): number {
    const written = this.#object[key] ?? 0
    if (typeof written === "number") return written
    if (written === "Infinity" || written === "-Infinity" || written === "NaN") return Number(written)
    this.wrong(key, `${key} is ${JSON.stringify(written)}, and must be a number`)
    return 0
  }

  /** A word of text. */
  text(keys: ReadonlyArray<string>): string | undefined {
    const [key, written] = this.#key(keys)
    if (written === undefined) return undefined
    if (typeof written === "string" && !written.includes("\0")) return written
    this.wrong(key, `${key} is ${JSON.stringify(written)}, and must be text without zero bytes`)
    return undefined
  }

  /** Bits: a number, or words joined by `|` or `,`. */
  bits(key: string, words: Words, maximum: number): number {
    const written = this.#object[key] ?? 0
    if (typeof written !== "string" || readInteger(written) !== undefined) return this.integer([key], maximum, 0)
    let bits = 0
    for (const word of written.split(/[|,]/).map((part) => part.trim())) {
      if (word !== "") bits |= this.#word(key, word, words)
    }
    return bits
  }

  /** One of some words, or its number. */
  level(keys: ReadonlyArray<string>, words: Words): number {
    const [key, written] = this.#key(keys)
    const maximum = Math.max(...Object.values(words))
    if (typeof written === "string" && readInteger(written) === undefined) return this.#word(key, written.trim(), words)
    return this.integer(keys, maximum, 0)
  }

  #word(key: string, word: string, words: Words): number {
    const value = words[word.toUpperCase()]
    if (value !== undefined) return value
    const all = Object.keys(words)
    this.wrong(key, `there is no ${word} among ${key}`, meant(word, all) ?? `they are ${all.join(", ")}`)
    return 0
  }
}
