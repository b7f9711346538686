/** Channels of a line of VSMs, each below the one before, over a store in memory; time stands until it is moved. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { vsm } from "../../../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { decodeJournalBody, type JournalRecord } from "../../../../src/protocol/JournalBody.ts"
import { ChannelView } from "../../../../src/protocol/vsm/Algedonic.ts"
import type { Signal } from "../../../../src/protocol/vsm/Signal.ts"
import { coordinator } from "../../../../src/systems/coordination/Coordinator.ts"
import { algedonic } from "../../../../src/systems/policy/algedonic/Channel.ts"
import { ActorRig } from "../../../support/ActorRig.ts"

export class Channels {
  readonly rig = new ActorRig([algedonic, vsm, coordinator])

  /** From the root down. */
  constructor(...line: ReadonlyArray<string>) {
    for (let depth = 0; depth < line.length; depth++) this.place(line.slice(0, depth + 1))
  }

  place(path: ReadonlyArray<string>): void {
    this.rig.ask({ kind: "algedonic", id: path.at(-1) ?? "" }, "Placed", { path }, { asker: runtimeAsker })
  }

  /** The reply, or the refusal. */
  ask(id: string, message: string, payload: object = {}): unknown {
    const reply = this.rig.ask({ kind: "algedonic", id }, message, payload)
    if (reply._tag === "Success") return reply.value
    return reply._tag === "Failed" || reply._tag === "Refused" ? reply.error : reply._tag
  }

  /** Something is felt, and time stands: what follows at once has happened. */
  feel(
    id: string,
    intensity: number,
    { source = "device/press-1", metric = "heat", ...more }: object & Partial<Signal> = {}
  ): void {
    const payload = { source, metric, intensity, ...more }
    this.rig.send({ kind: "algedonic", id }, "Feel", payload, { asker: runtimeAsker })
    this.rig.advance()
  }

  view(id: string): ChannelView {
    return Schema.decodeUnknownSync(Schema.toType(ChannelView))(this.ask(id, "GetSignals"))
  }

  signals(id: string): ReadonlyArray<Signal> {
    return this.view(id).signals
  }

  /** The only signal. */
  signal(id: string): Signal {
    const [signal, ...others] = this.signals(id)
    assert.deepStrictEqual(others, [])
    if (signal === undefined) throw new Error(`nothing hurts ${id}`)
    return signal
  }

  ack(id: string, signal: string, action = "looks at it"): unknown {
    return this.ask(id, "Ack", { signal, action })
  }

  /** The node dies with all it held in memory; another one takes its shard. */
  kill(): void {
    this.rig.residency.stop()
    this.rig.start("node-2").acquired([1])
  }

  /** What was said, with who said it and when. */
  said(type?: string): ReadonlyArray<JournalRecord & { readonly vsm: string }> {
    return this.rig.journal.flatMap(({ id, body }) =>
      decodeJournalBody(body)
        .filter((record) => type === undefined || record.type === type)
        .map((record) => ({ ...record, vsm: id }))
    )
  }
}
