/** Values at rest: CBOR (RFC 8949) with plain maps, so that any reader of the standard can open a row. */
import { Encoder } from "cbor-x"

// Numbers beyond 32 bits are written as 64-bit floats, which hold every safe integer exactly. Byte strings are copied on
// reading: a view would keep the whole network packet of a claim alive.
const cbor = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
  copyBuffers: true
})

/**
 * Encodes a value for the store: JSON values and byte strings. Round-trips exactly, except that `-0` becomes `0`. The bytes
 * are a view on a larger buffer; they are never written to again.
 */
export const encodeStored = (value: unknown): Uint8Array => cbor.encode(value)

/** Decodes what {@link encodeStored} wrote. Throws on bytes that are not CBOR; who reads a row turns that into an error with its key. */
export const decodeStored = (bytes: Uint8Array): unknown =>
  // A plain view: the decoder leaves a property on the array it reads, and byte strings take its class.
  cbor.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
