/** Bodies of private frames: any well-formed CBOR of the link, which a site's own firmware and plugins make sense of. */
import { type CborReader, major } from "./CborReader.ts"
import type { CborWriter } from "./CborWriter.ts"

/** Reads a value: maps as `Map`, byte strings as bytes. */
const readAny = (reader: CborReader): unknown => {
  switch (reader.head()) {
    case major.unsigned:
      return reader.argument
    case major.negative:
      return -1 - reader.argument
    case major.bytes:
      return reader.takeBytes()
    case major.text:
      return reader.takeText()
    case major.list: {
      const values: Array<unknown> = []
      for (let count = reader.argument; count > 0; count--) values.push(readAny(reader))
      return values
    }
    case major.map: {
      const map = new Map<unknown, unknown>()
      for (let count = reader.argument; count > 0; count--) {
        const key = readAny(reader)
        map.set(key, readAny(reader))
      }
      return map
    }
    default:
      return reader.takeSimple()
  }
}

/** Reads a body; nothing when it is not a map with unsigned integer keys. */
export const readPrivateBody = (reader: CborReader): ReadonlyMap<number, unknown> | undefined => {
  if (reader.head() !== major.map) return undefined
  const body = new Map<number, unknown>()
  for (let count = reader.argument; count > 0; count--) {
    if (reader.head() !== major.unsigned) return undefined
    const key = reader.argument
    body.set(key, readAny(reader))
  }
  return body
}

const writeAny = (writer: CborWriter, value: unknown): void => {
  if (value === null) return writer.null()
  if (typeof value === "number") return writer.number(value)
  if (typeof value === "string") return writer.text(value)
  if (typeof value === "boolean") return writer.boolean(value)
  if (value instanceof Uint8Array) return writer.byteString(value)
  if (Array.isArray(value)) {
    writer.head(major.list, value.length)
    for (const element of value) writeAny(writer, element)
    return
  }
  if (!(value instanceof Map)) throw new RangeError(`no value for a private frame: ${typeof value}`)
  writer.head(major.map, value.size)
  for (const [key, element] of value) {
    writeAny(writer, key)
    writeAny(writer, element)
  }
}

/** Writes a body with its keys in ascending order. */
export const writePrivateBody = (writer: CborWriter, body: ReadonlyMap<number, unknown>): void => {
  writer.head(major.map, body.size)
  for (const key of [...body.keys()].sort((a, b) => a - b)) {
    writer.unsigned(key)
    writeAny(writer, body.get(key))
  }
}
