/** A subscription without a cell, over a stream that is a list: folds its transitions; states go through their stored form. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type { EffectOrder, Emitted, Outcome } from "../../../src/actors/Behaviour.ts"
import type { ReadInput } from "../../../src/actors/subscription/Reading.ts"
import { subscription } from "../../../src/actors/subscription/Subscription.ts"
import { empty, type Window } from "../../../src/actors/subscription/Window.ts"
import type { EventPage, PlacedEvent } from "../../../src/events/EventStream.ts"
import { decodeStored, encodeStored } from "../../../src/protocol/Stored.ts"
import { Pulled, Subscription, SubscriptionView } from "../../../src/protocol/Subscription.ts"
import { SubscriptionRecord } from "../../../src/protocol/SubscriptionState.ts"

export const start = 1_800_000_000_000
const { reactions } = subscription
const pulledOf = Schema.decodeUnknownSync(Pulled)
const viewOf = Schema.decodeUnknownSync(SubscriptionView)
const isRecord = Schema.is(SubscriptionRecord)
const replies = new Map(Object.entries(Subscription.messages).map(([tag, { success }]) => [tag, Schema.is(success)]))

/** The subscription `alarms`. */
export class SubscriptionRig {
  now = start
  state: unknown = reactions.initial("alarms")
  resident: unknown = empty
  readonly stream: Array<PlacedEvent> = []
  readonly events: Array<Emitted> = []
  /** Reads that were ordered and have no outcome yet. */
  readonly reads: Array<EffectOrder> = []
  /** Reads end at once, but for those that wait for an event. */
  isReadable = true
  /** How often standing queries were asked again though no state had changed. */
  roused = 0
  /** What the condition selects. */
  isMeant: (event: PlacedEvent) => boolean = () => true
  #offset = 0

  /** The stream grows by an event of this source. */
  emit(source: string, data: Schema.Json = null): string {
    const [actor = "", id = ""] = source.split("/")
    const cursor = `7.${this.stream.length + this.#offset + 1}`
    const serial = String(this.stream.length).padStart(12, "0")
    this.stream.push({
      cursor,
      event: {
        id: `00000000-0000-7000-8000-${serial}`,
        type: "command.done",
        source: { actor, id },
        seq: this.stream.length,
        ts: { ms: this.now, ctr: 0, node: "0123456789abcdef" },
        at: this.now,
        vsm: "root",
        severity: "info",
        data,
        causes: []
      }
    })
    const waiting = this.isReadable ? this.reads.splice(0) : []
    for (const order of waiting) this.answer(order)
    return cursor
  }

  /** The journal forgets its first events. */
  forget(count: number): void {
    this.stream.splice(0, count)
    this.#offset += count
  }

  ask(message: string, payload: unknown = {}): unknown {
    const handle = subscription.transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    const outcome = this.settle(handle(this.state, payload, this.context()))
    if (outcome.refusal === undefined) assert.isTrue(replies.get(message)?.(outcome.reply), message)
    return outcome.refusal ?? outcome.reply
  }

  /** Cursors of what a consumer gets. */
  pull(consumer = "a", max = 100): ReadonlyArray<string> {
    return pulledOf(this.ask("Pull", { consumer, max })).events.map(({ cursor }) => cursor)
  }

  /** As {@link pull}, of one who would wait. */
  wait(consumer: string, waitMillis: number): ReadonlyArray<string> {
    return pulledOf(this.ask("Pull", { consumer, max: 100, waitMillis })).events.map(({ cursor }) => cursor)
  }

  get isLendable(): unknown {
    return this.ask("WatchLendable")
  }

  ack(consumer: string, ...cursors: ReadonlyArray<string>): unknown {
    return this.ask("Ack", { consumer, cursors })
  }

  view(): SubscriptionView {
    return viewOf(this.ask("GetState"))
  }

  /** Another node takes it over: what this one had in memory is gone. */
  move(): void {
    this.resident = empty
    this.reads.length = 0
  }

  timeout(): void {
    this.settle(reactions.timeout?.(this.state, this.context()) ?? {})
  }

  due(): number | undefined {
    return reactions.dueAt?.(this.state)
  }

  /** When it looks again while it is resident. */
  residentDue(): number | undefined {
    return reactions.residentDueAt?.(this.state, this.resident, undefined)
  }

  /** The outcome of a read that was ordered. */
  answer({ id, input }: EffectOrder): void {
    const page = this.read(input as ReadInput)
    this.complete(id, { _tag: "Read", page })
  }

  complete(id: string, outcome: unknown): void {
    this.settle(reactions.completed?.(this.state, { name: "read", id, outcome }, this.context()) ?? {})
  }

  private read({ start: from, limit }: ReadInput): EventPage {
    const after =
      from._tag === "After"
        ? Number(from.cursor.split(".")[1])
        : from._tag === "Since"
          ? this.#offset + this.stream.filter(({ event }) => event.ts.ms < from.time).length
          : 0
    const rest = this.stream.filter(({ cursor }) => Number(cursor.split(".")[1]) > after)
    const meant = rest.filter(this.isMeant)
    const events = meant.slice(0, limit)
    const last = meant.length > limit ? events.at(-1) : rest.at(-1)
    return { events, next: last?.cursor ?? `7.${after}`, hasMore: meant.length > limit }
  }

  private context() {
    return {
      self: { kind: "subscription", id: "alarms" },
      now: this.now,
      random: () => 0.5,
      asker: { kind: "user", id: "ada", role: "operator" } as const,
      requestId: "q-1",
      resident: this.resident as Window,
      link: undefined,
      tellCount: 0,
      node: "a-1"
    }
  }

  private settle(outcome: Outcome<unknown, unknown>): Outcome<unknown, unknown> {
    if (outcome.state !== undefined) this.state = stored(outcome.state)
    if (outcome.rouses === true) this.roused++
    if (outcome.resident !== undefined) this.resident = outcome.resident
    this.events.push(...(outcome.events ?? []))
    for (const order of outcome.effects ?? []) {
      const { waitMillis, ...input } = order.input as ReadInput
      const isThere = this.read({ ...input, waitMillis }).events.length > 0
      if (this.isReadable && (waitMillis === 0 || isThere)) this.answer(order)
      else this.reads.push(order)
    }
    return outcome
  }
}

/** The state as another node loads it; it must be the same. */
const stored = (state: unknown): unknown => {
  const { storage } = reactions
  if (storage === undefined) throw new Error("no storage")
  const { head, parts } = storage.split(state, 1)
  const loaded = new Map([...parts].map(([key, part]) => [key, decodeStored(encodeStored(part))] as const))
  const joined = storage.join(decodeStored(encodeStored(head)), loaded, "alarms", 1)
  assert.isTrue(isRecord(joined))
  assert.deepStrictEqual(joined, state, "a state is what its row holds")
  return joined
}
