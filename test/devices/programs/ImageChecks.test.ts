import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type ImageRules, judgeOffer, trustsAll } from "../../../devices/programs/ImageChecks.ts"
import type { ImageOffer } from "../../../src/protocol/frame/ImageFrames.ts"
import { imageKindBit } from "../../../src/protocol/image/ImageKind.ts"
import { encodeManifest, type Manifest } from "../../../src/protocol/image/Manifest.ts"
import { signManifest } from "../../../src/protocol/image/SignedManifest.ts"
import { newKeyPair, rawPublicKey, readPrivateKey } from "../../../src/protocol/image/SigningKey.ts"

const keyPair = () => {
  const key = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))
  return { key, raw: rawPublicKey(key) }
}
const mine = keyPair()
const strangers = keyPair()

const digest = "ab".repeat(32)

const manifestOf = (fields: Partial<Manifest> = {}): Manifest => ({
  v: 1,
  kind: "hxe",
  sha256: digest,
  size: 376,
  name: "motor",
  version: "1.2.0",
  secver: 3,
  ...fields
})

const bytesOf = (fields: Partial<Manifest> = {}): Uint8Array => Result.getOrThrow(encodeManifest(manifestOf(fields)))

const offerOf = (manifest: Uint8Array, fields: Partial<ImageOffer> = {}): ImageOffer => ({
  type: "image-offer",
  epoch: 5,
  xfer: 1,
  sha256: new Uint8Array(Buffer.from(digest, "hex")),
  size: 376,
  kind: 1,
  manifest,
  chunk: 256,
  window: 4,
  ...fields
})

const rules = (fields: Partial<ImageRules> = {}): ImageRules => ({
  profile: "sim-press",
  trust: { policy: "any", signers: [{ key: mine.raw }] },
  kinds: ["hxe"],
  imageBytesMax: 4096,
  capabilities: ["log", "mail"],
  versionOf: () => undefined,
  acceptedSecver: () => undefined,
  ...fields
})

const signed = (fields: Partial<Manifest> = {}) => signManifest(bytesOf(fields), mine.key)

const refusalOf = (offer: ImageOffer, fields: Partial<ImageRules> = {}) => {
  const judged = judgeOffer(offer, rules(fields))
  return Result.isFailure(judged) ? [judged.failure.code, judged.failure.detail?.split(" ")[0]] : "taken"
}

describe("an image that is offered", () => {
  it("is taken when a key the board trusts has signed it", () => {
    const judged = Result.getOrThrow(judgeOffer(offerOf(signed()), rules()))
    assert.deepStrictEqual([judged.manifest.name, judged.isSigned], ["motor", true])
  })

  it("is taken unsigned only where the board asks for no signature", () => {
    const bare = offerOf(bytesOf())
    assert.deepStrictEqual(refusalOf(bare), [1, "unsigned"])
    assert.isFalse(Result.getOrThrow(judgeOffer(bare, rules({ trust: trustsAll }))).isSigned)
  })

  it("is refused for a stranger's signature, a wrong one, and a key that may not sign such images", () => {
    assert.deepStrictEqual(refusalOf(offerOf(signManifest(bytesOf(), strangers.key)))[0], 126)
    const broken = signed().slice()
    broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1
    assert.deepStrictEqual(refusalOf(offerOf(broken))[0], 129)
    const signers = [{ key: mine.raw, kinds: imageKindBit("wasm") }]
    assert.deepStrictEqual(refusalOf(offerOf(signed()), { trust: { policy: "any", signers } })[0], 1)
    const disabled = [{ key: mine.raw, isEnabled: false }]
    assert.deepStrictEqual(refusalOf(offerOf(signed()), { trust: { policy: "any", signers: disabled } })[0], 128)
  })

  it("is refused below the security version that was accepted before", () => {
    assert.deepStrictEqual(refusalOf(offerOf(signed()), { acceptedSecver: () => 4 }), [1, "rollback:"])
    assert.strictEqual(refusalOf(offerOf(signed()), { acceptedSecver: () => 3 }), "taken")
  })

  it("is refused where the offer is of another image than its manifest", () => {
    assert.deepStrictEqual(refusalOf(offerOf(signed(), { sha256: new Uint8Array(32) }))[0], 74)
    assert.deepStrictEqual(refusalOf(offerOf(signed(), { size: 377 }))[0], 74)
    assert.deepStrictEqual(refusalOf(offerOf(signed({ kind: "wasm" })))[0], 74)
  })

  it("is refused for its kind and its size before anything else is looked at", () => {
    const nonsense = new Uint8Array(1)
    assert.deepStrictEqual(refusalOf(offerOf(nonsense, { kind: 2 })), [95, "kind:wasm"])
    assert.deepStrictEqual(refusalOf(offerOf(nonsense, { kind: 77 })), [95, "kind:77"])
    assert.deepStrictEqual(refusalOf(offerOf(nonsense, { size: 5000 })), [28, "size:5000/4096"])
    assert.deepStrictEqual(refusalOf(offerOf(nonsense))[0], 74)
  })

  it("is refused where it is for other boards, or wants what this one does not give", () => {
    const profiles = (...globs: ReadonlyArray<string>) => offerOf(signed({ requires: { profiles: globs } }))
    for (const glob of ["sim-press", "sim-*", "*", "*press", "s*-pr*s", "*sim-press*"]) {
      assert.strictEqual(refusalOf(profiles("mps2-*", glob)), "taken", glob)
    }
    for (const glob of ["sim", "sim-press-*", "*sim", "s*x*s", "sim-pressim-press", "sim-press*sim-press"]) {
      assert.deepStrictEqual(refusalOf(profiles(glob)), [95, "profile:sim-press"], glob)
    }
    assert.strictEqual(refusalOf(offerOf(signed({ requires: { caps: ["log"] } }))), "taken")
    assert.deepStrictEqual(refusalOf(offerOf(signed({ requires: { caps: ["log", "bus"] } }))), [95, "caps:bus"])
  })

  it("is refused while what it depends on is not there, or of another version", () => {
    const depends = (...list: NonNullable<Manifest["depends"]>) => offerOf(signed({ depends: list }))
    const there = (version: string | undefined) => ({
      versionOf: (name: string) => (name === "base" ? version : undefined)
    })
    const base = { name: "base", range: "^1.2" }
    assert.strictEqual(refusalOf(depends(base), there("1.4.0")), "taken")
    assert.strictEqual(refusalOf(depends({ name: "base" }), there("")), "taken")
    assert.deepStrictEqual(refusalOf(depends(base), there(undefined)), [95, "depends:base"])
    assert.deepStrictEqual(refusalOf(depends(base), there("2.0.0")), [95, "depends:base@^1.2/2.0.0"])
    assert.deepStrictEqual(refusalOf(depends(base), there("")), [95, "depends:base@^1.2/unknown"])
    assert.deepStrictEqual(refusalOf(depends(base, { name: "more" }), there("1.2.0")), [95, "depends:more"])
    assert.strictEqual(refusalOf(depends({ name: "more", optional: true }), there("1.2.0")), "taken")
    assert.deepStrictEqual(refusalOf(depends({ ...base, optional: true }), there("2.0.0")), [
      95,
      "depends:base@^1.2/2.0.0"
    ])
    assert.deepStrictEqual(refusalOf(depends({ name: "base", range: "new" }), there("1.2.0")), [22, "depends.base:"])
  })
})
