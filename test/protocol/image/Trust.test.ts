import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { sign1 } from "../../../src/protocol/image/Cose.ts"
import { imageKindBit } from "../../../src/protocol/image/ImageKind.ts"
import { encodeManifest, type Manifest } from "../../../src/protocol/image/Manifest.ts"
import { readTravelling, signManifest } from "../../../src/protocol/image/SignedManifest.ts"
import {
  keyIdText,
  newKeyPair,
  publicKeyOf,
  rawPublicKey,
  readPrivateKey,
  readPublicKey
} from "../../../src/protocol/image/SigningKey.ts"
import { judgeBytes, type TrustOptions } from "../../../src/protocol/image/Trust.ts"

/** RFC 8032, section 7.1, test 1. */
const secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
const publicHex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
const privateKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${secret}`, "hex"),
  format: "der",
  type: "pkcs8"
})
const key = new Uint8Array(Buffer.from(publicHex, "hex"))
const kid = keyIdText(key)

/** Made with another implementation of CBOR and of Ed25519. */
const vector = [
  "d2845837a3013203781f6170706c69636174696f6e2f686f6c6f6e2d6d616e69666573742b63626f720450866eefbd6718c8",
  "846cd7ddfe43fc74aba05840a701010201035820abababababababababababababababababababababababababababababab",
  "abab041901780569676f6c642066756c6c0665312e302e3007025840f2c14f0c7566f3772588cde5fbec1bae7f688342685b",
  "1f986dbb87c7ab7b811f8024e424e88a55ef3e3df66b37a68e7f0b338ac58004ee2c23a930f90cdc7409"
].join("")

const stranger = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))

const manifest: Manifest = {
  v: 1,
  kind: "hxe",
  sha256: "ab".repeat(32),
  size: 376,
  name: "gold full",
  version: "1.0.0",
  secver: 2
}
const payload = Result.getOrThrow(encodeManifest(manifest))
const signed = signManifest(payload, privateKey)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Where the protected header ends: tag, list, and a string of 55 bytes. */
const headerEnd = 4 + 55

/** The message with this byte for its algorithm, signed anew. */
const withAlgorithm = (algorithm: number): Uint8Array => {
  const changed = new Uint8Array(signed)
  const at = textOf(changed).indexOf("a30132") / 2 + 2
  changed[at] = algorithm
  return resigned(changed, "holon-image/1")
}

/** Puts the right signature over what the message says into it. */
const resigned = (message: Uint8Array, externalData: string): Uint8Array => {
  const structure = Buffer.concat([
    Buffer.from("846a5369676e617475726531", "hex"),
    // Protected header, then external data, then payload: the heads of the outer two stand in the message.
    message.subarray(2, headerEnd),
    Buffer.from([0x40 | externalData.length]),
    Buffer.from(externalData),
    message.subarray(headerEnd + 1, -66)
  ])
  message.set(sign(null, structure, privateKey), message.length - 64)
  return message
}

const signedAs = (contentType: string, externalData: string): Uint8Array =>
  sign1(payload, privateKey, { contentType, externalData })

const { publicKey: curve } = generateKeyPairSync("ec", { namedCurve: "P-256" })
const ecKey = curve.export({ format: "pem", type: "spki" }).toString()

const judged = (bytes: Uint8Array, options: Partial<TrustOptions> = {}) =>
  judgeBytes(bytes, { policy: "any", signers: [{ key }], ...options })
const codeOf = (bytes: Uint8Array, options: Partial<TrustOptions> = {}): number =>
  Result.match(judged(bytes, options), { onFailure: ({ code }) => code, onSuccess: () => codes.ok })

describe("a signed manifest", () => {
  it("is a tagged COSE_Sign1 with three protected headers and none beside them", () => {
    const contentType = Buffer.from("application/holon-manifest+cbor").toString("hex")
    const protectedHeader = `a3013203781f${contentType}0450${kid}`
    const expected = `d284${`58${(protectedHeader.length / 2).toString(16)}`}${protectedHeader}a058${payload.length.toString(16)}${textOf(payload)}5840`
    assert.strictEqual(textOf(signed).slice(0, -128), expected)
  })

  it("is byte for byte what an implementation in another language makes", () => {
    assert.strictEqual(textOf(signed), vector)
    assert.strictEqual(kid, "866eefbd6718c8846cd7ddfe43fc74ab")
  })

  it("carries the signature that another signer makes over the same structure", () => {
    const text = (value: string) => {
      const bytes = Buffer.from(value)
      return [bytes.length < 24 ? Buffer.from([0x60 | bytes.length]) : Buffer.from([0x78, bytes.length]), bytes]
    }
    const bytes = (value: Uint8Array) => [
      value.length < 24 ? Buffer.from([0x40 | value.length]) : Buffer.from([0x58, value.length]),
      value
    ]
    const header = Buffer.concat([
      Buffer.from("a3013203", "hex"),
      ...text("application/holon-manifest+cbor"),
      Buffer.from(`0450${kid}`, "hex")
    ])
    const structure = Buffer.concat([
      Buffer.from([0x84]),
      ...text("Signature1"),
      ...bytes(header),
      ...bytes(Buffer.from("holon-image/1")),
      ...bytes(payload)
    ])
    assert.strictEqual(textOf(signed).slice(-128), sign(null, structure, privateKey).toString("hex"))
  })

  it("names its key by the hash of the key's COSE form", () => {
    const cose = `a301012006215820${publicHex}`
    const digest = createHash("sha256").update(Buffer.from(cose, "hex")).digest("hex")
    assert.strictEqual(kid, digest.slice(0, 32))
  })

  it("is taken with the tag, without it, and with the older name of the algorithm", () => {
    assert.deepStrictEqual(judged(signed), Result.succeed({ manifest, signer: kid }))
    assert.deepStrictEqual(judged(signed.subarray(1)), Result.succeed({ manifest, signer: kid }))
    assert.strictEqual(codeOf(withAlgorithm(0x27)), codes.ok)
    assert.strictEqual(codeOf(withAlgorithm(0x26)), codes.EBADMSG)
  })

  it("is refused wherever a bit of it is changed", () => {
    for (let at = 0; at < signed.length; at++) {
      const changed = new Uint8Array(signed)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.notStrictEqual(codeOf(changed), codes.ok, `byte ${at}`)
    }
    const tampered = new Uint8Array(signed)
    // The last byte of the payload is the security version.
    const at = signed.length - 67
    assert.strictEqual(tampered[at], 2)
    tampered[at] = 3
    assert.strictEqual(codeOf(tampered), codes.EKEYREJECTED)
  })

  it("is refused when it was signed as something else", () => {
    assert.strictEqual(codeOf(signedAs("application/amcp+cbor", "holon-image/1")), codes.EBADMSG)
    assert.strictEqual(codeOf(signedAs("application/holon-manifest+cbor", "amcp/1")), codes.EKEYREJECTED)
  })

  it("is refused beyond its size before anything of it is read", () => {
    const refusal = Result.getOrThrow(Result.flip(readTravelling(new Uint8Array(5000))))
    assert.strictEqual(refusal.code, codes.EMSGSIZE)
  })
})

describe("the judgement of a manifest", () => {
  it("wants a signature under every policy but none", () => {
    assert.strictEqual(codeOf(payload), codes.EPERM)
    assert.strictEqual(codeOf(payload, { policy: [kid] }), codes.EPERM)
    assert.deepStrictEqual(judged(payload, { policy: "none" }), Result.succeed({ manifest, signer: undefined }))
  })

  it("does not know a key that is not trusted, or not on the list", () => {
    const foreign = signManifest(payload, stranger)
    assert.strictEqual(codeOf(foreign), codes.ENOKEY)
    assert.strictEqual(codeOf(signed, { policy: ["00".repeat(16)] }), codes.ENOKEY)
    assert.strictEqual(codeOf(signed, { policy: [kid] }), codes.ok)
    assert.deepStrictEqual(
      judged(foreign, { policy: "none" }),
      Result.succeed({ manifest, signer: undefined }),
      "nobody asked whose it is"
    )
  })

  it("rejects a wrong signature of a known key under every policy", () => {
    const forged = new Uint8Array(signed)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    for (const policy of ["none", "any", [kid]] as const)
      assert.strictEqual(codeOf(forged, { policy }), codes.EKEYREJECTED)
  })

  it("refuses a key that is disabled, and one that may not sign this kind", () => {
    assert.strictEqual(codeOf(signed, { signers: [{ key, isEnabled: false }] }), codes.EKEYREVOKED)
    assert.strictEqual(codeOf(signed, { signers: [{ key, kinds: imageKindBit("firmware") }] }), codes.EPERM)
    assert.strictEqual(codeOf(signed, { signers: [{ key, kinds: imageKindBit("hxe") }] }), codes.ok)
  })

  it("does not go back below the security version accepted before, unless it is told to", () => {
    const acceptedSecver = (kind: string, name: string) => (kind === "hxe" && name === "gold full" ? 3 : undefined)
    const refusal = Result.getOrThrow(Result.flip(judged(signed, { acceptedSecver })))
    assert.deepStrictEqual(refusal, {
      code: codes.EPERM,
      detail: "rollback: security version 2, 3 was accepted before"
    })
    assert.strictEqual(codeOf(signed, { acceptedSecver, mayGoBack: true }), codes.ok)
    assert.strictEqual(codeOf(signed, { acceptedSecver: () => 2 }), codes.ok)
  })
})

describe("a signing key", () => {
  it("is read back from its PEM form, the public half from either", () => {
    const pair = newKeyPair()
    const own = rawPublicKey(Result.getOrThrow(readPrivateKey(pair.privatePem)))
    assert.deepStrictEqual(rawPublicKey(Result.getOrThrow(readPublicKey(pair.publicPem))), own)
    assert.deepStrictEqual(rawPublicKey(Result.getOrThrow(readPublicKey(pair.privatePem))), own)
    assert.deepStrictEqual(rawPublicKey(publicKeyOf(own)), own)
    assert.deepStrictEqual(rawPublicKey(privateKey), key)
  })

  it("is refused when it is no Ed25519 key or no key at all", () => {
    assert.isTrue(Result.isFailure(readPrivateKey("nonsense")))
    assert.deepStrictEqual(readPublicKey(ecKey), Result.fail("it is no Ed25519 key"))
  })
})
