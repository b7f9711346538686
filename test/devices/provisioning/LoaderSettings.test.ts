import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type LoaderSettings, loaderDefaults } from "../../../devices/provisioning/LoaderSettings.ts"
import type { ProvisioningEvent } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { goldenImage } from "./GoldenImage.ts"
import { done, LoaderRig, user } from "./LoaderRig.ts"

const nothing = new Uint8Array(0)

/** Its name has no end, which strict readers refuse; its checksum does not cover it. */
const looseImage = goldenImage().fill(0x61, 0x20, 0x40)

const isProgress = (event: ProvisioningEvent): event is Extract<ProvisioningEvent, { type: "provisioning.progress" }> =>
  event.type === "provisioning.progress"

const hasFailed = ({ types }: LoaderRig): boolean => types.includes("error")

/** Lets time go by, a tenth of a second at a time; says how much of it, ms. */
const millisUntil = (rig: LoaderRig, isSo: () => boolean, meanwhile: () => void = () => {}): number => {
  for (let millis = 0; millis <= 600_000; millis += 100) {
    if (isSo()) return millis
    meanwhile()
    rig.time.advance(100)
  }
  throw new Error("never")
}

const begun = (rig: LoaderRig, image: Uint8Array, totalBytes?: number): number => {
  const xfer = rig.begin(totalBytes === undefined ? {} : { totalBytes })
  if (image.length > 0) rig.loader.write({ xfer }, { seq: 0, data: image }, user)
  return xfer
}

/** How often progress is told of an image that comes a byte every 20 ms. */
const progressOf = (rig: LoaderRig): number => {
  const image = goldenImage()
  const xfer = rig.begin({ totalBytes: image.length })
  for (const [seq, byte] of image.entries()) {
    rig.time.advance(20)
    done(rig.loader.write({ xfer }, { seq, data: Uint8Array.of(byte) }, user))
  }
  return rig.events.filter(isProgress).length
}

/** What can be seen of each setting from outside. */
const seen: { readonly [Key in keyof LoaderSettings]: (rig: LoaderRig) => unknown } = {
  chunkBytesMax: (rig) => done(rig.loader.begin({ source: source.stream("test") }, user)).chunkBytesMax,
  writeTimeoutMillis: (rig) => {
    rig.begin()
    return millisUntil(rig, () => hasFailed(rig))
  },
  totalTimeoutMillis: (rig) => {
    const xfer = rig.begin()
    const keepAlive = (): void => void rig.loader.write({ xfer }, { seq: 0, data: nothing }, user)
    return millisUntil(rig, () => hasFailed(rig), keepAlive)
  },
  verifyTimeoutMillis: (rig) => {
    rig.host.prepare = () => {}
    const xfer = begun(rig, goldenImage())
    rig.loader.end({ xfer }, {}, user, () => {})
    return millisUntil(rig, () => hasFailed(rig))
  },
  stallWarnPercent: (rig) => {
    begun(rig, goldenImage().subarray(0, 50))
    return millisUntil(rig, () => rig.events.some((event) => isProgress(event) && event.data.stalled))
  },
  gapsMax: (rig) => {
    const xfer = rig.begin()
    let gaps = 0
    for (; !hasFailed(rig); gaps++) rig.loader.write({ xfer }, { seq: 9, data: Uint8Array.of(1) }, user)
    return gaps
  },
  transfersMax: (rig) => {
    let transfers = 0
    while (Result.isSuccess(rig.loader.begin({ source: source.stream(`from ${transfers}`) }, user))) transfers++
    return transfers
  },
  imageBytesMax: (rig) => Result.isSuccess(rig.load(goldenImage())),
  progressHertz: progressOf,
  progressPercentMin: progressOf,
  failedLingerMillis: (rig) => {
    const xfer = begun(rig, new Uint8Array(32))
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "FAILED")
    return millisUntil(rig, () => {
      const status = rig.loader.status({ xfer })
      return Result.isFailure(status) || status.success.state !== "FAILED"
    })
  },
  recordMillis: (rig) => {
    const xfer = begun(rig, goldenImage())
    done(rig.end(xfer))
    return millisUntil(rig, () => Result.isFailure(rig.loader.status({ xfer })))
  },
  strict: (rig) => Result.isSuccess(rig.load(looseImage)),
  autostart: (rig) => rig.host.registrationOf(done(rig.load(goldenImage())).pid)?.autostart,
  trust: (rig) => Result.isSuccess(rig.load(goldenImage()))
}

/** What is seen by default, another value, and what is seen then. */
const others: {
  readonly [Key in keyof LoaderSettings]: readonly [byDefault: unknown, value: LoaderSettings[Key], then: unknown]
} = {
  chunkBytesMax: [4096, 64, 64],
  writeTimeoutMillis: [5000, 1200, 1200],
  totalTimeoutMillis: [120_000, 30_000, 30_000],
  verifyTimeoutMillis: [10_000, 700, 700],
  stallWarnPercent: [2500, 80, 4000],
  gapsMax: [17, 3, 4],
  transfersMax: [4, 2, 2],
  imageBytesMax: [true, 375, false],
  progressHertz: [75, 2, 15],
  progressPercentMin: [75, 25, 4],
  failedLingerMillis: [30_000, 900, 900],
  recordMillis: [30_000, 900, 900],
  strict: [false, false, true],
  autostart: [true, false, false],
  trust: [true, { policy: "any", keys: [generateKeyPairSync("ed25519").publicKey] }, false]
}

const keys = Object.keys(loaderDefaults) as ReadonlyArray<keyof LoaderSettings>

describe("a provisioning service", () => {
  it("answers as soon as it is there", () => {
    const rig = new LoaderRig()
    assert.deepStrictEqual([rig.loader.transfers, rig.events], [[], []])
  })

  for (const key of keys) {
    it(`has a ${key} that a board may set`, () => {
      const [byDefault, value, then] = others[key]
      assert.strictEqual(seen[key](new LoaderRig()), byDefault)
      assert.strictEqual(seen[key](new LoaderRig({ [key]: value })), then)
    })
  }
})
