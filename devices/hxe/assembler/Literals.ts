/** Numbers, letters, strings and names as they are written in a source. */
import { f16Bits } from "../../../src/protocol/hxe/F16.ts"

/** Bytes of a string, or what is wrong with it. */
export type ReadString =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string; readonly at: number }

const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, "\\": 92, "0": 0, '"': 34, "'": 39 }

const encoder = new TextEncoder()

/** The bytes of a quoted string. Letters are UTF-8; `\n \r \t \\ \0 \" \'` and `\xNN` stand for one byte each. */
export const readString = (text: string): ReadString => {
  const quote = text[0]
  if (quote !== '"' && quote !== "'") return { ok: false, message: `${text} is not a string in quotes`, at: 0 }
  const bytes: Array<number> = []
  let at = 1
  while (at < text.length) {
    const letter = text[at]
    if (letter === quote) {
      if (at !== text.length - 1) return { ok: false, message: "something stands behind the string", at: at + 1 }
      return { ok: true, bytes: Uint8Array.from(bytes) }
    }
    if (letter !== "\\") {
      const [whole = ""] = text.slice(at)
      bytes.push(...encoder.encode(whole))
      at += whole.length
      continue
    }
    const escaped = text[at + 1] ?? ""
    if (escaped === "x") {
      const digits = text.slice(at + 2, at + 4)
      if (!/^[0-9a-f]{2}$/i.test(digits)) return { ok: false, message: "\\x takes two hexadecimal digits", at }
      bytes.push(Number.parseInt(digits, 16))
      at += 4
      continue
    }
    const byte = escapes[escaped]
    if (byte === undefined) return { ok: false, message: `there is no escape \\${escaped}`, at }
    bytes.push(byte)
    at += 2
  }
  return { ok: false, message: "the string has no closing quote", at: 0 }
}

const integers: ReadonlyArray<readonly [pattern: RegExp, radix: number]> = [
  [/^([+-]?)(\d+)$/, 10],
  [/^([+-]?)0x([0-9a-f]+)$/i, 16],
  [/^([+-]?)0b([01]+)$/i, 2]
]

/** A whole number: decimal, `0x`, `0b`, or one letter in single quotes. Nothing when it is none of these. */
export const readInteger = (text: string): number | undefined => {
  for (const [pattern, radix] of integers) {
    const [, sign, digits] = pattern.exec(text) ?? []
    if (digits !== undefined) return (sign === "-" ? -1 : 1) * Number.parseInt(digits, radix)
  }
  if (!/^'.+'$/s.test(text)) return undefined
  const inner = text.slice(1, -1)
  if (!inner.startsWith("\\") && [...inner].length === 1) return inner.codePointAt(0)
  const read = readString(text)
  return read.ok && read.bytes.length === 1 ? read.bytes[0] : undefined
}

/** How labels and symbols may be called. */
export const isName = (text: string): boolean => /^[A-Za-z_.][A-Za-z0-9_.$]*$/.test(text)

/** The number of a register, `R0` to `R15` in any case. */
export const readRegister = (text: string): number | undefined => {
  const [, digits] = /^r(\d|1[0-5])$/i.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** A number, or what a symbol is worth: whole, its low or high half, or its offset in the data. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "symbol"; readonly name: string; readonly part: "whole" | "lo16" | "hi16" | "off16" }

/** The bits of `f16(1.5)`, a half written as a decimal number. */
const readHalf = (text: string): number | undefined => {
  const [, number] = /^f16\s*\(\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*\)$/i.exec(text) ?? []
  return number === undefined ? undefined : f16Bits(Number(number))
}

/** Reads a number or a symbol; nothing when the text is neither. */
export const readExpression = (text: string): Expression | undefined => {
  const value = readInteger(text) ?? readHalf(text)
  if (value !== undefined) return { kind: "number", value }
  const [, part, inner] = /^(lo16|hi16|off16)\s*\(\s*([^)]*?)\s*\)$/i.exec(text) ?? []
  const name = inner ?? text
  if (!isName(name) || readRegister(name) !== undefined) return undefined
  switch (part?.toLowerCase()) {
    case "lo16":
      return { kind: "symbol", name, part: "lo16" }
    case "hi16":
      return { kind: "symbol", name, part: "hi16" }
    case "off16":
      return { kind: "symbol", name, part: "off16" }
    default:
      return { kind: "symbol", name, part: "whole" }
  }
}
