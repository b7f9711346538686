/** Immune systems over a store in memory, with devices and channels beside them; time stands until it is moved. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../../../src/actors/Behaviour.ts"
import { device } from "../../../../src/actors/device/Device.ts"
import { vsm } from "../../../../src/actors/vsm/Vsm.ts"
import { type Asker, runtimeAsker } from "../../../../src/protocol/Asker.ts"
import * as Contract from "../../../../src/protocol/Contract.ts"
import { decodeJournalBody, type JournalRecord } from "../../../../src/protocol/JournalBody.ts"
import { type Bar, type Mitigation, type Sign, ThreatsView } from "../../../../src/protocol/vsm/Threat.ts"
import { algedonic } from "../../../../src/systems/policy/algedonic/Channel.ts"
import { immune } from "../../../../src/systems/policy/immune/Immune.ts"
import type { Fleet } from "../../../../src/systems/policy/immune/SafetyGate.ts"
import { recursion } from "../../../../src/systems/policy/recursion/Recursion.ts"
import { ActorRig, operator } from "../../../support/ActorRig.ts"

/** A fleet in which one device of hall is less than a tenth. */
export const fleet: Fleet = {
  accounts: ["ada", "bob", "eve", "local"],
  keepers: ["ada", "local"],
  devices: 100,
  byZone: { hall: 20 }
}

/** Takes policies as their keeper does, or takes none. */
const keeperOf = (takes: () => boolean, kept: Map<string, string>) =>
  Behaviour.make(
    Contract.make("policy", {
      state: Schema.Struct({}),
      messages: {
        Deploy: Contract.once({
          payload: { source: Schema.String, mitigation: Schema.String, answerTo: Schema.String }
        }),
        Revoke: Contract.once({ payload: { name: Schema.String, reason: Schema.String } })
      }
    }),
    {
      initial: () => ({}),
      Deploy: (_state, { source, mitigation, answerTo }) => {
        const to = { kind: "immune", id: answerTo }
        if (!takes()) return { tells: [{ to, message: "PolicyRefused", payload: { mitigation, reason: "not today" } }] }
        kept.set(/policy "([^"]+)"/.exec(source)?.[1] ?? "", source)
        return { tells: [{ to, message: "PolicyDeployed", payload: { mitigation } }] }
      },
      Revoke: (_state, { name }) => {
        kept.delete(name)
        return {}
      }
    }
  )

export const bob: Asker = { ...operator, id: "bob" }

export class Wards {
  /** Policies in force, by their names. */
  readonly policies = new Map<string, string>()
  takesPolicies = true
  readonly rig = new ActorRig([
    immune,
    device,
    algedonic,
    vsm,
    recursion,
    keeperOf(() => this.takesPolicies, this.policies)
  ])
  fleet: Fleet = fleet
  readonly root = { kind: "immune", id: "root" }

  constructor() {
    this.rig.ask({ kind: "vsm", id: "root" }, "Found", {}, { asker: runtimeAsker })
  }

  /** Lets time pass; the fleet is counted whenever that is asked for. */
  advance(millis = 0): void {
    for (let left = millis; ; left -= 500) {
      this.rig.advance(Math.min(500, Math.max(0, left)))
      for (const end of this.rig.ends.splice(0)) end({ _tag: "Counted", fleet: this.fleet })
      this.rig.advance()
      if (left <= 500) break
    }
  }

  /** A node, or the reader of the event stream, has seen this. */
  see(kind: Sign["kind"], subject: string, count = 1, more: Partial<Sign> = {}, id = "root"): void {
    const sign = { kind, subject, count, ...more }
    this.rig.send({ kind: "immune", id }, "Evidence", { signs: [sign] }, { asker: runtimeAsker })
    this.advance()
  }

  /** The reply, or the refusal. */
  ask(message: string, payload: object = {}, asker: Asker = operator): unknown {
    const replies = this.rig.send(this.root, message, payload, { asker })
    this.advance()
    const [reply] = replies
    assert.isDefined(reply)
    if (reply._tag === "Success") return reply.value
    return reply._tag === "Failed" || reply._tag === "Refused" ? reply.error : reply._tag
  }

  view(id = "root"): ThreatsView {
    const replies = this.rig.send({ kind: "immune", id }, "GetThreats", {})
    this.advance()
    const [reply] = replies
    assert(reply?._tag === "Success")
    return Schema.decodeUnknownSync(Schema.toType(ThreatsView))(reply.value)
  }

  get bars(): ReadonlyArray<string> {
    const replies = this.rig.send(this.root, "WatchBars", {}, { asker: runtimeAsker })
    this.advance()
    const [reply] = replies
    assert(reply?._tag === "Success")
    return (reply.value as ReadonlyArray<Bar>).map(({ subject }) => subject)
  }

  /** The newest mitigation. */
  get newest(): Mitigation {
    const [mitigation] = this.view().mitigations
    if (mitigation === undefined) throw new Error("nothing is done")
    return mitigation
  }

  /** A device whose board is attached. */
  attach(id: string, link = 1): unknown {
    const request = {
      node: "node-1",
      connection: 1,
      boot: 1,
      link,
      up: 0,
      profile: "raw",
      firmware: "1",
      caps: 0,
      rx: 512,
      requests: 1,
      desired: 0,
      leaseMillis: 3_600_000
    }
    const asker: Asker = { kind: "device", id, role: "board" }
    const replies = this.rig.send({ kind: "device", id }, "Attach", request, { asker })
    this.advance()
    const [reply] = replies
    return reply?._tag === "Refused" || reply?._tag === "Failed" ? reply.error : reply?._tag
  }

  /** The node dies with all it held in memory; another one takes its shard. */
  kill(): void {
    this.rig.residency.stop()
    this.rig.ends.splice(0)
    this.rig.start("node-2").acquired([1])
    this.advance()
  }

  said(type: string): ReadonlyArray<JournalRecord> {
    return this.rig.journal.flatMap(({ body }) => decodeJournalBody(body).filter((record) => record.type === type))
  }
}
