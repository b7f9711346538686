/** How the fields of a manifest are read and written as CBOR: maps that keep what a later version put into them. */
import { CborReader, major } from "../CborReader.ts"
import type { CborWriter } from "../CborWriter.ts"
import { codes } from "../Codes.ts"
import type { Field, FieldsOf, Kind } from "../FrameFields.ts"
import { readTwinMap } from "../TwinCbor.ts"
import { isTwinKey } from "../TwinSchema.ts"
import type { TwinMap, TwinValue } from "../TwinValue.ts"

/** Fields that this version does not know, by key as text: the hexadecimal digits of their CBOR. */
export type UnknownFields = Readonly<Record<string, string>>

/** A reader that can take an item as it stands. */
export class KeepingReader extends CborReader {
  private readonly source: Uint8Array

  constructor(bytes: Uint8Array) {
    super(bytes)
    this.source = bytes
  }

  /** The next item, unread: the hexadecimal digits of its bytes. */
  takeHex(): string {
    const start = this.at
    this.head()
    this.skipRest()
    return Buffer.from(this.source.subarray(start, this.at)).toString("hex")
  }
}

const refuseMap = (reader: CborReader): undefined => reader.refuse(codes.Malformed, "not a map")

interface NamedField extends Field<unknown> {
  readonly name: string
}

/** Reads the fields of the map whose head comes next; keys that the table does not have are kept in `unknown`. */
const readFields = (reader: KeepingReader, byKey: ReadonlyMap<number, NamedField>) => {
  if (reader.head() !== major.map) return refuseMap(reader)
  const count = reader.argument
  const into: Record<string, unknown> = {}
  const unknown: Record<string, string> = {}
  for (let index = 0; index < count; index++) {
    if (reader.head() !== major.unsigned) return reader.refuse(codes.Malformed, "a key that is not an unsigned integer")
    const key = reader.argument
    const field = byKey.get(key)
    if (field === undefined) {
      unknown[key] = reader.takeHex()
      continue
    }
    const value = field.kind.read(reader)
    if (value === undefined) return reader.inside(field.name)
    into[field.name] = value
  }
  if (Object.keys(unknown).length > 0) into["unknown"] = unknown
  for (const { name, isRequired } of byKey.values()) {
    if (!isRequired || into[name] !== undefined) continue
    reader.refuse(codes.Malformed, "missing")
    return reader.inside(name)
  }
  return into
}

/** A map with integer keys that keeps the ones it does not know. Written with its keys in order. */
export const openRecord = <Shape extends { readonly unknown?: UnknownFields }>(
  table: FieldsOf<Omit<Shape, "unknown">>
): Kind<Shape> => {
  const fields = Object.entries<Field<unknown>>(table).map(([name, field]): NamedField => ({ name, ...field }))
  const byKey = new Map(fields.map((field) => [field.key, field]))
  return {
    // The table has one field for each name of the shape, so what it read is the shape.
    read: (reader: KeepingReader) => readFields(reader, byKey) as Shape | undefined,
    write: (writer, value) => {
      const values = value as Readonly<Record<string, unknown>>
      const entries: Array<readonly [key: number, write: () => void]> = []
      for (const { key, name, kind } of fields) {
        const field = values[name]
        if (field !== undefined) entries.push([key, () => kind.write(writer, field)])
      }
      for (const [key, hex] of Object.entries(value.unknown ?? {}))
        if (!byKey.has(Number(key))) entries.push([Number(key), () => writer.encoded(Buffer.from(hex, "hex"))])
      entries.sort(([a], [b]) => a - b)
      writer.head(major.map, entries.length)
      for (const [key, write] of entries) {
        writer.unsigned(key)
        write()
      }
    }
  }
}

/** One of a few words, by its number on the wire. */
export const word = <Word extends string>(numbers: Readonly<Record<Word, number>>): Kind<Word> => {
  const byNumber = new Map<number, Word>()
  for (const name in numbers) byNumber.set(numbers[name], name)
  return {
    read: (reader) => {
      if (reader.head() !== major.unsigned) return reader.refuse(codes.Malformed, "not an unsigned integer")
      return byNumber.get(reader.argument) ?? reader.refuse(codes.ERANGE, `${reader.argument} has no meaning here`)
    },
    write: (writer, value) => writer.unsigned(numbers[value])
  }
}

/** A SHA-256, as text of 64 hexadecimal digits. */
export const sha256Digits: Kind<string> = {
  read: (reader) => {
    if (reader.head() !== major.bytes || reader.argument !== 32) return reader.refuse(codes.Malformed, "not 32 bytes")
    return Buffer.from(reader.takeBytes()).toString("hex")
  },
  write: (writer, value) => writer.byteString(Buffer.from(value, "hex"))
}

/** Keys of a map in the order of their encoded bytes: the length stands before the text. */
const inOrder = (map: object): ReadonlyArray<string> =>
  Object.keys(map)
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .sort((a, b) => a.bytes.length - b.bytes.length || Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key)

/** Texts by name. */
export const texts: Kind<Readonly<Record<string, string>>> = {
  read: (reader) => {
    if (reader.head() !== major.map) return refuseMap(reader)
    const map: Record<string, string> = {}
    for (let count = reader.argument; count > 0; count--) {
      if (reader.head() !== major.text) return reader.refuse(codes.Malformed, "a key that is not text")
      const key = reader.takeText()
      if (!isTwinKey(key)) return reader.refuse(codes.ERANGE, "a key that is no name")
      if (reader.head() !== major.text) return reader.refuse(codes.Malformed, "a value that is not text")
      map[key] = reader.takeText()
    }
    return map
  },
  write: (writer, map) => {
    const keys = inOrder(map)
    writer.head(major.map, keys.length)
    for (const key of keys) {
      writer.text(key)
      writer.text(map[key] ?? "")
    }
  }
}

const isArray = (value: TwinValue): value is ReadonlyArray<TwinValue> => Array.isArray(value)

const writeValue = (writer: CborWriter, value: TwinValue): void => {
  switch (typeof value) {
    case "number":
      return writer.number(value)
    case "string":
      return writer.text(value)
    case "boolean":
      return writer.boolean(value)
  }
  if (!isArray(value)) return writeMap(writer, value)
  writer.head(major.list, value.length)
  for (const element of value) writeValue(writer, element)
}

const writeMap = (writer: CborWriter, map: TwinMap): void => {
  const keys = inOrder(map)
  writer.head(major.map, keys.length)
  for (const key of keys) {
    writer.text(key)
    writeValue(writer, map[key] ?? false)
  }
}

/** What a twin may hold, by name. */
export const values: Kind<TwinMap> = { read: readTwinMap, write: writeMap }
