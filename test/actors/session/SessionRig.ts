/** A session without a cell: folds its transitions; its state goes through its stored form at every step. */
import { Schema } from "effect"
import type { EffectOrder, Emitted, Outcome, Tell, Undelivered } from "../../../src/actors/Behaviour.ts"
import { session } from "../../../src/actors/session/Session.ts"
import { SessionRecord, SessionView } from "../../../src/protocol/Session.ts"

export const sha256 = "ab".repeat(32)
export const start = 1_800_000_000_000
export const found = { name: "motor", version: "1.2.0", kind: 1, size: 1000, isSigned: false }
const json = Schema.toCodecJson(SessionRecord)

/** The session `s-1`. */
export class SessionRig {
  now = start
  state: unknown
  tells: Array<Tell> = []
  events: Array<Emitted> = []
  effects: Array<EffectOrder> = []

  constructor() {
    this.state = session.reactions.initial("s-1")
  }

  private context() {
    return {
      self: { kind: "session", id: "s-1" },
      now: this.now,
      random: () => 0.5,
      asker: { kind: "user", id: "ada", role: "operator" } as const,
      requestId: "r-1",
      resident: undefined,
      link: undefined,
      tellCount: 0,
      node: "a-1"
    }
  }

  private settle(outcome: Outcome<unknown, unknown>): Outcome<unknown, unknown> {
    if (outcome.state !== undefined)
      this.state = Schema.decodeUnknownSync(json)(Schema.encodeUnknownSync(json)(outcome.state))
    this.tells.push(...(outcome.tells ?? []))
    this.events.push(...(outcome.events ?? []))
    this.effects.push(...(outcome.effects ?? []))
    return outcome
  }

  ask(message: string, payload: unknown = {}): unknown {
    const handle = session.transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    const outcome = this.settle(handle(this.state, payload, this.context()))
    return outcome.refusal ?? outcome.reply
  }

  complete(name: string, outcome: unknown): void {
    this.effects = this.effects.filter((order) => order.name !== name)
    const ended = session.reactions.completed?.(this.state, { name, id: sha256, outcome }, this.context())
    if (ended !== undefined) this.settle(ended)
  }

  undeliver(tell: Undelivered): void {
    this.settle(session.reactions.undelivered?.(this.state, tell, this.context()) ?? {})
  }

  advance(millis: number): void {
    const until = this.now + millis
    for (;;) {
      const due = session.reactions.dueAt?.(this.state)
      if (due === undefined || due > until) break
      this.now = Math.max(due, this.now)
      this.wake()
      if (session.reactions.dueAt?.(this.state) === due) break
    }
    this.now = until
  }

  wake(): void {
    const outcome = session.reactions.timeout?.(this.state, this.context())
    if (outcome !== undefined) this.settle(outcome)
  }

  /** Whether another node that takes its shard over would wake it at once. */
  isWokenAtTakeover(): boolean {
    return session.reactions.atTakeover?.(this.state) ?? false
  }

  view(): SessionView {
    return Schema.decodeUnknownSync(SessionView)(this.ask("GetSession"))
  }

  told(): ReadonlyArray<unknown> {
    return this.tells.splice(0).map(({ to, message, payload }) => {
      const { request, abort } = Object(payload)
      return [to.id, message, request?.act ?? abort].filter((part) => part !== undefined)
    })
  }

  types(): ReadonlyArray<string> {
    return this.events.map(({ type }) => type)
  }
}

/** One that has begun, and knows its image. */
export const provision = (more: Record<string, unknown> = {}): SessionRig => {
  const rig = new SessionRig()
  rig.ask("Provision", { device: "press-1", sha256, ...more })
  rig.complete("describe", found)
  return rig
}
/** One whose image the board holds and is to install. */
export const verified = (): SessionRig => {
  const rig = provision()
  rig.ask("TransferEnded", { code: 0 })
  rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
  rig.tells = []
  return rig
}
