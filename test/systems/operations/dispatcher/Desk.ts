/**
 * Dispatchers over a store in memory, whose effects the test itself comes up with: so it says when they end, how, and whether at
 * all. Time stands until it is moved.
 */
import { Schema } from "effect"
import { derivedId } from "../../../../src/protocol/Ids.ts"
import { decodeJournalBody } from "../../../../src/protocol/JournalBody.ts"
import { Dispatcher } from "../../../../src/protocol/vsm/Dispatcher.ts"
import { type Act, OpView } from "../../../../src/protocol/vsm/Op.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import type { Carried } from "../../../../src/systems/operations/dispatcher/Batch.ts"
import type { Work, Worked } from "../../../../src/systems/operations/dispatcher/Course.ts"
import { dispatcherBy } from "../../../../src/systems/operations/dispatcher/Dispatcher.ts"
import type { Understood } from "../../../../src/systems/operations/dispatcher/Understanding.ts"
import { ActorRig } from "../../../support/ActorRig.ts"

const decodeView = Schema.decodeUnknownSync(Schema.toType(OpView))

/** An effect that was named and has not ended. */
export interface Effect {
  readonly id: string
  readonly work: Work
  readonly end: (worked: Worked) => void
}

/** An act that switches the output of a device, as a plan says it. */
export const actOn = (op: string, device: string, place: number, via?: string): Act => ({
  place,
  step: {
    unit: device,
    kind: "device",
    id: device,
    message: "SetDesired",
    payload: { patch: { on: true } },
    end: "applied"
  },
  request: derivedId(op, device),
  ...(via !== undefined && { via: VsmId.make(via) })
})

export class Desk {
  readonly rig = new ActorRig([dispatcherBy(() => 0)])
  #seen = 0
  #effects: Array<Effect> = []

  /** The reply, or the refusal. */
  ask(message: string, payload: object, vsm = "root", more: object = {}): unknown {
    const reply = this.rig.ask({ kind: Dispatcher.kind, id: vsm }, message, payload, more)
    if (reply._tag === "Success") return reply.value
    return reply._tag === "Failed" || reply._tag === "Refused" ? reply.error : reply._tag
  }

  /** Gives an order in words; answers its op. */
  order(more: object = {}, vsm = "root", by: object = {}): string {
    const reply = this.ask("DispatchIntent", { text: "turn on everything", ...more }, vsm, by)
    return decodeView(reply).op
  }

  view(op: string, vsm = "root"): OpView {
    return decodeView(this.ask("OpStatus", { op }, vsm))
  }

  /** Effects that were named since the last look, and those before that have not ended. */
  get effects(): ReadonlyArray<Effect> {
    for (; this.#seen < this.rig.orders.length; this.#seen++) {
      const order = this.rig.orders[this.#seen]
      const done = this.rig.ends[this.#seen]
      if (order?.name === "work" && done !== undefined)
        this.#effects.push({ id: order.id, work: order.input as Work, end: done })
    }
    return this.#effects
  }

  /** An effect ends once. */
  take(effect: Effect): Effect {
    this.#effects = this.#effects.filter((each) => each !== effect)
    return effect
  }

  /** Ends the effect of an op that was named last. */
  end(op: string, how: (work: Work) => Worked): this {
    const effect = this.effects.findLast(({ id }) => id === op)
    if (effect === undefined) throw new Error(`no effect of ${op}`)
    this.take(effect).end(how(effect.work))
    this.rig.advance(1000)
    return this
  }

  /** It is understood: these devices, each done by this VSM or by one below. */
  understood(op: string, devices: ReadonlyArray<readonly [device: string, via?: string]>, more: object = {}): this {
    const acts = devices.map(([device, via], place) => actOn(op, device, place, via))
    const understood: Understood = { title: "turn on everything", acts, left: [], took: { classify: 1 }, ...more }
    return this.end(op, () => ({ understood, carried: undefined }))
  }

  /** The batch that is under way is over. */
  carried(op: string, outcome: "done" | "failed" | "cancelled" = "done", more: Partial<Carried> = {}): this {
    return this.end(op, ({ batch }) => ({
      understood: undefined,
      carried: {
        batch: batch.batch,
        attempt: batch.attempt,
        ends: batch.acts.map(({ place }) => ({ place, outcome })),
        isLost: false,
        retries: 0,
        took: { invoke: 1 },
        ...more
      }
    }))
  }

  /** The node dies with all it held in memory; another one takes its shard. */
  kill(): this {
    this.#effects = []
    this.#seen = this.rig.orders.length
    this.rig.residency.stop()
    this.rig.start("node-2").acquired([1])
    this.rig.advance(2000)
    return this
  }

  /** Events of a type, in the order of their commits. */
  events(type: string): ReadonlyArray<Readonly<Record<string, unknown>>> {
    return this.rig.journal.flatMap(({ body }) =>
      decodeJournalBody(body).flatMap((record) => (record.type === type ? [Object(record.data)] : []))
    )
  }
}
