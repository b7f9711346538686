import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result } from "effect"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, decodeUp, encodeDown, encodeUp, type FrameRefused } from "../../src/protocol/FrameCodec.ts"
import { randomOf } from "../support/Random.ts"
import { downFrames, upFrames } from "./Frames.ts"

const ceiling = 262_144

describe("every frame of a board comes back as it was sent", () => {
  for (const [type, frames] of Object.entries(upFrames))
    it.prop(type, { frame: frames }, ({ frame }) => {
      const bytes = encodeUp(frame)
      assert.deepStrictEqual(decodeUp(bytes, ceiling), Result.succeed(frame))
      assert.deepStrictEqual(encodeUp(frame), bytes)
    })
})

describe("every frame to a board comes back as it was sent", () => {
  for (const [type, frames] of Object.entries(downFrames))
    it.prop(type, { frame: frames }, ({ frame }) => {
      assert.deepStrictEqual(decodeDown(encodeDown(frame), ceiling), Result.succeed(frame))
    })
})

const mutate = (bytes: Uint8Array, random: (below: number) => number): Uint8Array => {
  const mutated = Uint8Array.from(bytes)
  for (let changes = 1 + random(3); changes > 0 && mutated.length > 0; changes--) {
    const at = random(mutated.length)
    mutated[at] = random(3) === 0 ? random(256) : (mutated[at] ?? 0) ^ (1 << random(8))
  }
  switch (random(6)) {
    case 0:
      return mutated.subarray(0, random(mutated.length + 1))
    case 1:
      return Uint8Array.from([...mutated, random(256)])
    case 2: {
      const from = random(mutated.length)
      return Uint8Array.from([...mutated.subarray(0, from), ...mutated.subarray(from + 1 + random(4))])
    }
    default:
      return mutated
  }
}

type Decode<F> = (bytes: Uint8Array, bytesMax: number) => Result.Result<F, FrameRefused>

/** 1 when the bytes are a frame, which can then be said again: nothing slips in that the link cannot carry. */
const accepted = <F>(decode: Decode<F>, encode: (frame: F) => Uint8Array, bytes: Uint8Array): 0 | 1 => {
  const decoded = decode(bytes, ceiling)
  if (Result.isFailure(decoded)) {
    assert.include([34, 90, 200, 201, 202, 210, 211], decoded.failure.code)
    return 0
  }
  assert.deepStrictEqual(decode(encode(decoded.success), ceiling), decoded)
  return 1
}

const bytesOf = <F>(
  frames: Record<string, Arbitrary.Arbitrary<F>>,
  encode: (frame: F) => Uint8Array,
  seed: number
): Effect.Effect<ReadonlyArray<Uint8Array>> =>
  Effect.forEach(Object.values(frames), (frame) => Arbitrary.sampleEffect(frame, { count: 10, seed })).pipe(
    Effect.map((samples) => samples.flat().map((frame) => encode(frame))),
    Effect.orDie
  )

describe("mutated frames", () => {
  const seed = 20_261_121
  it.effect(`are frames or are refused with a code, 20,000 of seed ${seed}`, () =>
    Effect.gen(function* () {
      const random = randomOf(seed)
      const originals = [
        ...(yield* bytesOf<UpFrame>(upFrames, encodeUp, seed)),
        ...(yield* bytesOf<DownFrame>(downFrames, encodeDown, seed))
      ]
      let frames = 0
      for (let round = 0; round < 20_000; round++) {
        const bytes = mutate(originals[random(originals.length)] ?? new Uint8Array(), random)
        frames += accepted(decodeUp, encodeUp, bytes) + accepted(decodeDown, encodeDown, bytes)
      }
      // Most are broken, and many are not: the mutations reach past the first check.
      assert.isAbove(frames, 1000)
      assert.isBelow(frames, 20_000)
    })
  )
})
