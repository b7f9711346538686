/** Twin values as CBOR: what a twin may not hold is refused while it is read. */
import { type CborReader, major } from "./CborReader.ts"
import type { CborWriter } from "./CborWriter.ts"
import { codes } from "./Codes.ts"
import type { Answer } from "./frame/ProgramFrames.ts"
import { depthMax, entriesMax, isTwinKey, keyBytesMax, textBytesMax } from "./TwinSchema.ts"
import type { TwinMap, TwinPatch, TwinValue } from "./TwinValue.ts"

/** Where null may stand: nowhere, as the order to delete a key of a map, or anywhere. */
type Nulls = "none" | "delete" | "any"

const readElements = (reader: CborReader, levels: number, nulls: Nulls): Array<unknown> | undefined => {
  const count = reader.argument
  if (count > entriesMax) return reader.refuse(codes.EMSGSIZE, `list of more than ${entriesMax}`)
  const inner = nulls === "any" ? "any" : "none"
  const list: Array<unknown> = []
  for (let index = 0; index < count; index++) {
    const value = readAny(reader, levels, inner)
    if (value === undefined) return reader.inside(index)
    list.push(value)
  }
  return list
}

const readEntries = (reader: CborReader, levels: number, nulls: Nulls): Record<string, unknown> | undefined => {
  const count = reader.argument
  if (count > entriesMax) return reader.refuse(codes.EMSGSIZE, `map of more than ${entriesMax}`)
  const map: Record<string, unknown> = {}
  for (let index = 0; index < count; index++) {
    if (reader.head() !== major.text) return reader.refuse(codes.Malformed, "key that is not text")
    if (reader.argument === 0 || reader.argument > keyBytesMax)
      return reader.refuse(codes.NotJson, `key that is not 1 to ${keyBytesMax} bytes long`)
    const key = reader.takeText()
    if (!isTwinKey(key)) return reader.refuse(codes.NotJson, "key with a control character, or __proto__")
    const value = readAny(reader, levels, nulls)
    if (value === undefined) return reader.inside(key)
    map[key] = value
  }
  return map
}

/** Reads a value that may open `levels` more levels. */
const readAny = (reader: CborReader, levels: number, nulls: Nulls): unknown => {
  switch (reader.head()) {
    case major.unsigned:
      return reader.argument
    case major.negative:
      return -1 - reader.argument
    case major.text: {
      if (reader.argument > textBytesMax)
        return reader.refuse(codes.EMSGSIZE, `text of more than ${textBytesMax} bytes`)
      const text = reader.takeText()
      return text.includes("\u0000") ? reader.refuse(codes.NotJson, "text with NUL") : text
    }
    case major.list:
      return levels === 0 ? reader.refuse(codes.TooDeep, "nested too deep") : readElements(reader, levels - 1, nulls)
    case major.map:
      return levels === 0 ? reader.refuse(codes.TooDeep, "nested too deep") : readEntries(reader, levels - 1, nulls)
    case major.simple: {
      const value = reader.takeSimple()
      if (value === null) return nulls === "none" ? reader.refuse(codes.NotJson, "null") : null
      return typeof value === "number" ? keepNumber(reader, value) : value
    }
    default:
      return reader.refuse(codes.NotJson, "byte string")
  }
}

const keepNumber = (reader: CborReader, value: number): number | undefined => {
  if (!Number.isFinite(value)) return reader.refuse(codes.Malformed, "NaN or infinity")
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    return reader.refuse(codes.NotJson, "whole number beyond 2^53-1")
  // A twin stores -0 as 0.
  return value + 0
}

// The three below name the type that `readAny` has just checked, where a second walk to prove it would double the cost.

/** Reads a value that holds no null. */
export const readTwinValue = (reader: CborReader): TwinValue | undefined =>
  readAny(reader, depthMax, "none") as TwinValue | undefined

/** Reads the value of an answer, whose lists may hold null for what could not be read. */
export const readAnswerValue = (reader: CborReader): Answer["value"] =>
  readAny(reader, depthMax, "any") as Answer["value"]

const readMap = (reader: CborReader, nulls: Nulls): Record<string, unknown> | undefined => {
  if (reader.head() !== major.map) return reader.refuse(codes.Malformed, "not a map")
  return readEntries(reader, depthMax - 1, nulls)
}

/** Reads a map that holds no null. */
export const readTwinMap = (reader: CborReader): TwinMap | undefined => readMap(reader, "none") as TwinMap | undefined

/** Reads a merge patch, in which null deletes. */
export const readTwinPatch = (reader: CborReader): TwinPatch | undefined =>
  readMap(reader, "delete") as TwinPatch | undefined

/**
 * Writes a value; a map's keys in the order they have. Throws `RangeError` on what no door of the cluster lets in: a number
 * that is not finite, a lone surrogate, anything that is not JSON.
 */
export const writeTwinValue = (writer: CborWriter, value: unknown): void => {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`no number for a twin: ${value}`)
      return writer.number(value)
    case "string":
      return writer.text(value)
    case "boolean":
      return writer.boolean(value)
    case "object":
      if (value === null) return writer.null()
      if (Array.isArray(value)) {
        writer.head(major.list, value.length)
        for (const element of value) writeTwinValue(writer, element)
        return
      }
      if (!ArrayBuffer.isView(value)) return writeEntries(writer, value)
  }
  throw new RangeError(`no value for a twin: ${typeof value}`)
}

const writeEntries = (writer: CborWriter, map: object): void => {
  const keys = Object.keys(map)
  const values: ReadonlyArray<unknown> = Object.values(map)
  writer.head(major.map, keys.length)
  for (let index = 0; index < keys.length; index++) {
    writer.text(keys[index] ?? "")
    writeTwinValue(writer, values[index])
  }
}
