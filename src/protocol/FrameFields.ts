/** How the fields of frames are read and written. A kind is made once and holds no state. */
import { type CborReader, major } from "./CborReader.ts"
import type { CborWriter } from "./CborWriter.ts"
import { codes } from "./Codes.ts"
import type { ValueId } from "./frame/ProgramFrames.ts"
import { uuidBytes, uuidText } from "./Ids.ts"

/**
 * One kind of value. `read` answers `undefined` after a refusal, which the reader holds; a wrong type is refused as
 * malformed, a value outside its limit as out of range.
 */
export interface Kind<Value> {
  read(reader: CborReader): Value | undefined
  write(writer: CborWriter, value: Value): void
}

const outside = (reader: CborReader, limit: string): undefined => reader.refuse(codes.ERANGE, limit)

const wrong = (reader: CborReader, expected: string): undefined => reader.refuse(codes.Malformed, `not ${expected}`)

/** An unsigned integer. */
export const unsigned = (max: number, min = 0): Kind<number> => ({
  read: (reader) => {
    if (reader.head() !== major.unsigned) return wrong(reader, "an unsigned integer")
    const { argument } = reader
    return argument > max || argument < min ? outside(reader, `not within ${min}…${max}`) : argument
  },
  write: (writer, value) => writer.unsigned(value)
})

export const u = unsigned(Number.MAX_SAFE_INTEGER)
export const u8 = unsigned(0xff)
export const u16 = unsigned(0xffff)
export const u32 = unsigned(0xffff_ffff)

/** A signed integer. */
export const integer: Kind<number> = {
  read: (reader) => {
    const type = reader.head()
    if (type === major.unsigned) return reader.argument
    return type === major.negative ? -1 - reader.argument : wrong(reader, "an integer")
  },
  write: (writer, value) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`no integer for the link: ${value}`)
    writer.number(value)
  }
}

const numberOf = (type: number, reader: CborReader): number | undefined => {
  if (type === major.unsigned) return reader.argument
  if (type === major.negative) return -1 - reader.argument
  const value = type === major.simple ? reader.takeSimple() : undefined
  return typeof value === "number" ? value + 0 : wrong(reader, "a number")
}

/** A number, as an integer or a float of any width. */
export const number = (min: number, max: number): Kind<number> => ({
  read: (reader) => {
    const value = numberOf(reader.head(), reader)
    if (value === undefined || (value >= min && value <= max)) return value
    return outside(reader, `not within ${min}…${max}`)
  },
  write: (writer, value) => writer.number(value)
})

/** A part of a whole. */
export const share = number(0, 1)
export const finite = number(-Number.MAX_VALUE, Number.MAX_VALUE)

export const boolean: Kind<boolean> = {
  read: (reader) => {
    const value = reader.head() === major.simple ? reader.takeSimple() : undefined
    return typeof value === "boolean" ? value : wrong(reader, "a boolean")
  },
  write: (writer, value) => writer.boolean(value)
}

/** A text of at most so many bytes of UTF-8; without a limit the frame's size is one. */
export const text = (bytesMax = Number.POSITIVE_INFINITY, grammar?: RegExp): Kind<string> => ({
  read: (reader) => {
    if (reader.head() !== major.text) return wrong(reader, "text")
    if (reader.argument > bytesMax) return outside(reader, `more than ${bytesMax} bytes`)
    const value = reader.takeText()
    return grammar === undefined || grammar.test(value) ? value : outside(reader, `does not match ${grammar.source}`)
  },
  write: (writer, value) => writer.text(value)
})

/** A byte string of one of these lengths; without any, of every length. */
export const bytes = (...lengths: ReadonlyArray<number>): Kind<Uint8Array> => ({
  read: (reader) => {
    if (reader.head() !== major.bytes) return wrong(reader, "a byte string")
    if (lengths.length > 0 && !lengths.includes(reader.argument)) return wrong(reader, `${lengths.join(" or ")} bytes`)
    return reader.takeBytes()
  },
  write: (writer, value) => writer.byteString(value)
})

const idOf = (type: number, reader: CborReader): string | undefined => {
  if (type !== major.bytes || reader.argument !== 16) return wrong(reader, "16 bytes")
  return uuidText(reader.takeBytes())
}

const writeId = (writer: CborWriter, value: string): void => {
  const id = uuidBytes(value)
  if (id === undefined) throw new RangeError(`no UUID: ${value}`)
  writer.byteString(id)
}

/** 16 bytes, read as the text of a UUID. */
export const uuid: Kind<string> = {
  read: (reader) => idOf(reader.head(), reader),
  write: writeId
}

/** What an error answers: a request number, or the id of a command. */
export const request: Kind<number | string> = {
  read: (reader) => {
    const type = reader.head()
    if (type !== major.unsigned) return idOf(type, reader)
    return reader.argument > 0xffff_ffff ? outside(reader, "not a request number") : reader.argument
  },
  write: (writer, value) => (typeof value === "number" ? writer.unsigned(value) : writeId(writer, value))
}

/** A number or name of a value, or a step of a path. */
export const numberOrName = (max: number): Kind<ValueId> => ({
  read: (reader) => {
    const type = reader.head()
    if (type === major.text) return reader.takeText()
    if (type !== major.unsigned) return wrong(reader, "a number or a name")
    return reader.argument > max ? outside(reader, `beyond ${max}`) : reader.argument
  },
  write: (writer, value) => (typeof value === "number" ? writer.unsigned(value) : writer.text(value))
})

/** A value of a program, which may be NaN or infinite: a sensor's way to say that it has none. */
export const scalar: Kind<number | string> = {
  read: (reader) => {
    const type = reader.head()
    return type === major.text ? reader.takeText() : numberOf(type, reader)
  },
  write: (writer, value) => (typeof value === "number" ? writer.number(value) : writer.text(value))
}

/** A list. Beyond its limit it is refused before an element is read. */
export const list = <Value>(element: Kind<Value>, max = Number.POSITIVE_INFINITY): Kind<ReadonlyArray<Value>> => ({
  read: (reader) => {
    if (reader.head() !== major.list) return wrong(reader, "a list")
    const count = reader.argument
    if (count > max) return outside(reader, `more than ${max}`)
    const values: Array<Value> = []
    for (let index = 0; index < count; index++) {
      const value = element.read(reader)
      if (value === undefined) return reader.inside(index)
      values.push(value)
    }
    return values
  },
  write: (writer, values) => {
    writer.head(major.list, values.length)
    for (const value of values) element.write(writer, value)
  }
})

/** Skips what a later version may have added. */
const skipElements = (reader: CborReader, count: number): void => {
  for (let index = 0; index < count; index++) {
    reader.head()
    reader.skipRest()
  }
}

/** JSON pointers, each with a code. */
export const codesByPointer: Kind<Readonly<Record<string, number>>> = {
  read: (reader) => {
    if (reader.head() !== major.map) return wrong(reader, "a map")
    const count = reader.argument
    const map: Record<string, number> = {}
    for (let index = 0; index < count; index++) {
      if (reader.head() !== major.text) return wrong(reader, "a map of pointers")
      const pointer = reader.takeText()
      if (pointer !== "" && !pointer.startsWith("/")) return outside(reader, "not a JSON pointer")
      const code = u16.read(reader)
      if (code === undefined) return reader.inside(pointer)
      map[pointer] = code
    }
    return map
  },
  write: (writer, map) => {
    const entries = Object.entries(map)
    writer.head(major.map, entries.length)
    for (const [pointer, code] of entries) {
      writer.text(pointer)
      writer.unsigned(code)
    }
  }
}

/** A field of a frame or of a map within one. */
export interface Field<Value> {
  readonly key: number
  readonly kind: Kind<Value>
  readonly isRequired: boolean
}

interface Required<Value> extends Field<Value> {
  readonly isRequired: true
}

interface Optional<Value> extends Field<Value> {
  readonly isRequired: false
}

/** A field without which the frame is refused. */
export const required = <Value>(key: number, kind: Kind<Value>): Required<Value> => ({ key, kind, isRequired: true })

/** A field that may be left out. */
export const optional = <Value>(key: number, kind: Kind<Value>): Optional<Value> => ({ key, kind, isRequired: false })

/** One field for each name of `Shape`: required where it is, of its type. */
export type FieldsOf<Shape> = {
  readonly [Name in keyof Shape]-?: Record<never, never> extends Pick<Shape, Name>
    ? Optional<Exclude<Shape[Name], undefined>>
    : Required<Shape[Name]>
}

/** Reads and writes the fields of a map with integer keys. */
export interface Fields {
  /** False after a refusal; `into` then holds what was read before it. */
  readonly readInto: (reader: CborReader, into: Record<string, unknown>) => boolean
  readonly write: (writer: CborWriter, from: object) => void
}

/** Compiles a table of fields, keys below 24. */
export const fieldsOf = (table: Readonly<Record<string, Field<unknown>>>): Fields => {
  const ordered = Object.entries(table)
    .map(([name, field]) => ({ name, ...field }))
    .sort((a, b) => a.key - b.key)
  const byKey: Array<(typeof ordered)[number] | undefined> = []
  let requiredKeys = 0
  for (const field of ordered) {
    if (field.key > 23 || byKey[field.key] !== undefined) throw new RangeError(`key ${field.key} of ${field.name}`)
    byKey[field.key] = field
    if (field.isRequired) requiredKeys |= 1 << field.key
  }
  return {
    readInto: (reader, into) => {
      if (reader.head() !== major.map) {
        wrong(reader, "a map")
        return false
      }
      const count = reader.argument
      let keys = 0
      for (let index = 0; index < count; index++) {
        if (reader.head() !== major.unsigned) {
          reader.refuse(codes.Malformed, "key that is not an unsigned integer")
          return false
        }
        const key = reader.argument
        const field = byKey[key]
        if (field === undefined) {
          skipElements(reader, 1)
          continue
        }
        const value = field.kind.read(reader)
        if (value === undefined) {
          reader.inside(key)
          return false
        }
        into[field.name] = value
        keys |= 1 << key
      }
      const missing = requiredKeys & ~keys
      if (missing === 0) return true
      reader.refuse(codes.Malformed, "missing")
      reader.inside(31 - Math.clz32(missing & -missing))
      return false
    },
    write: (writer, from) => {
      const values = from as Readonly<Record<string, unknown>>
      const place = writer.beginSmallMap()
      let count = 0
      for (const { key, name, kind } of ordered) {
        const value = values[name]
        if (value === undefined) continue
        writer.unsigned(key)
        kind.write(writer, value)
        count++
      }
      writer.endSmallMap(place, count)
    }
  }
}

/** Reads the head of a list of `count` named places. Answers how many more a later version put behind them. */
const beginPlaces = (reader: CborReader, count: number): number | undefined => {
  if (reader.head() !== major.list || reader.argument < count) return wrong(reader, `a list of ${count}`)
  return reader.argument - count
}

/** A list whose places have names. */
export const places = <Shape extends object>(
  table: {
    readonly [Name in keyof Shape]: Kind<Shape[Name]>
  }
): Kind<Shape> => {
  const named: ReadonlyArray<readonly [string, Kind<unknown>]> = Object.entries<Kind<unknown>>(table)
  return {
    read: (reader) => {
      const more = beginPlaces(reader, named.length)
      if (more === undefined) return undefined
      const into: Record<string, unknown> = {}
      for (let index = 0; index < named.length; index++) {
        const [name, kind] = named[index] ?? ["", u]
        const value = kind.read(reader)
        if (value === undefined) return reader.inside(index)
        into[name] = value
      }
      skipElements(reader, more)
      // One place for each name of the shape.
      return into as Shape
    },
    write: (writer, value) => {
      const values = value as Readonly<Record<string, unknown>>
      writer.head(major.list, named.length)
      for (const [name, kind] of named) kind.write(writer, values[name])
    }
  }
}

/** A map with integer keys inside a frame. */
export const record = <Shape extends object>(table: FieldsOf<Shape>): Kind<Shape> => {
  const fields = fieldsOf(table)
  return {
    read: (reader) => {
      const into: Record<string, unknown> = {}
      // The table has one field for each name of the shape, so what it read is the shape.
      return fields.readInto(reader, into) ? (into as Shape) : undefined
    },
    write: (writer, value) => fields.write(writer, value)
  }
}
