/** A pattern that is true of single events: nothing is kept of them. */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import { encodeStored } from "../../protocol/Stored.ts"
import { Answers, type PatternMetrics } from "./Answers.ts"
import type { EventTime, Source } from "./EventTime.ts"
import { type Interest, interestsOf } from "./Interest.ts"
import type { MachineOptions, PatternMachine } from "./PatternMachine.ts"
import { readEmit, readKey } from "./Reading.ts"
import { signatureOf } from "./Signature.ts"
import { listOfForm } from "./State.ts"

const form = 1

export class SingleMachine implements PatternMachine {
  readonly pattern: Pattern
  readonly version: number
  readonly interests: ReadonlyArray<Interest>
  readonly follows: ReadonlyArray<string> = []
  readonly signature: string
  readonly next = Number.POSITIVE_INFINITY
  readonly keyCount = 0
  readonly bytes = 0
  private readonly answers: Answers
  private readonly time: EventTime
  /** The last {@link Cut} that knows it. */
  private cut: number
  private readonly keyOf: (event: HolonEvent) => string | undefined
  private readonly carry: (document: unknown) => Readonly<Record<string, unknown>>

  constructor(pattern: Pattern, { version, time, deliver }: MachineOptions) {
    this.pattern = pattern
    this.version = version
    this.interests = interestsOf(pattern)
    this.signature = signatureOf(pattern)
    this.time = time
    this.cut = time.cutNumber
    this.answers = new Answers({ pattern, version, time, deliver, spanMillis: 0 })
    this.keyOf = readKey(pattern.by)
    this.carry = readEmit(pattern) ?? (() => ({}))
  }

  get metrics(): Readonly<PatternMetrics> {
    return this.answers.metrics
  }

  take(event: HolonEvent, source: Source, _hits: number, key = this.keyOf(event)): void {
    const { metrics } = this.answers
    metrics.evaluated++
    if (key === undefined) {
      metrics.keyless++
      return
    }
    this.save()
    // It happened all the same, and waits for nothing.
    if (source.isLate) metrics.late++
    this.answers.tell(key, { kind: "match", at: event.at, events: [event.id], values: this.carry(event) })
  }

  follow(): void {}
  advance(): void {}
  end(): void {}

  private save(): void {
    const { cut } = this.time
    if (cut === undefined || this.cut === cut.number) return
    this.cut = cut.number
    cut.put(this, this.answers.encode())
  }

  *draw(): Generator<void> {
    this.save()
    yield
  }

  read(part: unknown): void {
    this.answers.decode(part)
  }

  snapshot(): Uint8Array {
    return encodeStored([form, this.signature, this.answers.encode()])
  }

  restore(bytes: Uint8Array): boolean {
    const [signature, answers] = listOfForm(bytes, form)
    if (signature !== this.signature) return false
    this.answers.decode(answers)
    return true
  }
}
