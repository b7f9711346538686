/** Feeds an operator: finds the key of each event, keeps the time of each key, wakes those whose time has come. */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import { encodeStored } from "../../protocol/Stored.ts"
import { Answers, type PatternMetrics } from "./Answers.ts"
import { bytesMax, keysMax, sizes } from "./Bounds.ts"
import type { Cut } from "./Cut.ts"
import type { EventTime, Source } from "./EventTime.ts"
import { type Interest, interestsOf } from "./Interest.ts"
import { type Keeper, KeyRecord, KeyTable } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import type { MachineOptions, PatternMachine } from "./PatternMachine.ts"
import { readEmit, readKey } from "./Reading.ts"
import { signatureOf } from "./Signature.ts"
import { asList, asNumber, asText, listOfForm } from "./State.ts"

const form = 2

/** What is written down of it: what it has answered, or a key. */
const partKinds = { answers: 0, key: 1 } as const
const nothing = {}

export class KeyedMachine<S> implements PatternMachine, Keeper<S> {
  readonly pattern: Pattern
  readonly version: number
  readonly interests: ReadonlyArray<Interest>
  readonly follows: ReadonlyArray<string> = []
  readonly signature: string
  private readonly operator: Operator<S>
  private readonly time: EventTime
  private readonly bytesMax: number
  private readonly answers: Answers
  private readonly around: Surroundings<S>
  private readonly keyOf: (event: HolonEvent) => string | undefined
  private readonly keys = new KeyTable<S>()
  private held = 0
  /** The last {@link Cut} that knows it. */
  private cut: number

  constructor(pattern: Pattern, operator: Operator<S>, options: MachineOptions) {
    const { version, time, deliver } = options
    this.pattern = pattern
    this.version = version
    this.interests = interestsOf(pattern)
    this.signature = signatureOf(pattern)
    this.operator = operator
    this.time = time
    this.cut = time.cutNumber
    this.bytesMax = options.bytesMax ?? bytesMax
    this.answers = new Answers({ pattern, version, time, deliver, spanMillis: operator.spanMillis })
    this.keyOf = readKey(pattern.by)
    const carry = readEmit(pattern)
    this.around = {
      tell: (record, found) => this.answers.tell(record.key, found),
      carry,
      carried: ({ carried = nothing }) => carried,
      drop: (count) => {
        this.answers.metrics.dropped += count
      }
    }
  }

  get metrics(): Readonly<PatternMetrics> {
    return this.answers.metrics
  }

  get next(): number {
    return this.time.wakes.next
  }

  get keyCount(): number {
    return this.keys.size
  }

  get bytes(): number {
    return this.held + this.keys.size * sizes.key
  }

  take(event: HolonEvent, source: Source, hits: number, key = this.keyOf(event)): void {
    const { metrics } = this.answers
    const { operator, time, around } = this
    metrics.evaluated++
    if (key === undefined) {
      metrics.keyless++
      return
    }
    const known = this.keys.get(key)
    if (time.cut !== undefined) this.save(known, time.cut)
    if (known !== undefined) this.bring(known, time.written)
    // All is over for a key that a tick has forgotten or will forget; which of them makes no difference.
    const isOver = known !== undefined && this.isOver(known)
    const clock = known === undefined || isOver ? Number.NEGATIVE_INFINITY : known.clock
    const isLate = source.isLate || event.at < clock
    if (isLate) metrics.late++
    const isTooLate =
      isLate && (operator.lateMillis === 0 || event.at < Math.max(clock, source.mark) - operator.lateMillis)
    if (isTooLate || ((known === undefined || isOver) && !operator.opens(hits))) {
      if (known !== undefined && isOver) this.forget(known)
      return
    }
    if (known !== undefined && isOver) this.beginAgain(known)
    const record = known ?? this.begin(key)
    record.hear(source, time)
    this.keys.touch(record)
    this.bring(record, time.written)
    const before = operator.bytes(record.state)
    // The event itself is not kept: nobody knows how large it is.
    if (around.carry !== undefined) record.carried = around.carry(event)
    operator.take(record, event, hits, around)
    this.held += operator.bytes(record.state) - before
    this.settle(record)
    if (this.bytes > this.bytesMax) this.relieve(record)
  }

  follow(): void {}

  advance(): void {
    this.time.wakes.wake(this.time.now)
  }

  wake(record: KeyRecord<S>): void {
    if (this.time.cut !== undefined) this.save(record, this.time.cut)
    this.bring(record, this.time.now)
    this.settle(record)
  }

  end(): void {
    for (const record of this.keys) this.time.wakes.remove(record)
  }

  private isOver({ state }: KeyRecord<S>): boolean {
    return this.operator.due(state) === Number.POSITIVE_INFINITY && this.operator.isIdle(state)
  }

  private begin(key: string): KeyRecord<S> {
    const record = new KeyRecord(key, this.operator.begin(), this)
    record.cut = this.time.cutNumber
    this.keys.add(record)
    if (this.keys.size > keysMax) this.evict(this.keys.takeOldest())
    return record
  }

  private beginAgain(record: KeyRecord<S>): void {
    this.held -= this.operator.bytes(record.state)
    record.begin(this.operator.begin())
  }

  /** Brings a key to the time of its sources. */
  private bring(record: KeyRecord<S>, now: number): void {
    const clock = record.markAt(now, this.time)
    if (clock <= record.clock) return
    record.clock = clock
    const before = this.operator.bytes(record.state)
    this.operator.advance(record, this.around)
    this.held += this.operator.bytes(record.state) - before
  }

  /** Sees to it that a key is woken when something is due, or forgotten when nothing is left to know. */
  private settle(record: KeyRecord<S>): void {
    const due = this.operator.due(record.state)
    if (due < Number.POSITIVE_INFINITY) return this.time.wakes.put(record, due, this.time.now)
    record.due = due
    if (this.operator.isIdle(record.state)) this.forget(record)
  }

  private evict(record: KeyRecord<S> | undefined): void {
    if (record === undefined) return
    if (this.time.cut !== undefined) this.save(record, this.time.cut)
    this.answers.metrics.evicted++
    this.forget(record)
  }

  private forget(record: KeyRecord<S>): void {
    this.held -= this.operator.bytes(record.state)
    this.time.wakes.remove(record)
    this.keys.remove(record)
  }

  /** Forgets keys, the one just heard of last, until what they hold is within bounds. */
  private relieve(spared: KeyRecord<S>): void {
    while (this.bytes > this.bytesMax) {
      const oldest = this.keys.takeOldest()
      if (oldest === undefined || oldest === spared) return
      this.evict(oldest)
    }
  }

  /** Writes down what is about to change. */
  private save(record: KeyRecord<S> | undefined, cut: Cut): void {
    if (this.cut !== cut.number) {
      this.cut = cut.number
      cut.put(this, [partKinds.answers, this.answers.encode()])
    }
    if (record === undefined || record.cut === cut.number) return
    record.cut = cut.number
    cut.put(this, [partKinds.key, ...this.encode(record)])
  }

  *draw(cut: Cut): Generator<void> {
    this.save(undefined, cut)
    for (const record of this.keys) {
      this.save(record, cut)
      yield
    }
  }

  read(part: unknown): void {
    const [kind, ...rest] = asList(part)
    if (kind === partKinds.answers) this.answers.decode(rest[0])
    else this.add(rest)
  }

  snapshot(): Uint8Array {
    const keys = Array.from(this.keys, (record) => this.encode(record))
    return encodeStored([form, this.signature, this.answers.encode(), keys])
  }

  restore(bytes: Uint8Array): boolean {
    const [signature, answers, keys] = listOfForm(bytes, form)
    this.end()
    this.keys.clear()
    this.held = 0
    if (signature !== this.signature) return false
    this.answers.decode(answers)
    for (const each of asList(keys)) this.add(asList(each))
    return true
  }

  private encode(record: KeyRecord<S>): ReadonlyArray<unknown> {
    return [
      record.key,
      record.clock,
      record.isCrowded,
      record.sources.map(({ actor, id }) => [actor, id]),
      this.operator.encode(record.state),
      this.around.carry === undefined ? null : this.around.carried(record),
      record.heard
    ]
  }

  private add([key, clock, isCrowded, sources, state, carried, heard]: ReadonlyArray<unknown>): void {
    const record = new KeyRecord(asText(key), this.operator.decode(state), this)
    record.cut = this.time.cutNumber
    record.clock = asNumber(clock)
    record.isCrowded = isCrowded === true
    record.sources = asList(sources).map((source) => {
      const [actor, id] = asList(source)
      return this.time.sourceOf(asText(actor), asText(id))
    })
    if (typeof carried === "object" && carried !== null) record.carried = { ...carried }
    this.held += this.operator.bytes(record.state)
    this.keys.addAs(record, asNumber(heard))
    this.settle(record)
  }
}
