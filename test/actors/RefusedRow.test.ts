import { assert, describe, it } from "@effect/vitest"
import type { Store } from "../../src/actors/Store.ts"
import { ActorRig } from "../support/ActorRig.ts"
import { counter } from "../support/Counter.ts"

const a = { kind: "counter", id: "a" }
const failuresMax = 5

/** A rig whose store takes its time to write a quarantine. */
class SlowQuarantineRig extends ActorRig {
  readonly waiting: Array<() => void> = []
  readonly atOnce = this.store.quarantine

  constructor() {
    super([counter])
    const slow: Store = {
      ...this.store,
      quarantine: (entry, done) => this.waiting.push(() => this.atOnce(entry, done))
    }
    Object.defineProperty(this, "store", { value: slow })
    this.residency.stop()
    this.start("node-2")
  }
}

/** Lets the store refuse the actor's row so many times. */
const refuse = (rig: ActorRig, times: number) => {
  for (let failure = 0; failure < times; failure++) {
    rig.nextCommits.push("Refused")
    rig.send(a, "Add", { by: 100 })
    rig.advance(1000)
  }
}

describe("a row that the store refuses", () => {
  it("is not written by a later change while its quarantine is written", () => {
    const rig = new SlowQuarantineRig()
    rig.ask(a, "Add", { by: 1 })
    rig.ask({ kind: "counter", id: "c" }, "Add", { by: 1 })
    refuse(rig, failuresMax - 1)
    rig.holdCommits = true
    rig.send(a, "TellTo", { id: "c", numbers: [1] })
    rig.advance()
    const replies = rig.send(a, "Add", { by: 100 })
    // The tell leaves; then the store refuses its sender in one statement with the receiver, then alone.
    rig.nextCommits.push("Written", "Refused", "Refused", "Written")
    rig.releaseCommits()
    assert.deepStrictEqual(rig.batches.slice(-3), [["counter/a", "counter/c"], ["counter/a"], ["counter/c"]])
    const stored = rig.rows.get("counter/a")
    const { version } = stored ?? {}
    rig.advance(1000)
    assert.strictEqual(stored?.version, version)
    assert.deepStrictEqual(replies, [])
    for (const write of rig.waiting.splice(0)) write()
    assert.isTrue(stored?.quarantine !== undefined)
    assert.deepStrictEqual(
      replies.map((reply) => reply._tag),
      ["Failed"]
    )
  })

  it("counts its failures anew after a release", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    refuse(rig, failuresMax)
    const row = rig.rows.get("counter/a")
    assert.isTrue(row?.quarantine !== undefined)
    if (row !== undefined) row.quarantine = undefined
    rig.nextCommits.push("Refused")
    rig.send(a, "Add", { by: 1 })
    rig.advance(1000)
    assert.isTrue(rig.rows.get("counter/a")?.quarantine === undefined)
    assert.strictEqual(rig.ask(a, "Add", { by: 1 })._tag, "Success")
  })
})
