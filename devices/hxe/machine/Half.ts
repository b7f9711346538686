/** The machine's arithmetic on 16-bit floats, which every board must do bit for bit alike. */
import { f16Bits, f16Value } from "../../../src/protocol/hxe/F16.ts"

/** Smallest number with a full fraction. */
const smallestNormal = 2 ** -14
const smallestNormalBits = 0x0400

/**
 * Encodes a result. What lies below the smallest normal number stays below it: the machine rounds the fraction of a
 * subnormal, but never up into the exponent.
 */
const encode = (value: number): number => {
  const bits = f16Bits(value)
  return (bits & 0x7fff) === smallestNormalBits && Math.abs(value) < smallestNormal ? bits - 1 : bits
}

/** The sum of two halves, as bits. */
export const addHalves = (a: number, b: number): number => encode(f16Value(a) + f16Value(b))

/** The difference of two halves, as bits. */
export const subtractHalves = (a: number, b: number): number => encode(f16Value(a) - f16Value(b))

/** The product of two halves, as bits. */
export const multiplyHalves = (a: number, b: number): number => encode(f16Value(a) * f16Value(b))

/** The quotient of two halves, as bits. A zero divides as positive infinity does: the result is a zero with the dividend's sign. */
export const divideHalves = (a: number, b: number): number => {
  const divisor = f16Value(b)
  return encode(f16Value(a) / (divisor === 0 ? Number.POSITIVE_INFINITY : divisor))
}

/** A signed integer as the bits of a half. */
export const halfOf = (integer: number): number => encode(integer)

/** A half cut to a signed integer. Infinities give the ends of the range, no number gives 0. */
export const integerOf = (bits: number): number => {
  const value = f16Value(bits)
  if (value === Number.POSITIVE_INFINITY) return 0x7fff_ffff
  if (value === Number.NEGATIVE_INFINITY) return -0x8000_0000
  return value | 0
}
