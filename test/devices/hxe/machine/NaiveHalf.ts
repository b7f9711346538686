/** Arithmetic on halves by looking each result up in the list of all halves. Written apart from what it checks. */

const numberOf = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = Math.floor((bits & 0x7fff) / 1024)
  const fraction = bits % 1024
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * (fraction / 1024) * 2 ** -14
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const finiteCount = 0x7c00
const sizes = Array.from({ length: finiteCount }, (_, bits) => numberOf(bits))
const sizeAt = (index: number): number => sizes[index] ?? 65536

const nearest = (size: number): number => {
  let low = 0
  let high = finiteCount
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (sizeAt(middle) <= size) low = middle
    else high = middle
  }
  const below = size - sizeAt(low)
  const above = sizeAt(high) - size
  if (below < above) return low
  if (above < below) return high
  return low % 2 === 0 ? low : high
}

const bitsOf = (value: number): number => {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || 1 / value < 0 ? 0x8000 : 0
  const size = Math.abs(value)
  if (size > 65536) return sign + 0x7c00
  if (size < 2 ** -14) return sign + Math.min(nearest(size), 0x3ff)
  return sign + nearest(size)
}

export const naiveHalves = {
  add: (a: number, b: number): number => bitsOf(numberOf(a) + numberOf(b)),
  subtract: (a: number, b: number): number => bitsOf(numberOf(a) - numberOf(b)),
  multiply: (a: number, b: number): number => bitsOf(numberOf(a) * numberOf(b)),
  divide: (a: number, b: number): number =>
    bitsOf(numberOf(a) / (b % 0x8000 === 0 ? Number.POSITIVE_INFINITY : numberOf(b))),
  fromInteger: (integer: bigint): number => bitsOf(Number(integer)),
  toInteger: (bits: number): bigint => {
    const value = numberOf(bits)
    if (Number.isNaN(value)) return 0n
    if (value === Number.POSITIVE_INFINITY) return 0x7fffffffn
    if (value === Number.NEGATIVE_INFINITY) return -0x80000000n
    return BigInt(Math.trunc(value))
  }
}
