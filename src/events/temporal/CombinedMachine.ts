/** A pattern over patterns: so many of them match for one key, near enough in time. */
import type { Pattern, PatternBody } from "../../protocol/pattern/Pattern.ts"
import { encodeStored } from "../../protocol/Stored.ts"
import { Answers, type PatternMetrics } from "./Answers.ts"
import { keysMax, sizes } from "./Bounds.ts"
import type { Match } from "./Match.ts"
import type { MachineOptions, PatternMachine } from "./PatternMachine.ts"
import { readEmit } from "./Reading.ts"
import { signatureOf } from "./Signature.ts"
import { asList, asNumber, asText, listOfForm } from "./State.ts"

type Combined = Extract<PatternBody, { readonly _tag: "Combined" }>

/** The newest match of one of the patterns. */
interface Part {
  readonly at: number
  readonly id: string
  readonly values: Readonly<Record<string, unknown>>
}

/** By the place of its pattern; nothing where it has not matched since the last match of them together. */
type Parts = Array<Part | undefined>

const form = 1
/** Parts so much older than a match can be of no use, ms beyond the time within which they must be. */
const forgottenMillis = 3_600_000

export class CombinedMachine implements PatternMachine {
  readonly pattern: Pattern
  readonly version: number
  readonly interests = []
  readonly follows: ReadonlyArray<string>
  readonly signature: string
  readonly next = Number.POSITIVE_INFINITY
  private readonly answers: Answers
  private readonly withinMillis: number
  private readonly atLeast: number
  /** Those heard of longest ago first. */
  private readonly keys = new Map<string, Parts>()
  private readonly carry: ((document: unknown) => Readonly<Record<string, unknown>>) | undefined

  constructor(pattern: Pattern, { withinMillis, atLeast, patterns }: Combined, options: MachineOptions) {
    const { version, time, deliver } = options
    this.pattern = pattern
    this.version = version
    this.follows = patterns
    this.signature = signatureOf(pattern)
    this.withinMillis = withinMillis
    this.atLeast = atLeast
    this.answers = new Answers({ pattern, version, time, deliver, spanMillis: withinMillis })
    this.carry = readEmit(pattern)
  }

  get metrics(): Readonly<PatternMetrics> {
    return this.answers.metrics
  }

  get keyCount(): number {
    return this.keys.size
  }

  get bytes(): number {
    return this.keys.size * (sizes.key + this.follows.length * sizes.partial)
  }

  take(): void {}

  follow({ pattern, key, kind, at, id, values }: Match): void {
    const place = this.follows.indexOf(pattern)
    // The end of a state is nothing that happens together with others.
    if (place < 0 || kind === "exit") return
    const { metrics } = this.answers
    metrics.evaluated++
    const state = this.keys.get(key) ?? this.follows.map(() => undefined)
    this.keep(key, state)
    const known = state[place]
    if (known !== undefined && known.at > at) return
    state[place] = { at, id, values: this.carry === undefined ? {} : values }
    const near = state.filter((part) => part !== undefined && Math.abs(part.at - at) <= this.withinMillis)
    if (near.length >= this.atLeast) {
      const parts = near.filter((part) => part !== undefined)
      this.answers.tell(key, {
        kind: "match",
        at,
        events: parts.map((part) => part.id),
        values: this.carry?.({ data: Object.assign({}, ...parts.map((part) => part.values)) }) ?? {}
      })
      this.keys.delete(key)
    }
    this.forgetOld(at)
  }

  private keep(key: string, parts: Parts): void {
    this.keys.delete(key)
    this.keys.set(key, parts)
    if (this.keys.size <= keysMax) return
    const [oldest] = this.keys.keys()
    if (oldest !== undefined) this.keys.delete(oldest)
    this.answers.metrics.evicted++
  }

  private forgetOld(at: number): void {
    const least = at - this.withinMillis - forgottenMillis
    for (const [key, parts] of this.keys) {
      if (parts.some((part) => part !== undefined && part.at >= least)) return
      this.keys.delete(key)
    }
  }

  advance(): void {}

  end(): void {}

  snapshot(): Uint8Array {
    const keys = Array.from(this.keys, ([key, parts]) => [
      key,
      parts.map((part) => (part === undefined ? null : [part.at, part.id, part.values]))
    ])
    return encodeStored([form, this.signature, this.answers.encode(), keys])
  }

  restore(bytes: Uint8Array): boolean {
    const [signature, answers, keys] = listOfForm(bytes, form)
    this.keys.clear()
    if (signature !== this.signature) return false
    this.answers.decode(answers)
    for (const each of asList(keys)) {
      const [key, parts] = asList(each)
      const read = asList(parts).map((part) => {
        if (part === null) return undefined
        const [at, id, values] = asList(part)
        const isMap = typeof values === "object" && values !== null
        return { at: asNumber(at), id: asText(id), values: isMap ? { ...values } : {} }
      })
      this.keep(asText(key), read)
    }
    return true
  }
}
