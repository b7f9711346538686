import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { orderFault } from "../../../../devices/provisioning/ProvisioningEvents.ts"
import { seeded } from "../../../../devices/simulated/Seeded.ts"
import { writeHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { roomOfBoard } from "../CountingHost.ts"
import { goldenCrc32, goldenImage } from "../GoldenImage.ts"
import { LoaderRig } from "../LoaderRig.ts"
import { type Faults, perfect } from "./FaultyMedia.ts"
import { type Ended, type Way, ways } from "./Ways.ts"

/** Longer than any transfer, its retries and its timers. */
const longMillis = 300_000

const longImage = (bytes: number): Uint8Array => {
  const random = seeded(3, "long")
  const code = Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256))
  return writeHxe({ version: 2, entry: 0, code, rodata: Uint8Array.of(1, 2, 3), appName: "long" })
}

/** Carries an image until the sender knows how it ended. */
const carry = (
  way: Way,
  rig: LoaderRig,
  image: Uint8Array,
  {
    cutAtMillis = Number.POSITIVE_INFINITY,
    faults = perfect,
    seed = 1
  }: {
    readonly faults?: Faults
    readonly seed?: number
    readonly cutAtMillis?: number
  } = {}
): Ended => {
  const results: Array<Ended> = []
  const carriage = way.carry(rig, image, { faults, random: seeded(seed, way.name) }, (result) => results.push(result))
  if (Number.isFinite(cutAtMillis)) rig.time.schedule(cutAtMillis, carriage.cut)
  while (results.length === 0 && rig.time.now < longMillis && rig.time.pending > 0) rig.time.step()
  // What is still on its way must change nothing.
  rig.time.advance(100)
  carriage.close()
  const [result] = results
  if (result === undefined) throw new Error(`no end after ${rig.time.now} ms`)
  assert.strictEqual(results.length, 1)
  return result
}

for (const way of ways) {
  describe(`an image over ${way.name}`, () => {
    it("becomes a program, and all events come in order", () => {
      const rig = new LoaderRig()
      const ended = carry(way, rig, goldenImage())
      assert.deepStrictEqual(ended, Result.succeed(1))
      assert.deepStrictEqual(rig.host.running, [[1, "gold full"]])
      assert.strictEqual(rig.last("provisioning.complete").data.file_crc32, goldenCrc32)
      assert.isUndefined(orderFault(rig.events))
    })

    for (let seed = 1; seed <= 5; seed++) {
      it(`comes through loss, repeats, delays and damage whole or not at all (seed ${seed})`, () => {
        const rig = new LoaderRig()
        const image = longImage(4000)
        const ended = carry(way, rig, image, { faults: way.faults, seed })
        assert.isTrue(Result.isSuccess(ended), `${JSON.stringify(ended)} ${rig.types.join(" ")}`)
        assert.deepStrictEqual(
          rig.host.running.map(([, name]) => name),
          ["long"]
        )
        assert.deepStrictEqual(rig.last("provisioning.complete").data.bytes_written, image.length)
        assert.isUndefined(orderFault(rig.events.filter(({ data }) => data.xfer === 1)))
      })
    }

    it("is refused at both ends when it is corrupt, and nothing stays reserved", () => {
      const rig = new LoaderRig()
      const image = goldenImage()
      image[0x70] = 0x77
      const ended = carry(way, rig, image)
      assert.strictEqual(Result.isFailure(ended) ? ended.failure.code : 0, 74)
      rig.time.advance(60_000)
      assert.deepStrictEqual(rig.host.free, roomOfBoard)
      assert.deepStrictEqual(rig.host.running, [])
    })

    it("is refused with what the board lacks", () => {
      const rig = new LoaderRig()
      rig.host.capabilities = 0
      const ended = carry(way, rig, goldenImage())
      assert.strictEqual(Result.isFailure(ended) ? ended.failure.code : 0, 95)
      rig.time.advance(60_000)
      assert.deepStrictEqual(rig.host.free, roomOfBoard)
    })

    it("leaves nothing behind when its sender falls silent on the way", () => {
      const rig = new LoaderRig()
      const image = longImage(40_000)
      const ended = carry(way, rig, image, { cutAtMillis: way.middleMillis })
      assert.isTrue(Result.isFailure(ended))
      rig.time.advance(60_000)
      assert.deepStrictEqual(rig.host.free, roomOfBoard)
      assert.deepStrictEqual(rig.host.running, [])
      assert.isUndefined(orderFault(rig.events.filter(({ data }) => data.xfer === 1)))
    })

    it("never becomes a program with a damaged byte, however bad the medium", () => {
      const image = longImage(3000)
      let judged = 0
      for (const bit of [1e-5, 1e-4, 4e-4]) {
        for (let seed = 1; seed <= 4; seed++) {
          const rig = new LoaderRig()
          carry(way, rig, image, { faults: { ...perfect, bit }, seed })
          const complete = rig.events.filter(({ type }) => type === "provisioning.complete")
          const isRefused = rig.events.some(({ type, data }) => type === "provisioning.error" && data.errno === 74)
          if (complete.length > 0 || isRefused) judged++
          assert.strictEqual(complete.length, rig.host.running.length)
          for (const [pid] of rig.host.running) {
            assert.strictEqual(rig.host.registrationOf(pid)?.fileCrc32, crc32(image))
          }
        }
      }
      // On a medium that lets nothing through there is nothing to find out.
      assert.isAbove(judged, 3)
    })
  })
}
