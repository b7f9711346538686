import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, operator } from "../support/ActorRig.ts"

/** Knows in memory alone what it has heard. */
const Listener = Contract.make("listener", {
  state: Schema.Struct({}),
  messages: {
    Hear: Contract.idempotent({ payload: { isTold: Schema.Boolean }, audience: "operator" }),
    WatchHeard: Contract.watch({ success: Schema.Int, audience: "operator" })
  }
})
const listener = Behaviour.make<typeof Listener, number>(Listener, {
  initial: () => ({}),
  awake: () => 0,
  Hear: (_state, { isTold }, { resident }) => ({ resident: resident + 1, rouses: isTold }),
  WatchHeard: (_state, _payload, { resident }) => ({ reply: resident })
})

const one = { kind: "listener", id: "l-1" }

describe("a transition that changes no state", () => {
  it("has standing queries answered again when it says so, soon and for many changes once", () => {
    const rig = new ActorRig([listener])
    const items: Array<unknown> = []
    rig.ask(one, "Hear", { isTold: false })
    const posted = { message: "WatchHeard", body: encodeStored({}), requestId: "", asker: operator }
    const stop = rig.residency.watchPosted(
      one,
      posted,
      (item) => items.push(item),
      () => assert.fail("it is over")
    )
    rig.advance(1000)
    assert.deepStrictEqual(items, [1])
    rig.ask(one, "Hear", { isTold: false })
    rig.advance(1000)
    assert.deepStrictEqual(items, [1])
    for (let time = 0; time < 5; time++) rig.send(one, "Hear", { isTold: true })
    rig.advance(100)
    assert.deepStrictEqual(items, [1, 7])
    stop()
    rig.ask(one, "Hear", { isTold: true })
    rig.advance(1000)
    assert.deepStrictEqual(items, [1, 7])
  })
})
