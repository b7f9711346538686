/** Units as people say them, and numbers in the unit that a field has. */
import { convert } from "../condition/Units.ts"
import type { Quantity } from "./Bindings.ts"
import type { Reading } from "./Reading.ts"

const spoken: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "°": "° degree degrees deg",
    "°C": "°c celsius centigrade",
    "°F": "°f fahrenheit",
    K: "kelvin kelvins",
    "%": "% percent",
    ms: "ms millisecond milliseconds millis",
    s: "s sec secs second seconds",
    min: "min mins minute minutes",
    h: "h hr hrs hour hours",
    d: "day days",
    W: "watt watts",
    kW: "kilowatt kilowatts",
    V: "volt volts",
    A: "ampere amperes amps",
    Hz: "hertz",
    hPa: "hpa hectopascal hectopascals",
    bar: "bar",
    kN: "kn kilonewton kilonewtons",
    mm: "millimetre millimetres millimeter millimeters"
  }).flatMap(([unit, words]) => words.split(" ").map((word) => [word, unit] as const))
)
/** Units that are known by their case alone. */
const written = new Set([
  "mV",
  "V",
  "kV",
  "mA",
  "A",
  "mW",
  "W",
  "kW",
  "MW",
  "kHz",
  "Hz",
  "MHz",
  "Pa",
  "kPa",
  "K",
  "C",
  "F"
])

/** A number and its unit at a place, and where they end. */
export const quantityAt = (
  reading: Reading,
  at: number
): { readonly end: number; readonly value: Quantity } | undefined => {
  const isHalf = reading.isWord(at, "half") && (reading.isWord(at + 1, "a") || reading.isWord(at + 1, "an"))
  const isOne = reading.isWord(at, "a") || reading.isWord(at, "an")
  const number = reading.tokens[at]
  const value = isHalf ? 0.5 : isOne ? 1 : number?.kind === "number" ? number.value : undefined
  if (value === undefined) return undefined
  const next = isHalf ? at + 2 : at + 1
  const unit = unitAt(reading, next)
  if (unit === undefined) {
    const isWhole = !isHalf && !isOne && number?.startsRun === true && number.endsRun
    return isWhole ? { end: next, value: { value, unit: undefined } } : undefined
  }
  // "degrees Celsius", "° C".
  const scale = unit === "°" ? unitAt(reading, next + 1) : undefined
  if (scale === "°C" || scale === "°F") return { end: next + 2, value: { value, unit: scale } }
  return { end: next + 1, value: { value, unit } }
}

const unitAt = (reading: Reading, at: number): string | undefined => {
  const token = reading.tokens[at]
  if (token?.kind !== "word" || !token.endsRun) return undefined
  if (written.has(token.raw)) return token.raw === "C" || token.raw === "F" ? `°${token.raw}` : token.raw
  return spoken.get(token.text)
}

/** A number in the unit of a field, as a difference where it is one; nothing where the unit measures something else. */
export const inUnit = (
  { value, unit }: Quantity,
  wanted: string | undefined,
  isDifference = false
): number | undefined => {
  if (unit === undefined || unit === wanted) return value
  if (wanted === undefined) return undefined
  // Bare degrees are those of the field.
  if (unit === "°" && (wanted === "°C" || wanted === "°F" || wanted === "K")) return value
  const zero = isDifference ? convert(0, unit, wanted) : 0
  const there = convert(value, unit, wanted)
  return there === undefined || zero === undefined ? undefined : Number((there - zero).toPrecision(12))
}
