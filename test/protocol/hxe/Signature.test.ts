import { constants, createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { HxeImage } from "../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { ed25519Key, keyIdOf, signDetached, signHxe, verifyHxe } from "../../../src/protocol/hxe/Signature.ts"
import { readDetached } from "../../../src/protocol/hxe/SignatureSection.ts"
import { signedDigestOf } from "../../../src/protocol/hxe/SignedDigest.ts"
import { bytesOf, described, first, full, hexOf, smallest } from "./Golden.ts"
import { type Edit, edited, type RawSection, sealed, u16, u32, utf8, withSections } from "./RawImage.ts"
import {
  keyId,
  privateKey,
  privateKeyOf,
  publicKeyBytes,
  sectionOffset,
  signature,
  signed,
  signedDigest,
  signedSha256
} from "./Signed.ts"

const publicKey = ed25519Key(publicKeyBytes)
const trusted: ReadonlyMap<string, KeyObject> = new Map([[keyId, publicKey]])
const signer = { privateKey, securityVersion: 1 }

const read = (bytes: Uint8Array): HxeImage => Result.getOrThrow(readHxe(bytes))
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** What a board that demands a signature says of an image. */
const verdict = (bytes: Uint8Array, keys = trusted): string => {
  const image = readHxe(bytes)
  if (Result.isFailure(image)) return `${image.failure.code} ${image.failure.detail}`
  const { signature } = image.success
  const refused = verifyHxe(signature, signedDigestOf(bytes, signature), keys)
  return refused === undefined ? "genuine" : `${refused.code} ${refused.detail}`
}

describe("the golden signature", () => {
  it("is read, covers the known digest, and is genuine", () => {
    const image = read(signed)
    assert.deepStrictEqual(image.signature, {
      algorithm: 1,
      keyId,
      securityVersion: 1,
      signature,
      offset: sectionOffset + 16
    })
    assert.strictEqual(sha256(signed), signedSha256)
    assert.strictEqual(hexOf(signedDigestOf(signed, image.signature)), signedDigest)
    assert.strictEqual(verdict(signed), "genuine")
  })

  it("is made again byte for byte, also over another one", () => {
    const made = Result.getOrThrow(signHxe(full, signer))
    assert.strictEqual(hexOf(made), hexOf(signed))
    const other = Result.getOrThrow(signHxe(full, { privateKey: privateKeyOf(new Uint8Array(32)), securityVersion: 9 }))
    assert.notStrictEqual(hexOf(other), hexOf(signed))
    assert.strictEqual(hexOf(Result.getOrThrow(signHxe(other, signer))), hexOf(signed))
  })

  it("names its key by the first eight bytes of its hash", () => {
    assert.strictEqual(keyIdOf(publicKey), keyId)
    assert.strictEqual(keyIdOf(privateKey), keyId)
  })
})

describe("a flipped bit", () => {
  it("anywhere but in the CRC is refused, though the CRC is made right again", () => {
    const said = new Map<string, number>()
    for (let bit = 0; bit < signed.length * 8; bit++) {
      const at = bit >> 3
      if (at >= 0x1c && at < 0x20) continue
      const answer = verdict(sealed(edited(signed, [at, [(signed[at] ?? 0) ^ (1 << (bit & 7))]])))
      if (answer === "genuine") assert.fail(`bit ${bit & 7} of byte ${at} may be flipped`)
      const code = answer.split(" ", 1)[0] ?? ""
      said.set(code, (said.get(code) ?? 0) + 1)
    }
    // Malformed, a wrong signature, an unknown key, and no signature any more: each happens.
    assert.deepStrictEqual([...said.keys()].toSorted(), ["1", "126", "129", "74"])
    assert.strictEqual(said.get("126"), 64)
    assert.isAbove(said.get("129") ?? 0, 2000)
  })

  it("in the name is refused, which the CRC does not notice", () => {
    assert.strictEqual(verdict(edited(signed, [0x20, utf8("G")])), `129 key:${keyId}`)
  })
})

describe("signing", () => {
  const images: ReadonlyArray<readonly [name: string, bytes: Uint8Array]> = [
    ["without sections", smallest],
    ["with a manifest", described],
    ["with bytes behind its sections", sealed(Uint8Array.from([...full, 1, 2, 3]))],
    ["with a gap before its table", withSections([{ type: 99, count: 7, payload: utf8("xyz") }], { gap: 5 })],
    ["whose table was switched off", sealed(edited(full, [0x40, new Uint8Array(8)]))]
  ]
  for (const [name, bytes] of images)
    it(`an image ${name} leaves the rest of it as it was`, () => {
      const made = Result.getOrThrow(signHxe(bytes, { privateKey, securityVersion: 7 }))
      assert.strictEqual(verdict(made), "genuine")
      const before = read(bytes)
      const after = read(made)
      assert.strictEqual(made.length, bytes.length + 16 + 80)
      assert.strictEqual(after.signature?.securityVersion, 7)
      assert.deepStrictEqual(after.code, before.code)
      assert.deepStrictEqual(after.rodata, before.rodata)
      assert.deepStrictEqual(after.manifest, before.manifest)
      const { sections: rowsBefore, ...entriesBefore } = before.metadata
      const { sections: rowsAfter, ...entriesAfter } = after.metadata
      assert.deepStrictEqual(entriesAfter, entriesBefore)
      const moved = rowsBefore.map((row) => ({ ...row, offset: row.offset + 16 }))
      assert.deepStrictEqual(rowsAfter.slice(0, -1), moved)
      const tail = bytes.subarray(
        Math.max(96 + before.code.length + before.rodata.length, ...rowsBefore.map((row) => row.offset + row.size))
      )
      assert.strictEqual(hexOf(made.subarray(made.length - tail.length)), hexOf(tail))
    })

  it("is refused where it cannot be", () => {
    const { privateKey: foreign } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
    const rows = Array.from({ length: 64 }, (): RawSection => ({ type: 99, count: 0, payload: utf8("x") }))
    const detail = (bytes: Uint8Array, key = privateKey) =>
      Result.match(signHxe(bytes, { privateKey: key, securityVersion: 1 }), {
        onSuccess: () => "signed",
        onFailure: ({ code, detail }) => `${code} ${detail}`
      })
    assert.strictEqual(detail(first), "95 version_1")
    assert.strictEqual(detail(full, foreign), "95 key_type")
    assert.strictEqual(detail(withSections(rows)), "95 meta_count")
    assert.strictEqual(detail(withSections(rows.slice(1))), "signed")
    assert.strictEqual(detail(edited(full, [0x1c, [0]])), "74 crc_mismatch")
  })
})

describe("verifying", () => {
  it("tells an unsigned image, an unknown key and a wrong one apart", () => {
    assert.strictEqual(verdict(full), "1 unsigned")
    assert.strictEqual(verdict(signed, new Map()), `126 key:${keyId}`)
    const wrong = createPublicKey(privateKeyOf(new Uint8Array(32)))
    assert.strictEqual(verdict(signed, new Map([[keyId, wrong]])), `129 key:${keyId}`)
    const foreign = [generateKeyPairSync("ec", { namedCurve: "prime256v1" }), generateKeyPairSync("x25519")]
    for (const { publicKey } of foreign)
      assert.strictEqual(verdict(signed, new Map([[keyId, publicKey]])), `129 key:${keyId}`)
  })

  it("takes RSASSA-PSS with SHA-256 and a salt of 32 bytes", () => {
    const { privateKey: rsa, publicKey: rsaPublic } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    const id = keyIdOf(rsa)
    assert.strictEqual(id, sha256(rsaPublic.export({ format: "der", type: "spki" })).slice(0, 16))
    const head = [1, 2, ...u16(256), ...bytesOf(id), ...u32(3)]
    const empty = withSections([{ type: 0xf0, count: 1, payload: Uint8Array.from([...head, ...new Uint8Array(256)]) }])
    const message = Buffer.concat([
      utf8("HSX-HXE-SIG-v1\0"),
      createHash("sha256")
        .update(edited(empty, [0x1c, [0, 0, 0, 0]]))
        .digest()
    ])
    const made = sign("sha256", message, { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
    const bytes = sealed(edited(empty, [empty.length - 256, made]))
    assert.strictEqual(verdict(bytes, new Map([[id, rsaPublic]])), "genuine")
    assert.strictEqual(verdict(sealed(edited(bytes, [0x20, [0x4c]])), new Map([[id, rsaPublic]])), `129 key:${id}`)
    assert.strictEqual(verdict(bytes, new Map([[id, publicKey]])), `129 key:${id}`)
  })
})

describe("a signature section", () => {
  const payload = signed.subarray(sectionOffset)
  const section = (...edits: ReadonlyArray<Edit>): RawSection => ({
    type: 0xf0,
    count: 1,
    payload: edited(payload, ...edits)
  })
  const cases: ReadonlyArray<readonly [name: string, bytes: Uint8Array]> = [
    ["of another format", withSections([section([0, [2]])])],
    ["of another algorithm", withSections([section([1, [3]])])],
    ["of another length", withSections([section([2, u16(63)])])],
    [
      "of RSA without a signature",
      withSections([
        { ...section([1, [2]], [2, u16(0)]), payload: edited(payload, [1, [2]], [2, u16(0)]).subarray(0, 16) }
      ])
    ],
    ["that is cut off", withSections([{ ...section(), payload: payload.subarray(0, 15) }])],
    ["with bytes behind it", withSections([{ ...section(), payload: Uint8Array.from([...payload, 0]) }])],
    ["that counts two", withSections([{ ...section(), count: 2 }])],
    ["beside another", withSections([section(), section()])]
  ]
  for (const [name, bytes] of cases)
    it(`${name} is refused by a strict reader and not seen by an older one`, () => {
      assert.deepStrictEqual(readHxe(bytes), Result.fail({ code: 74, detail: "signature_section" }))
      assert.isUndefined(Result.getOrThrow(readHxe(bytes, { strict: false })).signature)
    })

  it("that lies in the program is not seen by an older reader", () => {
    const bytes = withSections([section()], { rodata: [...payload] })
    const moved = sealed(edited(bytes, [96 + 8 + 80 + 4, u32(96 + 8)]))
    assert.isDefined(Result.getOrThrow(readHxe(bytes, { strict: false })).signature)
    assert.isUndefined(Result.getOrThrow(readHxe(moved, { strict: false })).signature)
  })
})

describe("a signature beside its image", () => {
  const detached = Result.getOrThrow(signDetached(first, signer))

  it("has 80 bytes, and verifies for this image only", () => {
    assert.strictEqual(detached.length, 80)
    const found = Result.getOrThrow(readDetached(detached))
    assert.strictEqual(found.keyId, keyId)
    assert.strictEqual(found.securityVersion, 1)
    const digest = (bytes: Uint8Array) => signedDigestOf(bytes, found)
    assert.strictEqual(hexOf(digest(first)), sha256(edited(first, [0x1c, [0, 0, 0, 0]])))
    assert.isUndefined(verifyHxe(found, digest(first), trusted))
    const other = sealed(edited(first, [0x23, [8]]))
    assert.deepStrictEqual(verifyHxe(found, digest(other), trusted), { code: 129, detail: `key:${keyId}` })
  })

  it("is refused when it is malformed", () => {
    for (const bytes of [detached.subarray(0, 79), edited(detached, [0, [0]]), new Uint8Array()])
      assert.deepStrictEqual(readDetached(bytes), Result.fail("signature_file"))
  })

  it("is not made for version 2, nor with another key", () => {
    const { privateKey: foreign } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
    assert.deepStrictEqual(signDetached(full, signer), Result.fail({ code: 95, detail: "version_2" }))
    const refused = signDetached(first, { privateKey: foreign, securityVersion: 1 })
    assert.deepStrictEqual(refused, Result.fail({ code: 95, detail: "key_type" }))
  })
})
