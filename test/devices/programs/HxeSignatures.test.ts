import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { hxeTrustOf, signatureRefusal } from "../../../devices/programs/HxeSignatures.ts"
import type { BoardTrust } from "../../../devices/programs/ImageChecks.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { signHxe } from "../../../src/protocol/hxe/Signature.ts"
import { signedDigestOf } from "../../../src/protocol/hxe/SignedDigest.ts"
import { imageKindBit } from "../../../src/protocol/image/ImageKind.ts"
import { keyIdText, rawPublicKey } from "../../../src/protocol/image/SigningKey.ts"
import { full } from "../../protocol/hxe/Golden.ts"

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return { privateKey, key: rawPublicKey(publicKey) }
}
const mine = pair()
const second = pair()

/** Code of the refusal of an image signed by this key, or 0. */
const judged = (trust: BoardTrust, by: typeof mine | undefined, isNeeded = false): number => {
  const bytes =
    by === undefined ? full : Result.getOrThrow(signHxe(full, { privateKey: by.privateKey, securityVersion: 1 }))
  const { signature } = Result.getOrThrow(readHxe(bytes))
  const digest = signature === undefined ? undefined : signedDigestOf(bytes, signature)
  return signatureRefusal(signature, digest, hxeTrustOf(trust), isNeeded)?.code ?? 0
}

describe("a signature within an image", () => {
  it("must be of a key that is trusted, may sign such images, and is not disabled", () => {
    const trust = (fields: object): BoardTrust => ({ policy: "any", signers: [{ key: mine.key, ...fields }] })
    assert.strictEqual(judged(trust({}), mine), 0)
    assert.strictEqual(judged(trust({}), second), 126)
    assert.strictEqual(judged(trust({ isEnabled: false }), mine), 126)
    assert.strictEqual(judged(trust({ kinds: imageKindBit("wasm") }), mine), 126)
    assert.strictEqual(judged(trust({ kinds: imageKindBit("hxe") }), mine), 0)
  })

  it("must be of a key that the policy names, where it names some", () => {
    const signers = [{ key: mine.key }, { key: second.key }]
    const trust: BoardTrust = { policy: [keyIdText(second.key)], signers }
    assert.strictEqual(judged(trust, mine), 126)
    assert.strictEqual(judged(trust, second), 0)
  })

  it("is needed only where nothing else speaks for the image, and never where the board asks for none", () => {
    const any: BoardTrust = { policy: "any", signers: [{ key: mine.key }] }
    assert.strictEqual(judged(any, undefined), 0)
    assert.strictEqual(judged(any, undefined, true), 1)
    const none: BoardTrust = { policy: "none", signers: [] }
    assert.strictEqual(judged(none, undefined, true), 0)
    assert.strictEqual(judged(none, mine, true), 0)
  })
})
