/** A coordinator over a store in memory, with devices that are units of its VSM; time stands until it is moved. */
import { Schema } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import { vsm } from "../../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { decodeJournalBody } from "../../../src/protocol/JournalBody.ts"
import { ClaimView, SlotView } from "../../../src/protocol/vsm/Claim.ts"
import { coordinator } from "../../../src/systems/coordination/Coordinator.ts"
import { algedonic } from "../../../src/systems/policy/algedonic/Channel.ts"
import { hello } from "../../actors/device/Bench.ts"
import { ActorRig } from "../../support/ActorRig.ts"

const decodeClaim = Schema.decodeUnknownSync(Schema.toType(Schema.NullOr(ClaimView)))
const decodeSlot = Schema.decodeUnknownSync(Schema.toType(Schema.NullOr(SlotView)))

export class Floor {
  readonly rig = new ActorRig([coordinator, vsm, device, algedonic])
  readonly place = { kind: "coordinator", id: "root" }

  constructor() {
    this.rig.ask({ kind: "vsm", id: "root" }, "Found", {}, { asker: runtimeAsker })
  }

  /** The reply, or the refusal of the contract. */
  ask(message: string, payload: object = {}, to = this.place): unknown {
    const reply = this.rig.ask(to, message, payload)
    if (reply._tag === "Success") return reply.value
    return reply._tag === "Failed" || reply._tag === "Refused" ? reply.error : reply._tag
  }

  /** Claims the whole of some resources. */
  claim(resource: string, more: object = {}): ClaimView {
    const claims = [{ resource, mode: "exclusive" }]
    const view = decodeClaim(this.ask("Claim", { claims, waitMillis: 60_000, ...more }))
    if (view === null) throw new Error("no claim")
    return view
  }

  view(lease: string): ClaimView | null {
    return decodeClaim(this.ask("WatchClaim", { lease }))
  }

  slot(slot: string): SlotView | null {
    return decodeSlot(this.ask("WatchSlot", { slot }))
  }

  /** A board attaches, and its device becomes a unit of the root. */
  attach(id: string): void {
    this.rig.ask({ kind: "device", id }, "Attach", hello, { asker: { kind: "device", id, role: "board" } })
    this.settle()
  }

  /** Gives a command under a claim. */
  invoke(id: string, name: string, claim?: object): unknown {
    return this.ask("Invoke", { name, ...(claim === undefined ? {} : { claim }) }, { kind: "device", id })
  }

  settle(millis = 2000): this {
    for (let passed = 0; passed < millis; passed += 500) this.rig.advance(500)
    return this
  }

  /** The node dies with all it held in memory; another one takes its shard. */
  kill(): void {
    this.rig.residency.stop()
    this.rig.start("node-2").acquired([1])
  }

  /** Events of a type, in the order of their commits. */
  events(type: string): ReadonlyArray<unknown> {
    return this.rig.journal.flatMap(({ body }) =>
      decodeJournalBody(body).flatMap((record) => (record.type === type ? [record.data] : []))
    )
  }
}
