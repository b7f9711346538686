/** A rollout without a cell: folds its transitions; its state goes through its stored form at every step. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type { Emitted, Outcome, Tell, Undelivered } from "../../../src/actors/Behaviour.ts"
import { rollout } from "../../../src/actors/rollout/Rollout.ts"
import { type RolloutBoard, RolloutView } from "../../../src/protocol/Rollout.ts"
import { decodeStored, encodeStored } from "../../../src/protocol/Stored.ts"

export const sha256 = "ab".repeat(32)
export const start = 1_800_000_000_000
const { storage } = rollout.reactions
export const cutOf = (state: unknown) => {
  if (storage === undefined) throw new Error("no storage")
  return storage.split(state, 1)
}

/** The state as another node loads it. */
const stored = (state: unknown): unknown => {
  const { head, parts } = cutOf(state)
  const loaded = new Map([...parts].map(([key, part]) => [key, decodeStored(encodeStored(part))]))
  return storage?.join(decodeStored(encodeStored(head)), loaded, "r-1", 1)
}
export const rules = {
  canary: 1,
  waveSize: 3,
  parallel: 2,
  successShare: 1,
  errorShare: 0,
  observeMillis: 10_000,
  patienceMillis: 60_000,
  needsApproval: false,
  rollsBack: true
}
export const fleet = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, at) => `board-${at}`)

/** The rollout `r-1`. */
export class RolloutRig {
  now = start
  state: unknown = rollout.reactions.initial("r-1")
  tells: Array<Tell> = []
  events: Array<Emitted> = []

  ask(message: string, payload: unknown = {}): unknown {
    const handle = rollout.transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    const outcome = this.settle(handle(this.state, payload, this.context()))
    return outcome.refusal ?? outcome.reply
  }

  context() {
    return {
      self: { kind: "rollout", id: "r-1" },
      now: this.now,
      random: () => 0.5,
      asker: { kind: "user", id: "ada", role: "operator" } as const,
      requestId: "q-1",
      resident: undefined,
      link: undefined,
      tellCount: 0,
      node: "a-1"
    }
  }

  private settle(outcome: Outcome<unknown, unknown>): Outcome<unknown, unknown> {
    if (outcome.state !== undefined) {
      assert.isTrue(Schema.is(RolloutView)(outcome.state))
      this.state = stored(outcome.state)
      assert.deepStrictEqual(this.state, outcome.state, "a state is what its row holds")
    }
    this.tells.push(...(outcome.tells ?? []))
    this.events.push(...(outcome.events ?? []))
    assert.isAtMost(outcome.tells?.length ?? 0, 64, "more would not fit its outbox beside others")
    return outcome
  }

  due(): number | undefined {
    return rollout.reactions.dueAt?.(this.state)
  }

  /** Lets time pass until the next due. */
  untilDue(): void {
    this.now = this.due() ?? this.now
    this.settle(rollout.reactions.timeout?.(this.state, this.context()) ?? {})
  }

  undeliver(tell: Undelivered): void {
    this.settle(rollout.reactions.undelivered?.(this.state, tell, this.context()) ?? {})
  }

  view(): RolloutView {
    return Schema.decodeUnknownSync(RolloutView)(this.state)
  }

  begun(): ReadonlyArray<string> {
    const provisions = this.tells.filter(({ message }) => message === "Provision")
    this.tells = this.tells.filter(({ message }) => message !== "Provision")
    return provisions.map(({ payload }) => Object(payload).device)
  }

  board(id: string): RolloutBoard {
    const found = this.view().boards.find((board) => board.id === id)
    if (found === undefined) throw new Error(`no board ${id}`)
    return found
  }

  ended(id: string, end: Record<string, unknown> = { state: "ready", installed: "confirmed", bytes: 10 }): void {
    const session = `r-1.${id}.${this.board(id).attempts}`
    this.ask("SessionEnded", { session, device: id, program: "motor", bytes: 10, ...end })
  }

  observed(id: string, code = 0): void {
    this.ask("Observed", { key: `r-1.${id}.${this.board(id).attempts}`, device: id, code })
  }

  good(id: string): void {
    this.ended(id)
    this.observed(id)
  }
}

export const started = (boards: number, changes: Partial<typeof rules> = {}, more: object = {}): RolloutRig => {
  const rig = new RolloutRig()
  rig.ask("Start", { sha256, devices: fleet(boards), rules: { ...rules, ...changes }, ...more })
  return rig
}
