/** Makes matches of what an operator finds: ids, what they carry, which of them are suppressed. */
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import { keysMax } from "./Bounds.ts"
import type { EventTime } from "./EventTime.ts"
import { type Match, type MatchKind, matchIdOf } from "./Match.ts"
import { fieldsOfKeys } from "./Reading.ts"
import { asList, asNumber, asText } from "./State.ts"

/** What an operator found for a key. */
export interface Found {
  readonly kind: MatchKind
  /** Event time, ms. */
  readonly at: number
  readonly windowEnd?: number
  readonly events: ReadonlyArray<string>
  readonly values: Readonly<Record<string, unknown>>
  /** False where the key itself has not seen enough. */
  readonly isWarm?: boolean
}

/** What one pattern has seen and done since its machine was made. */
export interface PatternMetrics {
  /** Events and matches of others that it looked at. */
  evaluated: number
  matched: number
  /** Matches that came too soon after another. */
  suppressed: number
  /** Events behind the watermark of their key. Those that a window was re-opened for are among them. */
  late: number
  /** Events in which a field of the key is missing. */
  keyless: number
  /** Beginnings, or events that wait for others, that were given up because there were too many. */
  dropped: number
  /** Keys that were forgotten because there were too many. */
  evicted: number
}

export class Answers {
  readonly metrics: PatternMetrics = {
    evaluated: 0,
    matched: 0,
    suppressed: 0,
    late: 0,
    keyless: 0,
    dropped: 0,
    evicted: 0
  }
  private readonly pattern: Pattern
  private readonly version: number
  private readonly time: EventTime
  private readonly spanMillis: number
  private readonly fieldsOf: ReturnType<typeof fieldsOfKeys>
  private readonly deliver: (match: Match) => void
  /** When it began without state, our time, ms; with the time itself where that was not known yet. */
  private ownBegun: number | undefined
  /** Until when a key says nothing; the newest last. */
  private readonly quietUntil = new Map<string, number>()
  /** Keys whose last enter was suppressed, so that its exit is too. */
  private readonly quietEnters = new Set<string>()

  constructor(given: {
    readonly pattern: Pattern
    readonly version: number
    readonly time: EventTime
    readonly deliver: (match: Match) => void
    /** How long it looks back: until then it does not know all. */
    readonly spanMillis: number
  }) {
    this.pattern = given.pattern
    this.version = given.version
    this.fieldsOf = fieldsOfKeys(given.pattern.by)
    this.time = given.time
    if (Number.isFinite(given.time.now)) this.ownBegun = given.time.now
    this.deliver = given.deliver
    this.spanMillis = given.spanMillis
  }

  private get begun(): number {
    return this.ownBegun ?? this.time.begun
  }

  tell(key: string, { kind, at, windowEnd, events, values, isWarm = true }: Found): void {
    if (this.isSuppressed(key, kind, at)) {
      this.metrics.suppressed++
      return
    }
    this.metrics.matched++
    const { version, pattern } = this
    const { name } = pattern
    this.deliver({
      id: matchIdOf({ pattern: name, version, key, kind, windowEnd, events }),
      pattern: name,
      version,
      key,
      by: this.fieldsOf(key),
      kind,
      at,
      ...(windowEnd === undefined ? {} : { windowEnd }),
      events,
      values,
      isWarm: isWarm && at >= this.begun + this.spanMillis
    })
  }

  private isSuppressed(key: string, kind: MatchKind, at: number): boolean {
    const { suppressMillis } = this.pattern
    if (suppressMillis === undefined) return false
    if (kind === "exit") return this.quietEnters.delete(key)
    const isQuiet = at < (this.quietUntil.get(key) ?? Number.NEGATIVE_INFINITY)
    if (isQuiet) {
      if (kind === "enter") this.quietEnters.add(key)
      return true
    }
    this.quietUntil.delete(key)
    this.quietUntil.set(key, at + suppressMillis)
    if (this.quietUntil.size > keysMax)
      for (const oldest of this.quietUntil.keys()) {
        this.quietUntil.delete(oldest)
        this.quietEnters.delete(oldest)
        break
      }
    return false
  }

  encode(): ReadonlyArray<unknown> {
    return [Number.isFinite(this.begun) ? this.begun : null, [...this.quietUntil], [...this.quietEnters]]
  }

  decode(value: unknown): void {
    const [begun, quiet, enters] = asList(value)
    this.ownBegun = begun === null ? undefined : asNumber(begun)
    this.quietUntil.clear()
    this.quietEnters.clear()
    for (const each of asList(quiet)) {
      const [key, until] = asList(each)
      this.quietUntil.set(asText(key), asNumber(until))
    }
    for (const key of asList(enters)) this.quietEnters.add(asText(key))
  }
}
