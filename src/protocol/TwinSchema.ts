/** Schemas of twin values for contracts: hand-written walks, because a recursive union costs twice everything else. */
import { Schema, SchemaGetter } from "effect"
import { codes } from "./Codes.ts"
import type { TwinMap, TwinPatch, TwinValue } from "./TwinValue.ts"

/** Levels of maps and arrays below a section, the section's own keys being the first. */
export const depthMax = 8
/** UTF-8 bytes of one text. */
export const textBytesMax = 4096
/** Entries of one array or map. */
export const entriesMax = 256
/** UTF-8 bytes of one key; none is empty. */
export const keyBytesMax = 64

/** UTF-8 bytes of a text, without encoding it. */
export const utf8Bytes = (text: string): number => {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    // A surrogate pair is two units and four bytes.
    bytes += unit < 0x800 ? 1 : unit >= 0xd800 && unit < 0xe000 ? 1 : 2
  }
  return bytes
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f]/

const isWideKey = (key: string): boolean => !control.test(key) && key.isWellFormed() && utf8Bytes(key) <= keyBytesMax

/** Whether a map may have this key. */
export const isTwinKey = (key: string): boolean => {
  if (key.length === 0 || key.length > keyBytesMax || key === "__proto__") return false
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    if (unit > 0x7e) return isWideKey(key)
    if (unit < 0x20) return false
  }
  return true
}

const isNumber = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))

/** Why a value is none a twin, a command or an event may carry, and where. */
export interface TwinRefused {
  /** `TooDeep`, `EMSGSIZE` or `NotJson`. */
  readonly code: number
  readonly reason: string
  readonly path: ReadonlyArray<string | number>
}

const refused = (code: number, reason: string): TwinRefused => ({ code, reason, path: [] })

const under = (step: string | number, inner: TwinRefused): TwinRefused => ({ ...inner, path: [step, ...inner.path] })

/** Why `value` does not fit below `levels` more levels; `nulls` says whether maps may hold the order to delete. */
const refuse = (value: unknown, levels: number, nulls: boolean): TwinRefused | undefined => {
  switch (typeof value) {
    case "boolean":
      return undefined
    case "number":
      return isNumber(value) ? undefined : refused(codes.NotJson, `${value} is no finite number within ±(2^53-1)`)
    case "string":
      return refuseText(value)
    case "object":
      if (value === null) return nulls ? undefined : refused(codes.NotJson, "null only deletes a key of a map")
      if (levels === 0) return refused(codes.TooDeep, `more than ${depthMax} levels`)
      return Array.isArray(value) ? refuseList(value, levels) : refuseEntries(value, levels, nulls)
    default:
      return refused(codes.NotJson, `no JSON value: ${typeof value}`)
  }
}

const refuseText = (text: string): TwinRefused | undefined => {
  if (text.length > textBytesMax || utf8Bytes(text) > textBytesMax)
    return refused(codes.EMSGSIZE, `text of more than ${textBytesMax} bytes`)
  return text.includes("\u0000") || !text.isWellFormed()
    ? refused(codes.NotJson, "text with NUL or a lone surrogate")
    : undefined
}

const refuseList = (list: ReadonlyArray<unknown>, levels: number): TwinRefused | undefined => {
  if (list.length > entriesMax) return refused(codes.EMSGSIZE, `list of more than ${entriesMax}`)
  for (let index = 0; index < list.length; index++) {
    const inner = refuse(list[index], levels - 1, false)
    if (inner !== undefined) return under(index, inner)
  }
  return undefined
}

const refuseEntries = (map: object, levels: number, nulls: boolean): TwinRefused | undefined => {
  const prototype: unknown = Object.getPrototypeOf(map)
  if (prototype !== Object.prototype && prototype !== null) return refused(codes.NotJson, "no plain map")
  const entries: ReadonlyArray<readonly [string, unknown]> = Object.entries(map)
  if (entries.length > entriesMax) return refused(codes.EMSGSIZE, `map of more than ${entriesMax}`)
  for (const [key, value] of entries) {
    if (!isTwinKey(key))
      return under(
        key,
        refused(codes.NotJson, `a key is 1 to ${keyBytesMax} bytes, without control characters, not __proto__`)
      )
    const inner = refuse(value, levels - 1, nulls)
    if (inner !== undefined) return under(key, inner)
  }
  return undefined
}

const refuseMap = (value: unknown, nulls: boolean): TwinRefused | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? refuseEntries(value, depthMax, nulls)
    : refused(codes.NotJson, "no map")

/** Why a value is no map as desired or reported hold it; nothing when it is one. */
export const refuseTwinMap = (value: unknown): TwinRefused | undefined => refuseMap(value, false)
/** Why a value is no merge patch; nothing when it is one. */
export const refuseTwinPatch = (value: unknown): TwinRefused | undefined => refuseMap(value, true)
/** Why a value may be carried by no command and no event; nothing when it may. */
export const refuseTwinValue = (value: unknown): TwinRefused | undefined => refuse(value, depthMax, false)

/** A map as desired or reported hold it. */
export const isTwinMap = (value: unknown): value is TwinMap => refuseTwinMap(value) === undefined
/** A merge patch: null deletes, but never inside an array. */
export const isTwinPatch = (value: unknown): value is TwinPatch => refuseTwinPatch(value) === undefined
/** Any value a command or an event may carry. */
export const isTwinValue = (value: unknown): value is TwinValue => refuseTwinValue(value) === undefined

const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value)

/** The walk as a check, so that its reason and path reach who sent the value. */
const saysWhy = (refusalOf: (value: unknown) => TwinRefused | undefined) =>
  Schema.makeFilter((value: unknown) => {
    const refusal = refusalOf(value)
    return refusal === undefined ? undefined : { path: refusal.path, issue: refusal.reason }
  })

const jsonMap = Schema.Record(Schema.String, Schema.Json)

const mapSchema = <Map extends TwinPatch>(refusalOf: (value: unknown) => TwinRefused | undefined, expected: string) =>
  // The guard says `Map` on the strength of the check behind it.
  Schema.declare<Map>((value): value is Map => isMap(value), {
    expected,
    toCodecJson: () =>
      Schema.link<{ readonly [key: string]: Schema.Json }>()(jsonMap, {
        decode: SchemaGetter.passthrough(),
        encode: SchemaGetter.passthrough()
      })
  }).check(saysWhy(refusalOf))

/** Schema of {@link TwinMap}. */
export const TwinMapSchema = mapSchema<TwinMap>(refuseTwinMap, "a map of twin values")
/**
 * Schema of a whole section as it is shown. It was checked when it was written, and many patches together may put more keys
 * into a map than one patch may carry.
 */
export const TwinSectionSchema = mapSchema<TwinMap>(() => undefined, "a section of a twin")
/** Schema of {@link TwinPatch}. */
export const TwinPatchSchema = mapSchema<TwinPatch>(refuseTwinPatch, "a merge patch of twin values")
/** Schema of {@link TwinValue}. */
export const TwinValueSchema = Schema.declare<TwinValue>((value): value is TwinValue => value !== undefined, {
  expected: "a twin value",
  toCodecJson: () =>
    Schema.link<Schema.Json>()(Schema.Json, {
      decode: SchemaGetter.passthrough(),
      encode: SchemaGetter.passthrough()
    })
}).check(saysWhy(refuseTwinValue))
