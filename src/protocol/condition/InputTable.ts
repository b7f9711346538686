/**
 * The table of values that a compiled condition reads, ABI `condition/1`.
 *
 * The table is a row of records of 11 bytes, in the order of their fields: `field` (u16), `type` (u8), `value` (8 bytes), all
 * little-endian. A field that is missing has no record. Behind the table come texts (UTF-8) and the elements of lists; what
 * points at them counts from the start of the table.
 *
 * | type | | value |
 * | --- | --- | --- |
 * | 0 | null | zeros |
 * | 1 | boolean | one byte, 0 or 1 |
 * | 2 | number | a double; never NaN nor infinite |
 * | 3 | text | u32 where it begins, u32 its bytes |
 * | 4 | list | u32 where its records begin, u32 how many; their field is 0 |
 * | 5 | map | zeros |
 */
import { valueAt } from "./Values.ts"

/** Bytes of a record. */
export const recordBytes = 11
/** Numbers of the types. */
export const valueTypes = { null: 0, boolean: 1, number: 2, text: 3, list: 4, map: 5 } as const

/** A table with what belongs to it. */
export interface EncodedInput {
  readonly bytes: Uint8Array
  /** How many of them are the table. */
  readonly tableBytes: number
}

const utf8 = new TextEncoder()

class Writer {
  private readonly pieces: Array<Uint8Array> = []
  private end: number

  constructor(tableBytes: number) {
    this.end = tableBytes
  }

  /** Writes the records of values by their fields, and puts what they point at behind. */
  records(values: ReadonlyArray<readonly [field: number, value: unknown]>): Uint8Array {
    const bytes = new Uint8Array(values.length * recordBytes)
    const view = new DataView(bytes.buffer)
    for (const [index, [field, value]] of values.entries()) {
      const at = index * recordBytes
      view.setUint16(at, field, true)
      this.value(view, at + 2, value)
    }
    return bytes
  }

  private value(view: DataView, at: number, value: unknown): void {
    if (typeof value === "boolean") {
      view.setUint8(at, valueTypes.boolean)
      view.setUint8(at + 1, value ? 1 : 0)
    } else if (typeof value === "number") {
      // An element of a list cannot be left out; what is not finite is nothing that compares.
      view.setUint8(at, Number.isFinite(value) ? valueTypes.number : valueTypes.null)
      if (Number.isFinite(value)) view.setFloat64(at + 1, value, true)
    } else if (typeof value === "string") {
      const text = utf8.encode(value)
      view.setUint8(at, valueTypes.text)
      this.pointer(view, at, text, text.length)
    } else if (Array.isArray(value)) {
      // Lists within lists are compared with nothing.
      const elements = value.map((element: unknown) => [0, Array.isArray(element) ? null : element] as const)
      view.setUint8(at, valueTypes.list)
      this.pointer(view, at, this.records(elements), elements.length)
    } else if (value !== null) view.setUint8(at, valueTypes.map)
  }

  private pointer(view: DataView, at: number, bytes: Uint8Array, count: number): void {
    view.setUint32(at + 1, this.end, true)
    view.setUint32(at + 5, count, true)
    this.end += bytes.length
    this.pieces.push(bytes)
  }

  whole(table: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.end)
    bytes.set(table)
    let at = table.length
    for (const piece of this.pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }
}

/** The table of a document; `fields` are the paths of a compiled condition, in order. */
export const encodeInput = (fields: ReadonlyArray<ReadonlyArray<string>>, document: unknown): EncodedInput => {
  const values = fields.flatMap((path, field) => {
    const value = valueAt(document, path)
    return value === undefined ? [] : [[field, value] as const]
  })
  const tableBytes = values.length * recordBytes
  const writer = new Writer(tableBytes)
  return { bytes: writer.whole(writer.records(values)), tableBytes }
}
