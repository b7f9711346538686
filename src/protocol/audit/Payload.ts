/** What an event says, as its audit record has it: JSON in one form of bytes, so that whoever hashes it gets the same hash. */
import { major } from "../CborReader.ts"
import { CborWriter } from "../CborWriter.ts"
import { hashOf } from "./Hash.ts"

/** A longer one stands in the journal only; its record has its hash. */
export const payloadBytesMax = 32 * 1024

const writer = new CborWriter()

const isList = (value: object): value is ReadonlyArray<unknown> => Array.isArray(value)

/** RFC 8949, 4.2.1: keys in the order of their encoded bytes, which begin with their length. */
const keysOf = (value: object): ReadonlyArray<string> =>
  Object.keys(value)
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .sort((one, other) => one.bytes.length - other.bytes.length || Buffer.compare(one.bytes, other.bytes))
    .map(({ key }) => key)

const write = (value: unknown): void => {
  switch (typeof value) {
    case "string":
      return writer.text(value)
    case "number":
      return writer.number(value)
    case "boolean":
      return writer.boolean(value)
    case "object": {
      if (value === null) return writer.null()
      if (isList(value)) {
        writer.head(major.list, value.length)
        for (const item of value) write(item)
        return
      }
      const keys = keysOf(value)
      writer.head(major.map, keys.length)
      for (const key of keys) {
        writer.text(key)
        write(Reflect.get(value, key))
      }
      return
    }
  }
  throw new TypeError(`a ${typeof value} is no JSON`)
}

/** Deterministic CBOR (RFC 8949, 4.2.1) of a JSON value. */
export const encodePayload = (value: unknown): Uint8Array => {
  writer.begin()
  write(value)
  return writer.take()
}

/** What a record keeps of a payload. */
export interface PayloadDigest {
  readonly hash: Uint8Array
  /** Length of its bytes where the payload stands beside the record; absent where it is too long for that. */
  readonly bytes: number | undefined
}

/** PostgreSQL keeps no text with a zero in it. */
const isKeepable = (bytes: Uint8Array, value: unknown): boolean =>
  bytes.length <= payloadBytesMax && !(bytes.includes(0) && JSON.stringify(value).includes("\\u0000"))

/** Hashes a payload. */
export const digestOf = (value: unknown): PayloadDigest => {
  const bytes = encodePayload(value)
  return { hash: hashOf(bytes), bytes: isKeepable(bytes, value) ? bytes.length : undefined }
}
