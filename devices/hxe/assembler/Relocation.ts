/** Puts numbers and addresses into the fields that wait for them, and refuses those that do not fit. */
import { rodataAddress } from "../../../src/protocol/hxe/Hxe.ts"
import type { Expression } from "./Literals.ts"
import type { Label } from "./ObjectCode.ts"

/**
 * Where a number goes: a signed 12-bit immediate of LDI or offset of a memory access, the absolute byte address of a jump, the
 * signed distance of a CALL in words, a whole word (big-endian in code, little-endian in data), or a half or byte of data.
 */
export type Field = "immediate" | "offset" | "target" | "call" | "word" | "half" | "byte"

/** The last address that a jump can name. Its field is unsigned and has twelve bits. */
export const targetMax = 0xffc
/** Words that CALL reaches, backwards and forwards. One more forwards would be read as backwards. */
export const callWords = { minimum: -2048, maximum: 2047 } as const

/** What a field takes, both bounds included. */
const bounds: Readonly<Record<Field, readonly [minimum: number, maximum: number]>> = {
  immediate: [-2048, 2047],
  offset: [-2048, 2047],
  target: [0, targetMax],
  call: [callWords.minimum, callWords.maximum],
  word: [-0x8000_0000, 0xffff_ffff],
  half: [-0x8000, 0xffff],
  byte: [-0x80, 0xff]
}

/** The bits for the field, or why there are none. */
export type Fit =
  | { readonly ok: true; readonly bits: number }
  | { readonly ok: false; readonly message: string; readonly hint?: string }

const misfit = (message: string, hint?: string): Fit => ({
  ok: false,
  message,
  ...(hint === undefined ? {} : { hint })
})

const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`

/** Where the sections of an object lie in the image. */
export interface Bases {
  readonly text: number
  readonly data: number
}

/** A label that is known, and where its object lies. */
export interface Located {
  readonly label: Label
  readonly bases: Bases
}

/** Code offset in the image, or address in data memory. */
export const addressOf = ({ label, bases }: Located): number =>
  label.section === "text" ? bases.text + label.offset : rodataAddress + bases.data + label.offset

const hints: Partial<Readonly<Record<Field, string>>> = {
  immediate: "LDI32 takes any number of 32 bits",
  offset: "add the rest to the register first"
}

const inField = (field: Field, value: number, name?: string): Fit => {
  const [minimum, maximum] = bounds[field]
  if (value >= minimum && value <= maximum) return { ok: true, bits: value }
  const what = name === undefined ? String(value) : `${name} is ${value} (${hex(value)}), which`
  return misfit(`${what} is not between ${minimum} and ${maximum}`, hints[field])
}

const target = (value: number, name: string | undefined): Fit => {
  const where = name === undefined ? hex(value) : `${name} lies at ${hex(value)}, which`
  if (value < 0 || value > targetMax) {
    return misfit(
      `${where} is beyond ${hex(targetMax)}, the last address a jump reaches`,
      "move it to the start of the code, or reach it with CALL"
    )
  }
  return value % 4 === 0 ? { ok: true, bits: value } : misfit(`${where} is not a multiple of 4`)
}

const call = (located: Located, name: string, from: number): Fit => {
  const words = (addressOf(located) - from) / 4
  if (words >= callWords.minimum && words <= callWords.maximum) return { ok: true, bits: words }
  return misfit(
    `${name} is ${words} words away, and CALL reaches ${callWords.minimum} to ${callWords.maximum}`,
    `load its address and call that: LDI32 R12, ${name} and CALL R12`
  )
}

/**
 * The bits of an expression in a field. `from` is the code offset of the instruction; `located` is what the symbol means, if
 * the expression is one. A number behind CALL is a distance in words.
 */
export const bitsOf = (field: Field, expression: Expression, from: number, located: Located | undefined): Fit => {
  if (expression.kind === "number") {
    return field === "target" ? target(expression.value, undefined) : inField(field, expression.value)
  }
  const { name, part } = expression
  if (located === undefined) return misfit(`there is no ${name}`)
  const { label, bases } = located
  if ((field === "target" || field === "call") && (part !== "whole" || label.section !== "text")) {
    return misfit(part === "whole" ? `${name} is data, not code` : `${part}(${name}) is no place in the code`)
  }
  const address = addressOf(located)
  switch (part) {
    case "whole":
      if (field === "call") return call(located, name, from)
      return field === "target" ? target(address, name) : inField(field, address, name)
    case "lo16":
      return inField(field, address & 0xffff, `lo16(${name})`)
    case "hi16":
      return inField(field, address >>> 16, `hi16(${name})`)
    case "off16":
      if (label.section !== "data") return misfit(`off16 is for labels in .data, and ${name} is code`)
      return inField(field, (bases.data + label.offset) & 0xffff, `off16(${name})`)
  }
}

/** Writes bits into a field that is still zero. */
export const put = (
  code: Array<number>,
  data: Array<number>,
  at: { section: string; offset: number; field: Field },
  bits: number
): void => {
  if (at.section === "text") {
    const index = at.offset >>> 2
    const low = at.field === "word" ? bits : bits & 0xfff
    code[index] = ((code[index] ?? 0) | low) >>> 0
    return
  }
  const length = at.field === "byte" ? 1 : at.field === "half" ? 2 : 4
  for (let byte = 0; byte < length; byte++) data[at.offset + byte] = (bits >>> (8 * byte)) & 0xff
}
