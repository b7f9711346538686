import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { Escalate } from "../../src/protocol/Escalation.ts"
import { decodeStored, encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig } from "../support/ActorRig.ts"
import { counter } from "../support/Counter.ts"

const warden = Behaviour.make(
  Contract.make("warden", { state: Schema.Struct({ heard: Schema.Array(Schema.String) }), messages: { Escalate } }),
  {
    initial: () => ({ heard: [] }),
    Escalate: ({ heard }, { actors }) => {
      if (actors.some(({ id }) => id === "poison")) throw new Error("a planted crash")
      return { state: { heard: [...heard, actors.map(({ id }) => id).join(" ")] } }
    }
  }
)

const supervised = {
  ...counter,
  reactions: { ...counter.reactions, supervisor: () => ({ kind: "warden", id: "w" }) }
}

/** Messages that the warden has heard, each with the ids it named. */
const heard = (rig: ActorRig): ReadonlyArray<string> => {
  const head = rig.rows.get("warden/w")?.head
  const stored = head ? decodeStored(head) : []
  return Array.isArray(stored) ? (stored[0]?.heard ?? []) : []
}

/** Rows that do not load: their actors are quarantined without a crash of anybody else. */
const quarantine = (rig: ActorRig, ids: ReadonlyArray<string>): void => {
  const addresses = ids.map((id) => ({ kind: "counter", id }))
  for (const address of addresses) rig.ask(address, "Add", { by: 1 })
  rig.residency.dropAll()
  for (const id of ids) {
    const row = rig.rows.get(`counter/${id}`)
    if (row !== undefined) row.head = encodeStored([{ count: "no number" }, 2])
  }
  rig.residency.wake(addresses)
}

describe("escalations", () => {
  it("to one supervisor are one message, and none once it has acknowledged", () => {
    const rig = new ActorRig([supervised, warden])
    const ids = Array.from({ length: 20 }, (_, index) => `c${index}`)
    quarantine(rig, ids)
    rig.advance(20_000)
    const messages = heard(rig)
    assert.sameMembers(
      messages.flatMap((text) => text.split(" ")),
      ids
    )
    assert.isBelow(messages.length, 4)
  })

  it("of a storm leave at most once a second, a hundred at a time", () => {
    const rig = new ActorRig([supervised, warden])
    const ids = Array.from({ length: 250 }, (_, index) => `c${index}`)
    rig.canPost = false
    quarantine(rig, ids)
    rig.advance(20_000)
    assert.deepStrictEqual(heard(rig), [])
    rig.canPost = true
    rig.advance(900)
    const sizes = () => heard(rig).map((text) => text.split(" ").length)
    assert.deepStrictEqual(sizes(), [100].slice(0, sizes().length))
    rig.advance(10_000)
    assert.deepStrictEqual(sizes(), [100, 100, 50])
    assert.sameMembers(
      heard(rig).flatMap((text) => text.split(" ")),
      ids
    )
  })

  it("are told again until somebody has heard them", () => {
    const rig = new ActorRig([supervised, warden])
    rig.canPost = false
    quarantine(rig, ["a"])
    rig.advance(20_000)
    rig.canPost = true
    rig.advance(3000)
    assert.deepStrictEqual(heard(rig), ["a"])
  })

  it("that crash the supervisor are its dead letters and do not quarantine it", () => {
    const rig = new ActorRig([supervised, warden])
    quarantine(rig, ["poison"])
    rig.advance(120_000)
    assert.deepStrictEqual(
      rig.dead.map(({ key, message }) => [key, message]),
      [["warden/w", "Escalate"]]
    )
    assert.isUndefined(rig.rows.get("warden/w")?.quarantine)
  })
})
