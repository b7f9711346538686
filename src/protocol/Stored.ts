/** Values at rest: CBOR (RFC 8949) with plain maps, so that any reader of the standard can open a row. */
import { Decoder } from "cbor-x"
import { major } from "./CborReader.ts"
import { CborWriter } from "./CborWriter.ts"

// Byte strings are copied on reading: a view would keep the whole network packet of a claim alive.
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true, copyBuffers: true })
const writer = new CborWriter()

const isArray = (value: object): value is ReadonlyArray<unknown> => Array.isArray(value)
const isMap = (value: object): value is Readonly<Record<string, unknown>> => !isArray(value)

/** Writes a value for the store. */
export const writeStored = (writer: CborWriter, value: unknown): void => {
  switch (typeof value) {
    case "string":
      return writer.text(value)
    case "number":
      // Integers beyond 32 bits as floats, which hold every safe one exactly: the decoder reads them as BigInt.
      return value > 0xffff_ffff || value < -0x8000_0000 ? writer.double(value) : writer.number(value)
    case "boolean":
      return writer.boolean(value)
    case "undefined":
      return writer.undefined()
    case "object":
      return value === null ? writer.null() : writeObject(writer, value)
  }
  throw new TypeError(`a ${typeof value} cannot be stored`)
}

const writeObject = (writer: CborWriter, value: object): void => {
  if (isArray(value)) {
    writer.head(major.list, value.length)
    for (let index = 0; index < value.length; index++) writeStored(writer, value[index])
  } else if (value instanceof Uint8Array) writer.byteString(value)
  else if (isMap(value)) {
    const keys = Object.keys(value)
    writer.head(major.map, keys.length)
    for (const key of keys) {
      writer.text(key)
      writeStored(writer, value[key])
    }
  }
}

/**
 * Encodes a value for the store: JSON values and byte strings. Round-trips exactly, except that `-0` becomes `0`. The bytes
 * are a view on a larger buffer; they are never written to again.
 */
export const encodeStored = (value: unknown): Uint8Array => {
  writer.begin()
  writeStored(writer, value)
  return writer.takeView()
}

/** Decodes what {@link encodeStored} wrote. Throws on bytes that are not CBOR; who reads a row turns that into an error with its key. */
export const decodeStored = (bytes: Uint8Array): unknown =>
  // A plain view: the decoder leaves a property on the array it reads, and byte strings take its class.
  decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))

/** Decodes items that stand one behind the other. Throws on bytes that are not CBOR, or end within an item. */
export const decodeStoredAll = (bytes: Uint8Array): ReadonlyArray<unknown> => {
  const all: Array<unknown> = []
  decoder.decodeMultiple(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), (item) => {
    all.push(item)
  })
  return all
}
