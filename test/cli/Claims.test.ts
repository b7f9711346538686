import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ClaimView } from "../../src/protocol/vsm/Claim.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { RunningNode } from "../support/RunningNode.ts"

const claimOf = Schema.decodeUnknownSync(ClaimView)

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon claims", (it) => {
  it.effect(
    "lists claims, turns and knobs of every coordinator, and gives a claim back",
    () =>
      Effect.gen(function* () {
        assert.include(yield* good("claims", "ls"), "nothing is claimed")
        const send = (message: string, payload: object) =>
          good("send", "coordinator", "root", message, JSON.stringify(payload))
        const claims = [{ resource: "device/press-1", mode: "exclusive" }]
        const claim = claimOf(JSON.parse(yield* send("Claim", { claims, holdMillis: 60_000 })))
        const refused = yield* holon("send", "coordinator", "root", "Claim", JSON.stringify({ claims }))
        assert.isFalse(refused.isSuccess)
        assert.include(refused.err, `${claim.op}) came first`)
        yield* send("ReserveSlot", { topic: "rollout", holdMillis: 60_000 })
        for (let turn = 0; turn < 5; turn++)
          yield* send("ProposeSetpoint", {
            unit: "press-1",
            knob: "valve",
            value: turn % 2,
            min: 0,
            max: 1,
            by: turn % 2 === 0 ? "save" : "heat",
            rank: turn % 2
          })

        const listed = yield* good("claims", "ls", "--resource", "device/press-1")
        assert.match(listed, /root +device\/press-1 \(exclusive\) +user\/\S+ +normal +held +1 +\d+ s left/)
        assert.include(yield* good("claims", "ls", "--resource", "device/press-2"), "nothing is claimed")
        assert.match(yield* good("claims", "turns", "--vsm", "root"), /rollout +1 +user/)
        assert.match(yield* good("claims", "knobs"), /press-1 +valve +root +damped .* heat/)

        assert.include(yield* good("claims", "release", "root", claim.lease), `${claim.lease} is released`)
        assert.include(yield* good("claims", "ls"), "released")
        const unknown = yield* holon("claims", "release", "root", "nothing")
        assert.include(unknown.err, "there is no claim nothing")
      }),
    60_000
  )
})
