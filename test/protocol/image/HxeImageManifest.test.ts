import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { manifestOfHxe } from "../../../src/protocol/image/HxeImageManifest.ts"
import { described, first, full } from "../hxe/Golden.ts"

describe("the manifest of an HXE image", () => {
  it("says what header and address say", () => {
    assert.deepStrictEqual(
      manifestOfHxe(full),
      Result.succeed({
        v: 1,
        kind: "hxe",
        sha256: "9fd7fda255d11474a5f73e310f11f5a78755f1a2e92a587c07ada7e644a9221a",
        size: 376,
        name: "gold full",
        version: "0.0.0",
        secver: 0,
        requires: { hxeCaps: 0x43 },
        start: { multiple: true }
      })
    )
  })

  it("takes version, stack and capabilities from the image's own manifest, and the rest from who pushes it", () => {
    const manifest = Result.getOrThrow(manifestOfHxe(described, { secver: 7, about: { author: "x" }, created: 5 }))
    assert.deepInclude(manifest, {
      size: 467,
      version: "1.0.0",
      secver: 7,
      requires: { stack: 1024, hxeCaps: 67 },
      about: { author: "x" },
      created: 5
    })
    assert.strictEqual(Result.getOrThrow(manifestOfHxe(described, { version: "2.0.0-rc.1" })).version, "2.0.0-rc.1")
  })

  it("needs a name for an image without one, and refuses a second name for one that has it", () => {
    const nameless = Result.getOrThrow(Result.flip(manifestOfHxe(first)))
    assert.deepStrictEqual(nameless, { code: codes.EINVAL, detail: "the image has no name of its own; give it one" })
    assert.strictEqual(Result.getOrThrow(manifestOfHxe(first, { name: "first" })).name, "first")
    const renamed = Result.getOrThrow(Result.flip(manifestOfHxe(full, { name: "other" })))
    assert.include(renamed.detail, "named gold full by its header, not other")
  })

  it("is not made of a damaged image, or with a version that is none", () => {
    const damaged = new Uint8Array(full)
    damaged[0x62] = 1
    assert.deepStrictEqual(manifestOfHxe(damaged), Result.fail({ code: codes.EBADMSG, detail: "crc_mismatch" }))
    assert.isTrue(Result.isFailure(manifestOfHxe(full, { version: "one" })))
  })
})
