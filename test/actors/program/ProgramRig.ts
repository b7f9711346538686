/** A program without a cell: folds its transitions; its state goes through its stored form at every step. */
import { Schema } from "effect"
import type { EffectOrder, Emitted, Outcome, Tell } from "../../../src/actors/Behaviour.ts"
import { program } from "../../../src/actors/program/Program.ts"
import { ProgramView } from "../../../src/protocol/Program.ts"

const json = Schema.toCodecJson(ProgramView)

/** One program, `press-1:motor`. */
export class ProgramRig {
  private readonly self = { kind: "program", id: "press-1:motor" }
  state: unknown = program.reactions.initial("press-1:motor")
  tells: Array<Tell> = []
  events: Array<Emitted> = []
  samples: Array<Emitted> = []
  effects: Array<EffectOrder> = []
  now = 1_800_000_000_000

  private context(requestId = "") {
    return {
      self: this.self,
      now: this.now,
      random: () => 0.5,
      asker: { kind: "user", id: "ada", role: "operator" } as const,
      requestId,
      resident: undefined,
      link: undefined,
      tellCount: 0,
      node: "a-1"
    }
  }

  private settle(outcome: Outcome<unknown, unknown>): unknown {
    if (outcome.state !== undefined)
      this.state = Schema.decodeUnknownSync(json)(Schema.encodeUnknownSync(json)(outcome.state))
    this.tells.push(...(outcome.tells ?? []))
    this.events.push(...(outcome.events ?? []))
    this.samples.push(...(outcome.samples ?? []))
    this.effects.push(...(outcome.effects ?? []))
    return outcome.refusal ?? outcome.reply
  }

  ask(message: string, payload: unknown = {}, requestId = "r-1"): unknown {
    const handle = program.transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    return this.settle(handle(this.state, payload, this.context(requestId)))
  }

  wake(): void {
    this.settle(program.reactions.timeout?.(this.state, this.context()) ?? {})
  }

  complete(name: string, id: string, outcome: unknown): void {
    this.settle(program.reactions.completed?.(this.state, { name, id, outcome }, this.context()) ?? {})
  }

  view(): ProgramView {
    return Schema.decodeUnknownSync(ProgramView)(this.ask("GetProgram"))
  }
}
