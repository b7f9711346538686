/** IEEE 754 binary16: the number format of values and floats in HXE images, and of the shortest floats of CBOR. */

/** From here on every magnitude rounds to infinity: halfway between 65504 and the next power of two. */
const overflow = 65_520
const normalMin = 2 ** -14
/** Adding and subtracting it rounds a smaller number to an integer, half to even. */
const integerMagic = 2 ** 52

const roundHalfEven = (value: number): number => value + integerMagic - integerMagic

/** Bits of the nearest half, ties to even; magnitudes from 65520 on are infinite, and every NaN is 0x7E00. */
export const f16Bits = (value: number): number => {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= overflow) return sign | 0x7c00
  // What rounds up to the smallest normal number carries into the exponent, which is its encoding.
  if (size < normalMin) return sign | roundHalfEven(size * 2 ** 24)
  // Scaled into [1, 2^30), so that the leading bit tells the exponent exactly.
  const exponent = 31 - Math.clz32(size * 2 ** 14) - 14
  return sign | (((exponent + 15) << 10) + roundHalfEven(size * 2 ** (10 - exponent)) - 1024)
}

/** Value of a half by its low 16 bits. Exact. */
export const f16Value = (bits: number): number => {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1024 + fraction) * 2 ** (exponent - 25)
  return (bits & 0x8000) === 0 ? size : -size
}
