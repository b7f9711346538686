/** A pattern over patterns: so many of them match for one key, near enough in time. */
import type { Pattern, PatternBody } from "../../protocol/pattern/Pattern.ts"
import { encodeStored } from "../../protocol/Stored.ts"
import { Answers, type PatternMetrics } from "./Answers.ts"
import { keysMax, sizes } from "./Bounds.ts"
import type { Cut } from "./Cut.ts"
import type { EventTime } from "./EventTime.ts"
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

/** What is kept of a key. */
interface Parts {
  /** By the place of its pattern; nothing where it has not matched since the last match of them together. */
  readonly of: Array<Part | undefined>
  /** The last {@link Cut} that knows it. */
  cut: number
}

/** What is written down of it: what it has answered, or a key. */
const partKinds = { answers: 0, key: 1 } as const

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
  private readonly time: EventTime
  /** The last {@link Cut} that knows it. */
  private cut: number
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
    this.time = time
    this.cut = time.cutNumber
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
    const parts = this.keys.get(key) ?? { of: this.follows.map(() => undefined), cut: this.time.cutNumber }
    this.save(key, parts)
    this.keep(key, parts)
    const known = parts.of[place]
    if (known !== undefined && known.at > at) return
    parts.of[place] = { at, id, values: this.carry === undefined ? {} : values }
    const near = parts.of.filter((part) => part !== undefined && Math.abs(part.at - at) <= this.withinMillis)
    if (near.length >= this.atLeast) {
      const found = near.filter((part) => part !== undefined)
      this.answers.tell(key, {
        kind: "match",
        at,
        events: found.map((part) => part.id),
        values: this.carry?.({ data: Object.assign({}, ...found.map((part) => part.values)) }) ?? {}
      })
      this.keys.delete(key)
    }
    this.forgetOld(at)
  }

  private keep(key: string, parts: Parts): void {
    this.keys.delete(key)
    this.keys.set(key, parts)
    if (this.keys.size <= keysMax) return
    for (const [oldest, others] of this.keys) {
      this.forget(oldest, others)
      this.answers.metrics.evicted++
      return
    }
  }

  private forgetOld(at: number): void {
    const least = at - this.withinMillis - forgottenMillis
    for (const [key, parts] of this.keys) {
      if (parts.of.some((part) => part !== undefined && part.at >= least)) return
      this.forget(key, parts)
    }
  }

  private forget(key: string, parts: Parts): void {
    this.save(key, parts)
    this.keys.delete(key)
  }

  /** Writes down what is about to change. */
  private save(key: string, parts: Parts): void {
    const { cut } = this.time
    if (cut === undefined) return
    this.introduce(cut)
    if (parts.cut === cut.number) return
    parts.cut = cut.number
    cut.put(this, [partKinds.key, ...encoded(key, parts)])
  }

  private introduce(cut: Cut): void {
    if (this.cut === cut.number) return
    this.cut = cut.number
    cut.put(this, [partKinds.answers, this.answers.encode()])
  }

  *draw(cut: Cut): Generator<void> {
    this.introduce(cut)
    for (const [key, parts] of this.keys) {
      this.save(key, parts)
      yield
    }
  }

  read(part: unknown): void {
    const [kind, ...rest] = asList(part)
    if (kind === partKinds.answers) this.answers.decode(rest[0])
    else this.keep(...decoded(rest))
  }

  advance(): void {}

  end(): void {}

  snapshot(): Uint8Array {
    const keys = Array.from(this.keys, ([key, parts]) => encoded(key, parts))
    return encodeStored([form, this.signature, this.answers.encode(), keys])
  }

  restore(bytes: Uint8Array): boolean {
    const [signature, answers, keys] = listOfForm(bytes, form)
    this.keys.clear()
    if (signature !== this.signature) return false
    this.answers.decode(answers)
    for (const each of asList(keys)) this.keep(...decoded(asList(each)))
    return true
  }
}

const encoded = (key: string, { of }: Parts): ReadonlyArray<unknown> => [
  key,
  of.map((part) => (part === undefined ? null : [part.at, part.id, part.values]))
]

const decoded = ([key, parts]: ReadonlyArray<unknown>): readonly [string, Parts] => {
  const of = asList(parts).map((part) => {
    if (part === null) return undefined
    const [at, id, values] = asList(part)
    const isMap = typeof values === "object" && values !== null
    return { at: asNumber(at), id: asText(id), values: isMap ? { ...values } : {} }
  })
  return [asText(key), { of, cut: 0 }]
}
