/** Desired values taken apart into fields, each applied or refused by itself. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinPatch, TwinPatchValue, TwinValue } from "../../src/protocol/TwinValue.ts"
import type { Applied } from "./Application.ts"

/** JSON pointer (RFC 6901) of a path of keys. */
export const pointerOf = (path: ReadonlyArray<string>): string =>
  path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

/** What became of one field: its value as it is now, or the code of the refusal. */
export type FieldOutcome = { readonly value: TwinValue } | { readonly code: number }

/** Sets one field of the board. */
export type FieldSetter = (value: TwinPatchValue) => FieldOutcome

/** Applies each top-level field by its setter. A field nobody knows is refused with 2; null asks to forget and changes nothing. */
export const applyFields = (delta: TwinPatch, setters: Readonly<Record<string, FieldSetter>>): Applied => {
  const reported: Record<string, TwinValue> = {}
  const refused: Record<string, number> = {}
  for (const [name, value] of Object.entries(delta)) {
    if (value === null) continue
    const setter = Object.hasOwn(setters, name) ? setters[name] : undefined
    const outcome = setter === undefined ? { code: codes.ENOENT } : setter(value)
    if ("value" in outcome) reported[name] = outcome.value
    else refused[pointerOf([name])] = outcome.code
  }
  return { reported, refused }
}

/** A setter for a number within a range: another type is refused with 22, another value with 34. */
export const numberField =
  (minimum: number, maximum: number, set: (value: number) => void): FieldSetter =>
  (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return { code: codes.EINVAL }
    if (value < minimum || value > maximum) return { code: codes.ERANGE }
    set(value)
    return { value }
  }

/** A setter for true and false. */
export const booleanField =
  (set: (value: boolean) => void): FieldSetter =>
  (value) => {
    if (typeof value !== "boolean") return { code: codes.EINVAL }
    set(value)
    return { value }
  }

/** A setter for one of some words. */
export const wordField =
  <const W extends string>(words: ReadonlyArray<W>, set: (word: W) => void): FieldSetter =>
  (value) => {
    if (typeof value !== "string") return { code: codes.EINVAL }
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) return { code: codes.ERANGE }
    set(word)
    return { value: word }
  }
