import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { SignatureTrust } from "../../../devices/provisioning/SignaturePolicy.ts"
import { writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { keyIdOf, signDetached, signHxe } from "../../../src/protocol/hxe/Signature.ts"
import { goldenImage } from "./GoldenImage.ts"
import { admin, done, LoaderRig, refusedAs, user } from "./LoaderRig.ts"

const known = generateKeyPairSync("ed25519")
const unknown = generateKeyPairSync("ed25519")

const signed = (privateKey: KeyObject, securityVersion = 1): Uint8Array =>
  done(signHxe(goldenImage(), { privateKey, securityVersion }))

/** The signature over other bytes than these. */
const tampered = (): Uint8Array => {
  const bytes = signed(known.privateKey)
  // The name is not covered by the checksum, only by the signature.
  bytes[0x20] = 0x47
  return bytes
}

const rigWith = (trust: Partial<SignatureTrust>): LoaderRig =>
  new LoaderRig({ trust: { policy: "any", keys: [known.publicKey], ...trust } })

const outcome = (rig: LoaderRig, bytes: Uint8Array): readonly [number, string] => {
  const whole = rig.load(bytes)
  const loaded = Result.isSuccess(whole) ? ([0, ""] as const) : refusedAs(whole)
  // A stream ends as a whole file does.
  const xfer = rig.begin()
  rig.stream(xfer, bytes, 100)
  const streamed = rig.end(xfer)
  assert.deepStrictEqual(Result.isSuccess(streamed) ? ([0, ""] as const) : refusedAs(streamed), loaded)
  for (const [pid] of rig.host.running) rig.host.kill(pid)
  return loaded
}

describe("a policy on signatures", () => {
  it("that asks for none takes unsigned and unknown images, and refuses a wrong signature", () => {
    const rig = rigWith({ policy: "none" })
    assert.deepStrictEqual(outcome(rig, goldenImage()), [0, ""])
    assert.deepStrictEqual(outcome(rig, signed(unknown.privateKey)), [0, ""])
    assert.strictEqual(outcome(rig, tampered())[0], 129)
  })

  it("that asks for any takes only what a trusted key has signed", () => {
    const rig = rigWith({})
    assert.deepStrictEqual(outcome(rig, goldenImage()), [1, "unsigned"])
    assert.strictEqual(outcome(rig, signed(unknown.privateKey))[0], 126)
    assert.strictEqual(outcome(rig, tampered())[0], 129)
    assert.deepStrictEqual(outcome(rig, signed(known.privateKey)), [0, ""])
    assert.isTrue(rig.last("provisioning.complete").data.signed)
  })

  it("that names keys takes no other, though it is trusted", () => {
    const keys = [known.publicKey, unknown.publicKey]
    const rig = rigWith({ policy: [keyIdOf(known.publicKey)], keys })
    assert.strictEqual(outcome(rig, signed(unknown.privateKey))[0], 126)
    assert.deepStrictEqual(outcome(rig, signed(known.privateKey)), [0, ""])
  })

  it("keeps older security versions out, but for a factory", () => {
    const highest = new Map<string, number>()
    const versions = {
      highestOf: (appName: string) => highest.get(appName) ?? 0,
      accept: (appName: string, version: number) => highest.set(appName, version)
    }
    const rig = rigWith({ versions })
    done(rig.load(signed(known.privateKey, 5)))
    assert.strictEqual(highest.get("gold full"), 5)
    assert.deepStrictEqual(refusedAs(rig.load(signed(known.privateKey, 4), {}, admin)), [1, "rollback"])
    done(rig.load(signed(known.privateKey, 4), {}, { id: "factory", level: 3 }))
    assert.strictEqual(highest.get("gold full"), 5)
  })

  it("reads the signature beside an image that has no room for one", () => {
    const bytes = writeHxe({ version: 1, entry: 0, code: new Uint8Array(8), rodata: new Uint8Array(0) })
    const detachedSignature = done(signDetached(bytes, { privateKey: known.privateKey, securityVersion: 1 }))
    const rig = rigWith({})
    assert.deepStrictEqual(refusedAs(rig.load(bytes)), [1, "unsigned"])
    done(rig.load(bytes, { detachedSignature }))
    assert.strictEqual(refusedAs(rig.load(bytes, { detachedSignature: detachedSignature.subarray(1) }))[0], 74)
    const xfer = rig.begin()
    rig.stream(xfer, bytes, 10)
    assert.strictEqual(done(rig.end(xfer, { detachedSignature }, user)).state, "READY")
  })

  it("takes the key of the known image", () => {
    const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex")
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed])
    const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    assert.strictEqual(keyIdOf(privateKey), "21fe31dfa154a261")
    const rig = rigWith({ policy: ["21fe31dfa154a261"], keys: [createPublicKey(privateKey)] })
    const reply = done(rig.load(signed(privateKey)))
    assert.strictEqual(reply.hxeCrc32, 0x3b00c34b)
  })
})
