import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import { Heard } from "../../src/actors/Heard.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig } from "../support/ActorRig.ts"

const dayMillis = 24 * 3600 * 1000

/** The parts of a row. */
class Parts extends Map<string, Uint8Array> {
  readonly changes = {
    put: (key: string, value: Uint8Array) => void this.set(key, value),
    remove: (key: string) => void this.delete(key)
  }
}

const loaded = (parts: Parts, now: number): Heard => {
  const heard = new Heard()
  for (const [key, value] of parts) assert.isTrue(heard.load(key, value, now))
  return heard
}
const tell = (from: string, version = 1) => ({ from, version, index: 0 })

describe("what an actor has heard", () => {
  it("is remembered for longer than a copy of it can be under way, and no longer", () => {
    const parts = new Parts()
    const heard = loaded(parts, 0)
    heard.remember(tell("session/a"), 0, parts.changes)
    heard.remember(tell("session/b"), 7 * dayMillis, parts.changes)
    assert.isFalse(loaded(parts, 7 * dayMillis).isNews(tell("session/a")))
    const again = loaded(parts, 9 * dayMillis)
    again.remember(tell("session/c"), 9 * dayMillis, parts.changes)
    assert.deepStrictEqual([...parts.keys()], ["~from/session/b", "~from/session/c"])
    assert.deepStrictEqual([again.isNews(tell("session/a")), again.isNews(tell("session/b"))], [true, false])
  })

  it("takes a bounded place, however many sessions speak to a device over the years", () => {
    const parts = new Parts()
    const heard = loaded(parts, 0)
    let most = 0
    for (let hour = 0; hour < 24 * 365; hour++) {
      heard.remember(tell(`session/${hour}`), hour * 3_600_000, parts.changes)
      most = Math.max(most, parts.size)
    }
    assert.isBelow(most, 9 * 24)
  })

  it("keeps a sender that speaks again, and one whose time was not written, from when it was loaded", () => {
    const parts = new Parts([["~from/program/old", encodeStored([5, 0])]])
    const heard = loaded(parts, 100 * dayMillis)
    heard.remember(tell("device/x", 1), 100 * dayMillis, parts.changes)
    heard.remember(tell("device/x", 2), 107 * dayMillis, parts.changes)
    heard.remember(tell("device/y"), 107 * dayMillis, parts.changes)
    assert.isFalse(heard.isNews(tell("program/old", 5)))
    heard.remember(tell("device/z"), 109 * dayMillis, parts.changes)
    assert.deepStrictEqual([heard.isNews(tell("program/old", 5)), heard.isNews(tell("device/x", 2))], [true, false])
  })
})

describe("a tell", () => {
  const Talker = Contract.make("talker", {
    state: Schema.Struct({ lost: Schema.Array(Schema.String) }),
    messages: { Talk: Contract.once({ audience: "operator" }), Hear: Contract.idempotent({}) }
  })
  const talker = Behaviour.make(Talker, {
    initial: () => ({ lost: [] }),
    undelivered: ({ lost }, { cause }) => ({ state: { lost: [...lost, cause] } }),
    Talk: (state) => ({ state, tells: [{ to: { kind: "talker", id: "b" }, message: "Hear", payload: {} }] }),
    Hear: (state) => ({ state })
  })

  it("that does not arrive within a week is a dead letter, also when its sender moved in between", () => {
    const rig = new ActorRig([talker])
    rig.canPost = false
    rig.ask({ kind: "talker", id: "a" }, "Talk", {})
    rig.advance(6 * dayMillis)
    rig.residency.dropAll()
    rig.residency.wake([{ kind: "talker", id: "a" }])
    rig.advance(dayMillis - 120_000)
    assert.deepStrictEqual(rig.dead, [])
    rig.advance(240_000)
    assert.deepStrictEqual(
      rig.dead.map(({ key, cause }) => [key, cause]),
      [["talker/a", "it has not arrived within a week"]]
    )
  })
})
