/** A tree of VSMs with its guard and with devices, over a store in memory; time stands until it is moved. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import { vsm } from "../../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { decodeJournalBody } from "../../../src/protocol/JournalBody.ts"
import { RecursionView } from "../../../src/protocol/vsm/Recursion.ts"
import { SpawnView } from "../../../src/protocol/vsm/Spawn.ts"
import { AdoptionView, UnitPage, VsmView } from "../../../src/protocol/vsm/VsmState.ts"
import { coordinator } from "../../../src/systems/coordination/Coordinator.ts"
import { algedonic } from "../../../src/systems/policy/algedonic/Channel.ts"
import { recursion } from "../../../src/systems/policy/recursion/Recursion.ts"
import { ActorRig } from "../../support/ActorRig.ts"
import { hello } from "../device/Bench.ts"

/** Enough for a few children, each of which may have some. */
export const budget = { mem_mb: 100, spawn: 20 }

export class Tree {
  readonly rig = new ActorRig([vsm, recursion, device, algedonic, coordinator])

  constructor() {
    this.rig.ask({ kind: "vsm", id: "root" }, "Found", {}, { asker: runtimeAsker })
    this.setBounds({})
  }

  /** The reply, or the refusal of the contract. */
  ask(id: string, message: string, payload: object = {}): unknown {
    return this.answer("vsm", id, message, payload)
  }

  private answer(kind: string, id: string, message: string, payload: object): unknown {
    const reply = this.rig.ask({ kind, id }, message, payload)
    if (reply._tag === "Success") return reply.value
    return reply._tag === "Failed" || reply._tag === "Refused" ? reply.error : reply._tag
  }

  /** Lets everything that is under way come to its end. */
  settle(millis = 2000): this {
    for (let passed = 0; passed < millis; passed += 500) this.rig.advance(500)
    return this
  }

  view(id: string): VsmView {
    return Schema.decodeUnknownSync(Schema.toType(VsmView))(this.ask(id, "Describe"))
  }

  units(id: string): ReadonlyArray<string> {
    return Schema.decodeUnknownSync(Schema.toType(UnitPage))(this.ask(id, "GetUnits")).units.map((unit) => unit.id)
  }

  limits(): RecursionView {
    return Schema.decodeUnknownSync(Schema.toType(RecursionView))(this.answer("recursion", "root", "GetLimits", {}))
  }

  setBounds(bounds: object): void {
    this.answer("recursion", "root", "SetBounds", bounds)
  }

  /** How a spawn ended, once everything has settled. */
  spawn(parent: string, child: string, more: object = { budget }): SpawnView {
    const begun = this.ask(parent, "Spawn", { child, ...more })
    assert.strictEqual(Object(begun).step, "reserving", JSON.stringify(begun))
    this.settle()
    return this.spawned(parent, child)
  }

  spawned(parent: string, child: string): SpawnView {
    return Schema.decodeUnknownSync(Schema.toType(SpawnView))(this.ask(parent, "WatchSpawn", { child }))
  }

  /** How an adoption ended, once everything has settled. */
  adopt(id: string, unit: string, more: object = {}): AdoptionView {
    this.ask(id, "Adopt", { unit, ...more })
    this.settle()
    return Schema.decodeUnknownSync(Schema.toType(AdoptionView))(this.ask(id, "WatchAdoption", { unit }))
  }

  /** A board attaches. */
  attach(id: string, more: object = {}): void {
    this.rig.ask(
      { kind: "device", id },
      "Attach",
      { ...hello, ...more },
      { asker: { kind: "device", id, role: "board" } }
    )
    this.settle()
  }

  /** The VSM that a device says it is a unit of. */
  holder(id: string): unknown {
    return Object(this.answer("device", id, "GetStatus", {})).vsm
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
