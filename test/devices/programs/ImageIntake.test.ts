import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Held } from "../../../devices/agent/Programs.ts"
import { ImageIntake } from "../../../devices/programs/ImageIntake.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import type { Chunk, ImageOffer } from "../../../src/protocol/frame/ImageFrames.ts"
import { VirtualTime } from "../VirtualTime.ts"

const imageOf = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index * 7) & 0xff)

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest())

const offerOf = (image: Uint8Array, fields: Partial<ImageOffer> = {}): ImageOffer => ({
  type: "image-offer",
  epoch: 5,
  xfer: 1,
  sha256: sha256(image),
  size: image.length,
  kind: 1,
  manifest: new Uint8Array(0),
  chunk: 64,
  window: 8,
  ...fields
})

const chunkOf = (image: Uint8Array, index: number, fields: Partial<Chunk> = {}): Chunk => ({
  type: "chunk",
  epoch: 5,
  xfer: 1,
  index,
  data: image.subarray(index * 64, (index + 1) * 64),
  ...fields
})

/** An intake that writes down what it says and what its sink is given. */
const bench = (admit?: (offer: ImageOffer) => Refused | undefined, push?: (total: number) => Refused | undefined) => {
  const time = new VirtualTime()
  const said: Array<Held> = []
  const taken: Array<number> = []
  const failures: Array<Refused> = []
  const intake = new ImageIntake({
    clock: time.clock(),
    chunkBytesMax: 128,
    windowMax: 16,
    admit: (offer) =>
      admit?.(offer) ?? {
        push: (bytes: Uint8Array) => {
          taken.push(...bytes)
          return push?.(taken.length)
        }
      },
    acknowledge: (held) => said.push(held),
    failed: (_xfer, refused) => failures.push(refused)
  })
  return { time, said, taken, failures, intake, last: () => said.at(-1) }
}

describe("a transfer", () => {
  it("is acknowledged at its start, at each half window and at its end", () => {
    const image = imageOf(64 * 10 + 5)
    const { intake, said, taken } = bench()
    intake.offer(offerOf(image))
    for (let index = 0; index <= 10; index++) intake.chunk(chunkOf(image, index))
    assert.deepStrictEqual(
      said.map(({ next, state, have }) => [next, state, have]),
      [
        [0, 1, 0],
        [4, 1, 256],
        [8, 1, 512],
        [11, 1, 645]
      ]
    )
    assert.deepStrictEqual(taken, [...image])
    assert.isUndefined(intake.verify(1, () => undefined))
    assert.deepStrictEqual(intake.image(1)?.bytes, image)
  })

  it("holds what came too early and names what is missing", () => {
    const image = imageOf(64 * 6)
    const { intake, last, taken } = bench()
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 2))
    intake.chunk(chunkOf(image, 4))
    assert.deepInclude(last(), { next: 0, have: 0, missing: [0, 1, 3] })
    intake.chunk(chunkOf(image, 1))
    intake.chunk(chunkOf(image, 0))
    assert.deepInclude(last(), { next: 3, have: 192, missing: [3] })
    intake.chunk(chunkOf(image, 3))
    intake.chunk(chunkOf(image, 5))
    assert.deepInclude(last(), { next: 6, have: 384 })
    assert.deepStrictEqual(taken, [...image])
  })

  it("names a hole when it shows, and not for each chunk behind it", () => {
    const image = imageOf(64 * 8)
    const { intake, said } = bench()
    intake.offer(offerOf(image))
    for (const index of [1, 2, 3]) intake.chunk(chunkOf(image, index))
    assert.deepStrictEqual(
      said.map(({ missing }) => missing),
      [undefined, [0]]
    )
    for (const index of [4, 5]) intake.chunk(chunkOf(image, index))
    assert.lengthOf(said, 3)
    intake.chunk(chunkOf(image, 0))
    assert.deepInclude(said.at(-1), { next: 6, have: 384 })
  })

  it("drops what lies beyond its window", () => {
    const image = imageOf(64 * 20)
    const { intake, last, taken } = bench()
    intake.offer(offerOf(image, { window: 4 }))
    intake.chunk(chunkOf(image, 4))
    assert.deepInclude(last(), { next: 0, code: 84 })
    assert.deepStrictEqual(taken, [])
  })

  it("answers a chunk that comes again with what it holds, and stores it once", () => {
    const image = imageOf(64 * 3)
    const { intake, last, said, taken } = bench()
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 0))
    intake.chunk(chunkOf(image, 0))
    assert.lengthOf(said, 2)
    assert.deepStrictEqual(last(), { xfer: 1, next: 1, state: 1, have: 64, window: 8 })
    assert.lengthOf(taken, 64)
  })

  it("refuses a chunk of a wrong length, a wrong checksum and an unknown transfer, and goes on", () => {
    const image = imageOf(64 * 3)
    const { intake, last } = bench()
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 0, { data: image.subarray(0, 63) }))
    assert.deepInclude(last(), { next: 0, state: 1, code: 22 })
    intake.chunk(chunkOf(image, 3, { data: image.subarray(0, 64) }))
    assert.deepInclude(last(), { next: 0, state: 1, code: 22 })
    intake.chunk(chunkOf(image, 0, { crc: 1 }))
    assert.deepInclude(last(), { next: 0, state: 1, code: 71 })
    intake.chunk(chunkOf(image, 0, { xfer: 2 }))
    assert.deepStrictEqual(last(), { xfer: 2, next: 0, state: 0, code: 3 })
    intake.chunk({ ...chunkOf(image, 0), data: new TextEncoder().encode("123456789".padEnd(64, "\0")), crc: 0xdd69 })
    assert.deepInclude(last(), { next: 0, state: 1, code: 71 })
    intake.chunk(chunkOf(image, 0))
    intake.chunk(chunkOf(image, 1))
    intake.chunk(chunkOf(image, 2))
    assert.deepInclude(last(), { next: 3 })
  })

  it("goes on where it was when it is offered again, and is another one under another hash", () => {
    const image = imageOf(64 * 6)
    const { intake, last } = bench()
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 0))
    intake.chunk(chunkOf(image, 1))
    intake.offer(offerOf(image))
    assert.deepInclude(last(), { next: 2, state: 1, have: 128 })
    intake.offer(offerOf(imageOf(65)))
    assert.deepStrictEqual(last(), { xfer: 1, next: 0, state: 0, code: 16 })
    intake.offer(offerOf(image, { xfer: 2 }))
    assert.deepStrictEqual(last(), { xfer: 2, next: 0, state: 0, code: 16 })
    intake.chunk(chunkOf(image, 2))
    assert.strictEqual(intake.transfer?.state, 1)
  })

  it("is forgotten ten minutes after its last chunk, and not before", () => {
    const image = imageOf(64 * 6)
    const { intake, last, time } = bench()
    intake.offer(offerOf(image))
    time.advance(599_000)
    intake.chunk(chunkOf(image, 0))
    time.advance(599_999)
    intake.offer(offerOf(image))
    assert.deepInclude(last(), { next: 1, have: 64 })
    time.advance(600_000)
    intake.chunk(chunkOf(image, 1))
    assert.deepInclude(last(), { code: 3 })
    assert.strictEqual(time.pending, 0)
  })

  it("reserves nothing where it is refused, and makes room for the next", () => {
    let code: number | undefined = 129
    const image = imageOf(64)
    const { intake, last, time } = bench(() => (code === undefined ? undefined : { code, detail: "refused" }))
    intake.offer(offerOf(image))
    assert.deepStrictEqual(last(), { xfer: 1, next: 0, state: 0, code: 129 })
    assert.isUndefined(intake.transfer)
    assert.strictEqual(time.pending, 0)
    code = undefined
    intake.offer(offerOf(image, { xfer: 2 }))
    assert.deepInclude(last(), { xfer: 2, state: 1 })
  })

  it("is refused where chunks are no power of two or larger than the board takes", () => {
    const image = imageOf(64)
    const { intake, said } = bench()
    intake.offer(offerOf(image, { chunk: 48 }))
    intake.offer(offerOf(image, { chunk: 256 }))
    intake.offer(offerOf(image, { size: 0 }))
    intake.offer(offerOf(image, { window: 0 }))
    assert.deepStrictEqual(
      said.map(({ code }) => code),
      [22, 90, 22, 22]
    )
  })

  it("fails at the first bytes its check refuses, and leaves room for another", () => {
    const image = imageOf(64 * 3)
    const { failures, intake, last } = bench(undefined, (total) =>
      total > 64 ? { code: 74, detail: "bad_magic" } : undefined
    )
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 0))
    intake.chunk(chunkOf(image, 1))
    assert.deepInclude(last(), { next: 2, state: 4, code: 74 })
    assert.deepStrictEqual(failures, [{ code: 74, detail: "bad_magic" }])
    assert.deepStrictEqual(
      intake.verify(1, () => undefined),
      { code: 74, detail: "bad_magic" }
    )
    intake.offer(offerOf(image, { xfer: 2 }))
    assert.deepInclude(last(), { xfer: 2, state: 1 })
  })

  it("is verified when all of it is there, once, and by its hash", () => {
    const image = imageOf(64 * 2)
    const { intake } = bench()
    let checks = 0
    const check = () => {
      checks++
      return undefined
    }
    assert.deepInclude(intake.verify(1, check), { code: 3 })
    intake.offer(offerOf(image))
    intake.chunk(chunkOf(image, 0))
    assert.deepInclude(intake.verify(1, check), { code: 16 })
    intake.chunk(chunkOf(image, 1))
    assert.isUndefined(intake.verify(1, check))
    assert.isUndefined(intake.verify(1, check))
    assert.deepStrictEqual([checks, intake.transfer?.state], [1, 3])
    intake.abort(1)
    intake.offer(offerOf(image, { xfer: 2, sha256: sha256(imageOf(3)) }))
    intake.chunk(chunkOf(image, 0, { xfer: 2 }))
    intake.chunk(chunkOf(image, 1, { xfer: 2 }))
    assert.deepStrictEqual(intake.verify(2, check), { code: 74, detail: "sha256" })
    assert.deepStrictEqual([checks, intake.transfer?.state], [1, 4])
  })

  it("is aborted with the same answer each time, but not once its image is the board's", () => {
    const image = imageOf(64)
    const { intake, time } = bench()
    assert.strictEqual(intake.abort(1), 3)
    intake.offer(offerOf(image))
    assert.deepStrictEqual([intake.abort(1), intake.abort(1), intake.transfer, time.pending], [0, 0, undefined, 0])
    intake.offer(offerOf(image, { xfer: 2 }))
    intake.chunk(chunkOf(image, 0, { xfer: 2 }))
    intake.verify(2, () => undefined)
    intake.settle(2, 7)
    assert.strictEqual(intake.abort(2), 16)
    assert.isUndefined(intake.image(2))
    intake.offer(offerOf(image, { xfer: 3 }))
    assert.strictEqual(intake.transfer?.offer.xfer, 3)
  })

  const Wild = Schema.Struct({
    seed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fff_ffff })),
    size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3000 })),
    window: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 16 }))
  })

  it.prop(
    "arrives whole through any losses, copies and disorder of chunks and acknowledgements",
    { wild: Wild },
    ({ wild }) => {
      const image = imageOf(wild.size)
      const chance = seeded(wild.seed, "link")
      const { intake, said, taken, time } = bench()
      const chunks = Math.ceil(image.length / 64)
      const link: Array<Chunk> = []
      let next = 0
      let sent = 0
      let heard = 0
      intake.offer(offerOf(image, { window: wild.window }))
      for (let turn = 0; next < chunks; turn++) {
        assert.isBelow(turn, 20_000, "the transfer does not end")
        while (sent < chunks && sent < next + wild.window) {
          const chunk = chunkOf(image, sent++)
          if (chance() < 0.8) link.push(chunk)
          if (chance() < 0.2) link.push(chunk)
        }
        const [chunk] = link.splice(Math.floor(chance() * link.length), 1)
        // Nothing is under way any more: the sender's timer goes off and it goes back to what it knows.
        if (chunk === undefined) sent = next
        else intake.chunk(chunk)
        for (; heard < said.length; heard++) if (chance() < 0.7) next = Math.max(next, said[heard]?.next ?? 0)
        time.advance(20)
      }
      assert.deepStrictEqual(taken, [...image])
      assert.isUndefined(intake.verify(1, () => undefined))
    }
  )
})
