/** Schemas of twin values for contracts: hand-written walks, because a recursive union costs twice everything else. */
import { Schema, SchemaGetter } from "effect"
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

/** Whether a map may have this key. */
export const isTwinKey = (key: string): boolean =>
  key.length > 0 &&
  key.length <= keyBytesMax &&
  key !== "__proto__" &&
  !control.test(key) &&
  key.isWellFormed() &&
  utf8Bytes(key) <= keyBytesMax

const isText = (text: string): boolean =>
  text.length <= textBytesMax && !text.includes("\u0000") && text.isWellFormed() && utf8Bytes(text) <= textBytesMax

const isNumber = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))

/** Whether `value` fits below `levels` more levels; `nulls` says whether maps may hold the order to delete. */
const fits = (value: unknown, levels: number, nulls: boolean): boolean => {
  switch (typeof value) {
    case "boolean":
      return true
    case "number":
      return isNumber(value)
    case "string":
      return isText(value)
    case "object":
      if (value === null) return nulls
      if (levels === 0) return false
      if (!Array.isArray(value)) return fitsMap(value, levels, nulls)
      return value.length <= entriesMax && value.every((element) => fits(element, levels - 1, false))
    default:
      return false
  }
}

const fitsMap = (map: object, levels: number, nulls: boolean): boolean => {
  const prototype: unknown = Object.getPrototypeOf(map)
  if (prototype !== Object.prototype && prototype !== null) return false
  const entries: ReadonlyArray<readonly [string, unknown]> = Object.entries(map)
  if (entries.length > entriesMax) return false
  for (const [key, value] of entries) if (!isTwinKey(key) || !fits(value, levels - 1, nulls)) return false
  return true
}

const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value)

/** A map as desired or reported hold it. */
export const isTwinMap = (value: unknown): value is TwinMap => isMap(value) && fitsMap(value, depthMax, false)
/** A merge patch: null deletes, but never inside an array. */
export const isTwinPatch = (value: unknown): value is TwinPatch => isMap(value) && fitsMap(value, depthMax, true)
/** Any value a command or an event may carry. */
export const isTwinValue = (value: unknown): value is TwinValue => fits(value, depthMax, false)

const jsonMap = Schema.Record(Schema.String, Schema.Json)

const mapSchema = <Map extends TwinPatch>(is: (value: unknown) => value is Map, expected: string) =>
  Schema.declare<Map>(is, {
    expected,
    toCodecJson: () =>
      Schema.link<{ readonly [key: string]: Schema.Json }>()(jsonMap, {
        decode: SchemaGetter.passthrough(),
        encode: SchemaGetter.passthrough()
      })
  })

/** Schema of {@link TwinMap}. */
export const TwinMapSchema = mapSchema(isTwinMap, "a map of twin values")
/** Schema of {@link TwinPatch}. */
export const TwinPatchSchema = mapSchema(isTwinPatch, "a merge patch of twin values")
/** Schema of {@link TwinValue}. */
export const TwinValueSchema = Schema.declare<TwinValue>(isTwinValue, {
  expected: "a twin value",
  toCodecJson: () =>
    Schema.link<Schema.Json>()(Schema.Json, {
      decode: SchemaGetter.passthrough(),
      encode: SchemaGetter.passthrough()
    })
})
