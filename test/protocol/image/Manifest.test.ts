import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { indeterminacyOf } from "../../../src/protocol/image/Deterministic.ts"
import type { ImageRefused } from "../../../src/protocol/image/ImageRefused.ts"
import { decodeManifest, encodeManifest, Manifest, manifestBytesMax } from "../../../src/protocol/image/Manifest.ts"

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"))
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const digits = "ab".repeat(32)
const least: Manifest = { v: 1, kind: "hxe", sha256: digits, size: 376, name: "gold full", version: "1.0.0", secver: 2 }
const leastHex = `a7 01 01 02 01 03 5820 ${digits} 04 190178 05 69 676f6c642066756c6c 06 65 312e302e30 07 02`

const full: Manifest = {
  ...least,
  kind: "wasm",
  entry: "_start",
  requires: {
    caps: ["mail", "gpio"],
    ram: 65_536,
    storage: 1,
    stack: 2,
    heap: 3,
    profiles: ["sim-*"],
    runtime: "1.0",
    hxeCaps: 0xffff_ffff,
    compat: "1.2.0"
  },
  limits: { fuel: 10_000, time: 0, memory: 4096, share: 0.25 },
  restart: { policy: "unless-stopped", max: 3, window: 600_000, backoff: 1000 },
  start: { auto: true, multiple: false, priority: 100, required: true, args: ["-v"], env: { LONGER: "b", A: "é" } },
  values: { "2:1": 12.5, a: { deep: [1, "x", true] } },
  confirm: 30_000,
  about: { author: "somebody", description: "shows all fields" },
  created: 1_790_000_000_000,
  depends: [{ name: "base", range: "^1.2", optional: true }]
}

const encoded = (manifest: Manifest): Uint8Array => Result.getOrThrow(encodeManifest(manifest))
const refusalOf = (bytes: Uint8Array): ImageRefused => Result.getOrThrow(Result.flip(decodeManifest(bytes)))

describe("a manifest", () => {
  it("stands in the bytes that its keys and values have in deterministic CBOR", () => {
    assert.strictEqual(textOf(encoded(least)), leastHex.replaceAll(" ", ""))
    assert.deepStrictEqual(decodeManifest(hex(leastHex)), Result.succeed(least))
  })

  it("keeps every field over CBOR and over JSON", () => {
    assert.deepStrictEqual(Result.getOrThrow(decodeManifest(encoded(full))), full)
    const json: unknown = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(Manifest)(full)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Manifest)(json), full)
    assert.isUndefined(indeterminacyOf(encoded(full)))
  })

  it("orders the keys of its maps by their bytes, the shorter first", () => {
    assert.include(textOf(encoded(full)), `06a2${textOf(Buffer.from("aA"))}62c3a9${textOf(Buffer.from("fLONGERab"))}`)
  })

  it("keeps fields that a later version may add, at the top and within", () => {
    const later: Manifest = {
      ...least,
      limits: { fuel: 1, unknown: { "9": "f5" } },
      unknown: { "18": "83010203", "24": "a2616101616202" }
    }
    const bytes = encoded(later)
    assert.include(textOf(bytes), "0702 0a a2 0101 09f5 12 83010203 1818 a2616101616202".replaceAll(" ", ""))
    assert.deepStrictEqual(Result.getOrThrow(decodeManifest(bytes)), later)
  })

  it("is refused beyond 4 KiB, whoever writes it", () => {
    const wide = { ...least, about: { text: "x".repeat(manifestBytesMax) } }
    assert.strictEqual(Result.getOrThrow(Result.flip(encodeManifest(wide))).code, codes.EMSGSIZE)
    assert.deepStrictEqual(refusalOf(new Uint8Array(manifestBytesMax + 1)), {
      code: codes.EMSGSIZE,
      detail: "a manifest of 4097 bytes, the limit is 4096"
    })
  })

  it("is refused when its bytes have another spelling", () => {
    const spellings: ReadonlyArray<readonly [bytes: string, detail: string]> = [
      [leastHex.replace("04 190178", "04 1a00000178"), "manifest: a head that is too long"],
      [leastHex.replace("01 01 02 01", "02 01 01 01"), "manifest: keys out of order"],
      [leastHex.replace("01 01 02 01", "01 01 01 01"), "manifest: key twice"],
      [`${leastHex} 00`, "manifest: bytes after the item"],
      [`${leastHex.replace("a7", "a8")}0a a1 04 fb3fd0000000000000`, "manifest: a float that is too wide"],
      [leastHex.slice(0, -3), "manifest: cut short"]
    ]
    for (const [bytes, detail] of spellings)
      assert.deepStrictEqual(refusalOf(hex(bytes)), { code: codes.EBADMSG, detail })
  })

  it("is refused when a field is missing or wrong, with its name", () => {
    const wrong: ReadonlyArray<readonly [bytes: string, detail: string]> = [
      [leastHex.replace("a7", "a6").replace("07 02", ""), "manifest.secver: missing"],
      [leastHex.replace("01 01 02 01", "01 02 02 01"), "manifest.v: not within 1…1"],
      [leastHex.replace("01 01 02 01", "01 01 02 05"), "manifest.kind: 5 has no meaning here"],
      [leastHex.replace("5820", "581f").replace(`${digits}`, digits.slice(2)), "manifest.sha256: not 32 bytes"],
      [leastHex.replace("312e302e30", "312e302e78"), "manifest.version: does not match"],
      [leastHex.replace("65 312e302e30", "05"), "manifest.version: not text"],
      [`${leastHex.replace("a7", "a8")}0b a1 01 04`, "manifest.restart.policy: 4 has no meaning here"],
      [`${leastHex.replace("a7", "a8")}0a a1 04 02`, "manifest.limits.share: not within 0…1"],
      [`${leastHex.replace("a7", "a8")}11 81 a1 02 61 78`, "manifest.depends.0.name: missing"],
      ["80", "manifest: not a map"],
      ["a1 20 01", "manifest: a key that is not an unsigned integer"]
    ]
    for (const [bytes, detail] of wrong) {
      const refusal = refusalOf(hex(bytes))
      assert.strictEqual(refusal.code, codes.EBADMSG)
      assert.isTrue(refusal.detail.startsWith(detail), `${refusal.detail}, not ${detail}`)
    }
  })

  it("is refused in JSON when a field is wrong or nobody knows it", () => {
    const decode = Schema.decodeUnknownResult(Manifest, { onExcessProperty: "error" })
    const json: ReadonlyArray<object> = [
      { ...least, kind: "exe" },
      { ...least, version: "1.0" },
      { ...least, name: "" },
      { ...least, name: "n".repeat(32) },
      { ...least, secver: -1 },
      { ...least, sha256: digits.toUpperCase() },
      { ...least, comment: "x" },
      { ...least, unknown: { "018": "00" } },
      { ...least, unknown: { "18": "0" } }
    ]
    for (const value of json) assert.isTrue(Result.isFailure(decode(value)), JSON.stringify(value))
    assert.isTrue(Result.isSuccess(decode(least)))
  })

  it("is not written with text that UTF-8 cannot say, or unknown bytes that are no CBOR", () => {
    assert.strictEqual(
      Result.getOrThrow(Result.flip(encodeManifest({ ...least, about: { a: "\ud800" } }))).code,
      codes.EINVAL
    )
    assert.strictEqual(
      Result.getOrThrow(Result.flip(encodeManifest({ ...least, unknown: { "18": "8301" } }))).code,
      codes.EBADMSG
    )
  })

  it("never throws on bytes that somebody changed", () => {
    const bytes = encoded(full)
    for (let at = 0; at < bytes.length; at++)
      for (const flip of [0x01, 0x20, 0x80, 0xff]) {
        const changed = new Uint8Array(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        const read = decodeManifest(changed)
        // There is no second spelling of the same manifest.
        if (Result.isSuccess(read)) assert.notDeepEqual(read.success, full)
      }
  })
})
