import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { compile } from "../../../src/actors/Codec.ts"
import { type Asker, runtimeAsker } from "../../../src/protocol/Asker.ts"
import type { Contract } from "../../../src/protocol/Contract.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { Algedonic } from "../../../src/protocol/vsm/Algedonic.ts"
import { Recursion } from "../../../src/protocol/vsm/Recursion.ts"
import { Vsm } from "../../../src/protocol/vsm/Vsm.ts"
import { operator } from "../../support/ActorRig.ts"
import { Tree } from "./Tree.ts"

const messages = 10_000
const eachSample = 40
const board: Asker = { kind: "device", id: "press-1", role: "board" }
const askers: ReadonlyArray<Asker> = [runtimeAsker, operator, board]

/** A generator of the fuzz, from a seed. */
const randomOf = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

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

/** Payloads of every message that fit its schema, as bytes. */
const sampled = (contract: Contract, seed: number) =>
  Effect.forEach(Object.entries(contract.messages), ([message, { payload }]) =>
    Effect.map(Arbitrary.sampleEffect(Arbitrary.schema(payload), { count: eachSample, seed }), (values) => {
      const codec = compile(contract).messages.get(message)
      assert.isDefined(codec)
      return values.map((value) => ({ message, payload: wellFormed(codec.payload.encode(value)) }))
    })
  ).pipe(Effect.map((found) => found.flat()))

describe.each([Vsm, Recursion, Algedonic])("$kind", (contract) => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () =>
    Effect.gen(function* () {
      const seed = 20_260
      const random = randomOf(seed)
      const samples = yield* sampled(contract, seed)
      const tree = new Tree()
      tree.spawn("root", "line-1", { budget: { spawn: 50 } })
      const place = { kind: contract.kind, id: contract.kind === "recursion" ? "root" : "line-1" }
      let refused = 0
      for (let number = 0; number < messages; number++) {
        const sample = samples[random(samples.length)]
        const other = samples[random(samples.length)]
        assert.isDefined(sample)
        assert.isDefined(other)
        const message = random(50) === 0 ? `${sample.message}x` : sample.message
        const asker = askers[random(askers.length)] ?? board
        const body = encodeStored(mangled(sample.payload, other.payload, random))
        const replies = tree.rig.post(place, { message, body, requestId: tree.rig.requestId(), asker })
        if (number % 20 === 0) tree.rig.advance(1000)
        for (const reply of replies) if (reply._tag !== "Success") refused++
      }
      tree.settle(60_000)
      // Tells to VSMs that do not exist end there too; a crash has a trace.
      const crashes = tree.rig.dead.filter(({ traceId }) => traceId !== "")
      assert.deepStrictEqual(
        crashes.map(({ key, message, cause }) => `${key} ${message}: ${cause}`),
        []
      )
      assert.deepStrictEqual(tree.rig.reported, [])
      assert.isAbove(refused, messages / 4)
      assert.isUndefined(tree.rig.rows.get(`${place.kind}/${place.id}`)?.quarantine)
    })
  )
})
