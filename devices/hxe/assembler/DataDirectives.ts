/** Directives that write bytes into the data of a program. Numbers are little-endian, as the machine reads them. */
import { partBytesMax } from "../../../src/protocol/hxe/Hxe.ts"
import type { Place, Report } from "./Diagnostic.ts"
import { type Expression, readExpression, readInteger, readString } from "./Literals.ts"
import type { Field } from "./Relocation.ts"
import type { Piece } from "./Source.ts"

/** Puts a number or a symbol into data at an offset. */
export type Fill = (offset: number, field: Field, expression: Expression, place: Place) => void

const numbers: Readonly<Record<string, readonly [field: Field, bytes: number]>> = {
  ".byte": ["byte", 1],
  ".half": ["half", 2],
  ".hword": ["half", 2],
  ".word": ["word", 4]
}

const strings: Readonly<Record<string, ReadonlyArray<number>>> = { ".ascii": [], ".asciz": [0], ".string": [0] }

/** Their names. */
export const dataDirectives: ReadonlyArray<string> = [
  ...Object.keys(numbers),
  ...Object.keys(strings),
  ".align",
  ".zero"
]

/** Appends what a directive writes. */
export const writeData = (
  name: string,
  pieces: ReadonlyArray<Piece>,
  place: Place,
  report: Report,
  data: Array<number>,
  fill: Fill
): void => {
  const append = (bytes: Iterable<number>): void => {
    for (const byte of bytes) data.push(byte)
  }

  const string = (piece: Piece, end: ReadonlyArray<number>): void => {
    const read = readString(piece.text)
    if (read.ok) append([...read.bytes, ...end])
    else report({ ...place, column: piece.column + read.at }, read.message)
  }

  const number = (piece: Piece, field: Field, bytes: number): void => {
    const where = { ...place, column: piece.column }
    const expression = readExpression(piece.text)
    // In .byte, quotes may hold any number of letters.
    if (field === "byte" && expression === undefined && /^["']/.test(piece.text)) return string(piece, [])
    const offset = data.length
    append(new Uint8Array(bytes))
    if (expression === undefined) report(where, `${piece.text} is neither a number nor a symbol`)
    else fill(offset, field, expression, where)
  }

  /** The one number of `.align` and `.zero`. */
  const count = (minimum: number): number | undefined => {
    const [piece, second] = pieces
    const value = piece === undefined ? undefined : readInteger(piece.text)
    if (second === undefined && value !== undefined && value >= minimum && value <= partBytesMax) return value
    report(place, `${name} takes one number from ${minimum} to ${partBytesMax}`)
    return undefined
  }

  if (name === ".align") {
    const step = count(1)
    if (step !== undefined) append(new Uint8Array((step - (data.length % step)) % step))
    return
  }
  if (name === ".zero") {
    append(new Uint8Array(count(0) ?? 0))
    return
  }
  if (pieces.length === 0) report(place, `${name} takes at least one ${name in strings ? "string" : "number"}`)
  const [field, bytes] = numbers[name] ?? []
  for (const piece of pieces) {
    if (field !== undefined && bytes !== undefined) number(piece, field, bytes)
    else string(piece, strings[name] ?? [])
  }
}
