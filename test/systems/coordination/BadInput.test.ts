import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { compile } from "../../../src/actors/Codec.ts"
import { type Asker, runtimeAsker } from "../../../src/protocol/Asker.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { Coordinator } from "../../../src/protocol/vsm/Coordinator.ts"
import { operator } from "../../support/ActorRig.ts"
import { Floor } from "./Floor.ts"
import { randomOf } from "./Random.ts"

const messages = 10_000
const eachSample = 40
const seed = 20_261
const board: Asker = { kind: "device", id: "press-1", role: "board" }
const askers: ReadonlyArray<Asker> = [runtimeAsker, operator, board]

type Json = { readonly [key: string]: unknown }
const odd: ReadonlyArray<unknown> = [null, -1, 0.5, 1e300, "", "..", "x".repeat(5000), true, [], {}, [[null]], { a: 1 }]

/** A payload with some of its fields gone, of another kind, of another message, or too many. */
const mangled = (value: Json, other: Json, random: (below: number) => number): Json => {
  const changed: { [key: string]: unknown } = { ...value }
  for (let changes = random(3); changes > 0; changes--) {
    const keys = Object.keys(changed)
    const key = keys[random(Math.max(1, keys.length))]
    const kind = random(4)
    if (kind === 0) Object.assign(changed, other)
    else if (kind === 1) changed[`field-${random(100)}`] = odd[random(odd.length)]
    else if (key === undefined) continue
    else if (kind === 2) delete changed[key]
    else changed[key] = odd[random(odd.length)]
  }
  return changed
}

/** As JSON comes to an edge; text with half a character never gets as far as an actor. */
const wellFormed = (value: unknown): Json =>
  JSON.parse(JSON.stringify(value, (_key, part) => (typeof part === "string" ? part.toWellFormed() : part)))

/** Payloads of every message that fit its schema. */
const sampled = Effect.forEach(Object.entries(Coordinator.messages), ([message, { payload }]) =>
  Effect.map(Arbitrary.sampleEffect(Arbitrary.schema(payload), { count: eachSample, seed }), (values) => {
    const codec = compile(Coordinator).messages.get(message)
    assert.isDefined(codec)
    return values.map((value) => ({ message, payload: wellFormed(codec.payload.encode(value)) }))
  })
).pipe(Effect.map((found) => found.flat()))

describe("a coordinator", () => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () =>
    Effect.gen(function* () {
      const random = randomOf(seed)
      const samples = yield* sampled
      const floor = new Floor()
      const { rig, place } = floor
      floor.claim("device/press-1")
      let refused = 0
      for (let number = 0; number < messages; number++) {
        const sample = samples[random(samples.length)]
        const other = samples[random(samples.length)]
        assert.isDefined(sample)
        assert.isDefined(other)
        const message = random(50) === 0 ? `${sample.message}x` : sample.message
        const asker = askers[random(askers.length)] ?? board
        const body = encodeStored(mangled(sample.payload, other.payload, random))
        const replies = rig.post(place, { message, body, requestId: rig.requestId(), asker })
        if (number % 20 === 0) rig.advance(1000)
        for (const reply of replies) if (reply._tag !== "Success") refused++
      }
      floor.settle(60_000)
      // Devices that are claimed and do not exist end there too; a crash has a trace.
      const crashes = rig.dead.filter(({ traceId }) => traceId !== "")
      assert.deepStrictEqual(
        crashes.map(({ key, message, cause }) => `${key} ${message}: ${cause}`),
        []
      )
      assert.deepStrictEqual(rig.reported, [])
      assert.isAbove(refused, messages / 4)
      assert.isUndefined(rig.rows.get("coordinator/root")?.quarantine)
    })
  )

  it("refuses what is no resource, too long a hold, and an empty or a huge list, with the place of it", () => {
    const floor = new Floor()
    const claim = (payload: Json, message = "Claim") => {
      const body = encodeStored(payload)
      const replies = floor.rig.post(floor.place, { message, body, requestId: floor.rig.requestId(), asker: operator })
      floor.rig.advance(1000)
      const [reply] = replies
      return reply?._tag === "Failed" || reply?._tag === "Refused" ? reply.error : reply
    }
    const whole = { resource: "device/press-1", mode: "exclusive" }
    for (const resource of ["", "/", "device//x", "a/b/c/d/e/f/g", "../etc", "device/press 1", "x".repeat(200)])
      assert.deepInclude(claim({ claims: [{ resource, mode: "read" }] }), { _tag: "Malformed" }, resource)
    assert.deepInclude(claim({ claims: [] }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: Array.from({ length: 17 }, () => whole) }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: [whole], holdMillis: 60_001 }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: [whole], op: "older-than-all" }), { _tag: "Malformed" })
    const setpoint = { unit: "press-1", knob: "valve", by: "heat", value: 5, min: 0, max: 1 }
    assert.deepInclude(claim(setpoint, "ProposeSetpoint"), { _tag: "Malformed", path: "value" })
  })

  it("lets only those claim who have the right to, and a board not at all", () => {
    const floor = new Floor()
    const payload = { claims: [{ resource: "device/press-1", mode: "exclusive" }] }
    for (const asker of [board, { ...operator, may: ["vsm.read"] }]) {
      const reply = floor.rig.ask(floor.place, "Claim", payload, { asker })
      assert.strictEqual(reply._tag, "Failed", asker.id)
      if (reply._tag === "Failed") assert.strictEqual(reply.error._tag, "PolicyDenied", asker.id)
    }
  })
})
