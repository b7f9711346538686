/**
 * The samples of one actor in one minute, summed up: what is left of them when the journal has forgotten them.
 *
 * The stored form is `[1, summary…]`, a summary `[type, path, count, low, high, total, last]`, where `path` is the list of
 * keys to a number within the samples of that type. A reader refuses other forms.
 */
import { decodeStored, encodeStored } from "./Stored.ts"

/** One number over the minute. Its mean is `total / count`. */
export interface Summary {
  /** Type of the samples. */
  readonly type: string
  /** Keys from the sample's data to the number. */
  readonly path: ReadonlyArray<string>
  count: number
  low: number
  high: number
  total: number
  /** The one that was journalled last. */
  last: number
}

/** Bytes that are no minute of a form this node knows. */
export class SampleMinuteMalformed extends Error {
  override readonly name = "SampleMinuteMalformed"
}

const form = 1
/** A board that makes up a new name with every sample must not make a row without bounds: later names are left out. */
const summariesMax = 256

const keyOf = (type: string, path: ReadonlyArray<string>): string => JSON.stringify([type, ...path])

const isMap = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Grows with each sample. */
export class SampleMinute {
  private readonly byKey = new Map<string, Summary>()

  /** A new one, or one that goes on from what is stored; throws {@link SampleMinuteMalformed}. */
  constructor(stored?: Uint8Array) {
    if (stored === undefined) return
    for (const summary of decodeSampleMinute(stored)) this.byKey.set(keyOf(summary.type, summary.path), summary)
  }

  /** Adds the finite numbers of a sample, at whatever depth; texts, truths and lists have no sum. */
  add(type: string, data: unknown): void {
    this.walk(type, data, [])
  }

  private walk(type: string, value: unknown, path: ReadonlyArray<string>): void {
    if (isMap(value)) for (const key of Object.keys(value)) this.walk(type, value[key], [...path, key])
    else if (typeof value === "number" && Number.isFinite(value)) this.count(type, path, value)
  }

  private count(type: string, path: ReadonlyArray<string>, value: number): void {
    const key = keyOf(type, path)
    const summary = this.byKey.get(key)
    if (summary !== undefined) {
      summary.count++
      summary.low = Math.min(summary.low, value)
      summary.high = Math.max(summary.high, value)
      summary.total += value
      summary.last = value
    } else if (this.byKey.size < summariesMax)
      this.byKey.set(key, { type, path, count: 1, low: value, high: value, total: value, last: value })
  }

  encode(): Uint8Array {
    const summaries = Array.from(this.byKey.values(), ({ type, path, count, low, high, total, last }) => [
      type,
      path,
      count,
      low,
      high,
      total,
      last
    ])
    return encodeStored([form, ...summaries])
  }
}

const isText = (value: unknown): value is string => typeof value === "string"
const isNumber = (value: unknown): value is number => typeof value === "number"

/** Decodes a stored minute. Throws {@link SampleMinuteMalformed}. */
export const decodeSampleMinute = (bytes: Uint8Array): ReadonlyArray<Summary> => {
  const body = decodeStored(bytes)
  const [found, ...summaries]: ReadonlyArray<unknown> = Array.isArray(body) ? body : []
  if (found !== form) throw new SampleMinuteMalformed(`form ${String(found)}`)
  return summaries.map((summary) => {
    const [type, path, ...numbers]: ReadonlyArray<unknown> = Array.isArray(summary) ? summary : []
    const [count, low, high, total, last] = numbers.filter(isNumber)
    if (!isText(type) || !Array.isArray(path) || !path.every(isText)) throw new SampleMinuteMalformed("no name")
    if (count === undefined || low === undefined || high === undefined || total === undefined || last === undefined)
      throw new SampleMinuteMalformed("no numbers")
    return { type, path, count, low, high, total, last }
  })
}
