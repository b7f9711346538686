/** Units that numbers may be written in, and how one becomes another. */

interface Unit {
  readonly dimension: string
  /** In the unit of the dimension. */
  readonly factor: number
  /** Added after the factor: only temperatures begin elsewhere. */
  readonly offset?: number
}

const dimension = (name: string, factors: Readonly<Record<string, number>>): ReadonlyArray<readonly [string, Unit]> =>
  Object.entries(factors).map(([unit, factor]) => [unit, { dimension: name, factor }])

const units: ReadonlyMap<string, Unit> = new Map([
  ...dimension("time", { µs: 0.001, us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }),
  ...dimension("voltage", { µV: 1e-6, mV: 0.001, V: 1, kV: 1000 }),
  ...dimension("current", { µA: 1e-6, mA: 0.001, A: 1 }),
  ...dimension("power", { mW: 0.001, W: 1, kW: 1000, MW: 1e6 }),
  ...dimension("energy", { J: 1, kJ: 1000, Wh: 3600, kWh: 3_600_000 }),
  ...dimension("resistance", { Ω: 1, kΩ: 1000, MΩ: 1e6 }),
  ...dimension("frequency", { Hz: 1, kHz: 1000, MHz: 1e6, GHz: 1e9 }),
  ...dimension("length", { µm: 1e-6, mm: 0.001, cm: 0.01, m: 1, km: 1000 }),
  ...dimension("area", { "mm²": 1e-6, "cm²": 1e-4, "m²": 1 }),
  ...dimension("volume", { ml: 0.001, l: 1, "m³": 1000 }),
  ...dimension("mass", { mg: 1e-6, g: 0.001, kg: 1, t: 1000 }),
  ...dimension("force", { N: 1, kN: 1000 }),
  ...dimension("pressure", { Pa: 1, hPa: 100, kPa: 1000, mbar: 100, bar: 100_000 }),
  ...dimension("angle", { "°": 1, rad: 180 / Math.PI }),
  ...dimension("size", { B: 1, kB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }),
  ["K", { dimension: "temperature", factor: 1 }],
  ["°C", { dimension: "temperature", factor: 1, offset: 273.15 }],
  ["°F", { dimension: "temperature", factor: 5 / 9, offset: 273.15 - (32 * 5) / 9 }]
])

/** All units that can become others. */
export const unitNames: ReadonlyArray<string> = [...units.keys()]

/** What may stand behind a number as a unit: one of those, or another word that is not one of them in other letters' case. */
export const isUnit = (text: string): boolean =>
  units.has(text) ||
  text === "%" ||
  (/^[A-Za-zµΩ]{1,15}[²³]?$/u.test(text) && !unitNames.some((name) => name.toLowerCase() === text.toLowerCase()))

/** Fifteen digits are exact in a double; what a conversion adds behind them is none of the writer's. */
const tidy = (value: number): number => Number(value.toPrecision(15))

/** `80%` where nothing counts in percent. */
export const shareOf = (value: number): number => tidy(value / 100)

/** A duration in ms; nothing where the unit is none of time. */
export const millisOf = (value: number, unit: string): number | undefined => convert(value, unit, "ms")

/** The same quantity in another unit; nothing where the two do not measure the same, or one is not known. */
export const convert = (value: number, from: string, to: string): number | undefined => {
  if (from === to) return value
  const source = units.get(from)
  const target = units.get(to)
  if (source === undefined || target === undefined || source.dimension !== target.dimension) return undefined
  const inBase = value * source.factor + (source.offset ?? 0)
  const converted = (inBase - (target.offset ?? 0)) / target.factor
  return tidy(Object.is(converted, -0) ? 0 : converted)
}

/** Whether units of this kind begin at different points, so that a difference is another number than a value. */
export const isShifted = (unit: string): boolean => units.get(unit)?.dimension === "temperature"
