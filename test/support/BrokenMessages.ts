/** Messages broken on purpose, by the thousand, for any actor. */
import { assert } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { compile } from "../../src/actors/Codec.ts"
import { type Address, addressKey } from "../../src/actors/Host.ts"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import type { Contract } from "../../src/protocol/Contract.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { type ActorRig, operator } from "./ActorRig.ts"
import { type Below, randomOf } from "./Random.ts"

const messages = 10_000
const eachSample = 40
const settleMillis = 60_000
const board: Asker = { kind: "device", id: "press-1", role: "board" }
const askers: ReadonlyArray<Asker> = [runtimeAsker, operator, board]

type Json = Readonly<Record<string, unknown>>
const odd: ReadonlyArray<unknown> = [null, -1, 0.5, 1e300, "", "..", "x".repeat(5000), true, [], {}, [[null]], { a: 1 }]

/** A payload with some of its fields gone, of another kind, of another message, or too many. */
const mangled = (value: Json, other: Json, random: Below): Json => {
  const changed: Record<string, unknown> = { ...value }
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

/** As JSON comes to an edge; a text or key with half a character, which JSON writes as an escape, never gets as far as an actor. */
const wellFormed = (value: unknown): Json =>
  JSON.parse(JSON.stringify(value).replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, "?"))

/** Payloads of every message that fit its schema. */
const sampled = (contract: Contract, seed: number) =>
  Effect.forEach(Object.entries(contract.messages), ([message, { payload }]) =>
    Effect.map(Arbitrary.sampleEffect(Arbitrary.schema(payload), { count: eachSample, seed }), (values) => {
      const codec = compile(contract).messages.get(message)
      assert.isDefined(codec)
      return values.map((value) => ({ message, payload: wellFormed(codec.payload.encode(value)) }))
    })
  ).pipe(Effect.map((found) => found.flat()))

/**
 * Posts ten thousand messages to an actor, most of them broken, from whoever asks. It must refuse many, crash over none and
 * not be put in quarantine.
 */
export const survivesBrokenMessages = Effect.fnUntraced(function* (
  rig: ActorRig,
  place: Address,
  contract: Contract,
  seed: number
) {
  const random = randomOf(seed)
  const samples = yield* sampled(contract, seed)
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
  for (let passed = 0; passed < settleMillis; passed += 500) rig.advance(500)
  // Tells to actors that do not exist end there too; a crash has a trace.
  const crashes = rig.dead.filter(({ traceId }) => traceId !== "")
  assert.deepStrictEqual(
    crashes.map(({ key, message, cause }) => `${key} ${message}: ${cause}`),
    []
  )
  assert.deepStrictEqual(rig.reported, [])
  assert.isAbove(refused, messages / 4)
  assert.isUndefined(rig.rows.get(addressKey(place))?.quarantine)
})
