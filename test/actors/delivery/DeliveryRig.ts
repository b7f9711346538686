/** A delivery without a cell: folds its transitions; every state is held to what its row would give back. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type { EffectOrder, Emitted, Outcome } from "../../../src/actors/Behaviour.ts"
import { delivery } from "../../../src/actors/delivery/Delivery.ts"
import type { Resident } from "../../../src/actors/delivery/Turn.ts"
import { Delivery, DeliveryRecord, type DeliveryTarget, type DeliveryView } from "../../../src/protocol/Delivery.ts"
import { decodeStored, encodeStored } from "../../../src/protocol/Stored.ts"

export const start = 1_800_000_000_000
export const webhook: DeliveryTarget = { _tag: "Webhook", url: "http://plant.example/hooks/7?token=geheim" }
const { reactions } = delivery
const isView = Schema.is(Delivery.messages.GetState.success)
const isRecord = Schema.is(DeliveryRecord)

/** The delivery `webhook:1`. */
export class DeliveryRig {
  now = start
  random = 0.5
  /** What led to the messages of this rig. */
  causes: ReadonlyArray<string> = []
  root: string | undefined
  state: unknown = reactions.initial("webhook:1")
  resident: unknown = reactions.awake?.(this.state, start)
  readonly events: Array<Emitted> = []
  readonly samples: Array<Emitted> = []
  /** Attempts under way, oldest first. */
  readonly attempts: Array<{ readonly id: string; readonly matchId: string }> = []

  /** What is delivered gets a key, and a match whose id is unique. */
  deliver(matchId: string, key = "press-1", envelope: Schema.Json = { matchId }): void {
    this.ask("Deliver", { matchId, pattern: "hot", target: webhook, key, envelope })
  }

  ask(message: string, payload: unknown = {}): unknown {
    const handle = delivery.transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    const outcome = this.settle(handle(this.state, payload, this.context()))
    return outcome.refusal ?? outcome.reply
  }

  /** The oldest attempt of this match ends. */
  end(matchId: string, outcome: unknown): void {
    const at = this.attempts.findIndex((attempt) => attempt.matchId === matchId)
    const [attempt] = this.attempts.splice(at, at < 0 ? 0 : 1)
    if (attempt === undefined) throw new Error(`${matchId} is not under way`)
    this.complete(attempt.id, outcome)
  }

  complete(id: string, outcome: unknown): void {
    this.settle(reactions.completed?.(this.state, { name: "send", id, outcome }, this.context()) ?? {})
  }

  delivered(matchId: string): void {
    this.end(matchId, { _tag: "Delivered" })
  }

  failed(matchId: string, error = "the server answers 503"): void {
    this.end(matchId, { _tag: "Failed", error })
  }

  /** Nobody answers there. */
  away(matchId: string, error = "the server is not reached"): void {
    this.end(matchId, { _tag: "Away", error })
  }

  /** Lets time pass until the next due; answers how long it was, ms. */
  untilDue(): number {
    const before = this.now
    const ofResident = reactions.residentDueAt?.(this.state, this.resident, undefined) ?? Number.POSITIVE_INFINITY
    const due = Math.min(reactions.dueAt?.(this.state) ?? Number.POSITIVE_INFINITY, ofResident)
    assert.isFinite(due)
    this.now = Math.max(this.now, due)
    this.timeout()
    return this.now - before
  }

  timeout(): void {
    this.settle(reactions.timeout?.(this.state, this.context()) ?? {})
  }

  /** Another node takes it over: what this one began never ends. */
  move(): void {
    this.state = stored(this.state)
    this.resident = reactions.awake?.(this.state, this.now)
    this.attempts.length = 0
    this.timeout()
  }

  /** Ids of the matches under way, oldest first. */
  get underWay(): ReadonlyArray<string> {
    return this.attempts.map(({ matchId }) => matchId)
  }

  view(): DeliveryView {
    const view = this.ask("GetState")
    assert.isTrue(isView(view))
    return view as DeliveryView
  }

  typesOf(): ReadonlyArray<string> {
    return this.events.map(({ type }) => type)
  }

  private context() {
    return {
      self: { kind: "delivery", id: "webhook:1" },
      now: this.now,
      random: () => this.random,
      asker: {
        kind: "user",
        id: "ada",
        role: "operator",
        ...(this.root !== undefined && { root: this.root })
      } as const,
      requestId: "q-1",
      causes: this.causes,
      resident: this.resident as Resident,
      link: undefined,
      tellCount: 0,
      node: "a-1"
    }
  }

  private settle(outcome: Outcome<unknown, unknown>): Outcome<unknown, unknown> {
    if (outcome.state !== undefined) this.state = outcome.state
    if (outcome.resident !== undefined) this.resident = outcome.resident
    this.events.push(...(outcome.events ?? []))
    this.samples.push(...(outcome.samples ?? []))
    for (const order of outcome.effects ?? []) this.perform(order)
    return outcome
  }

  private perform({ name, id, input }: EffectOrder): void {
    assert.strictEqual(name, "send")
    this.attempts.push({ id, matchId: Object(input).matchId })
  }
}

/** The state as another node loads it; it must be the same. */
export const stored = (state: unknown): unknown => {
  const { storage } = reactions
  if (storage === undefined) throw new Error("no storage")
  const { head, parts } = storage.split(state, 1)
  // A row's parts come in order of their keys.
  const loaded = new Map(
    [...parts]
      .map(([key, part]) => [key, decodeStored(encodeStored(part))] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1))
  )
  const joined = storage.join(decodeStored(encodeStored(head)), loaded, "webhook:1", 1)
  assert.isTrue(isRecord(state))
  assert.deepStrictEqual(joined, state, "a state is what its row holds")
  return joined
}
