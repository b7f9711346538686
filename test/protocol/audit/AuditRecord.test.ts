import { createHash, createPrivateKey } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { encodeCertificate, firstCertificate } from "../../../src/protocol/audit/AuditKey.ts"
import { type AuditRecord, encodeRecord, hashOfRecord } from "../../../src/protocol/audit/AuditRecord.ts"
import { AuditCategory } from "../../../src/protocol/audit/Category.ts"
import { hexOf, merkleRoot } from "../../../src/protocol/audit/Hash.ts"
import { digestOf, encodePayload, payloadBytesMax } from "../../../src/protocol/audit/Payload.ts"
import { headContext } from "../../../src/protocol/audit/Sealed.ts"
import { encodeHead, hashOfHead } from "../../../src/protocol/audit/Segment.ts"
import { Hlc, Severity } from "../../../src/protocol/Event.ts"
import { sign1Of, signatureOf } from "../../../src/protocol/image/Cose.ts"
import { keyIdOf, rawPublicKey } from "../../../src/protocol/image/SigningKey.ts"

const text = Schema.optionalKey(Schema.String)

/** Three records, their bytes and hashes, and the head of the segment that they make. */
const Vectors = Schema.Struct({
  records: Schema.Array(
    Schema.Struct({
      record: Schema.Struct({
        vsm: Schema.String,
        seq: Schema.Int,
        id: Schema.String,
        hlc: Hlc,
        wall: Schema.Finite,
        category: AuditCategory,
        type: Schema.String,
        severity: Severity,
        subject: Schema.String,
        subjectSeq: Schema.Int,
        principal: Schema.String,
        root: text,
        capability: text,
        zone: text,
        unit: text,
        causes: Schema.Array(Schema.String),
        cursor: Schema.String,
        at: Schema.Finite
      }),
      payload: Schema.Json,
      payloadCbor: Schema.String,
      payloadHash: Schema.String,
      cbor: Schema.String,
      hash: Schema.String
    })
  ),
  seal: Schema.Struct({
    secretKey: Schema.String,
    publicKey: Schema.String,
    keyId: Schema.String,
    signature: Schema.String,
    cose: Schema.String,
    certificate: Schema.Struct({
      from: Schema.Int,
      until: Schema.Int,
      cbor: Schema.String,
      signature: Schema.String
    })
  }),
  segment: Schema.Struct({ sealedAt: Schema.Finite, root: Schema.String, cbor: Schema.String, hash: Schema.String })
})

const vectors = Schema.decodeUnknownSync(Vectors)(
  JSON.parse(readFileSync(new URL("../audit-vectors.json", import.meta.url), "utf8"))
)

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
/** Counted apart from the code: what another implementation would do. */
const sha256 = (prefix: number, ...pieces: ReadonlyArray<Uint8Array>): string =>
  createHash("sha256")
    .update(Buffer.concat([new Uint8Array([prefix]), ...pieces]))
    .digest("hex")

const recordOf = ({ record, payload }: (typeof vectors.records)[number], prevHash: Uint8Array): AuditRecord => {
  const { hash: payloadHash, bytes: payloadBytes } = digestOf(payload)
  const { root, capability, zone, unit } = record
  return { ...record, root, capability, zone, unit, payloadHash, payloadBytes, prevHash }
}

const base = vectors.records[0]
const baseRecord = (): AuditRecord => {
  if (base === undefined) return assert.fail("no vectors")
  return recordOf(base, new Uint8Array(32))
}

describe("audit records", () => {
  it("have the bytes and the hashes of the vectors, one naming the other", () => {
    let previous = "00".repeat(32)
    for (const vector of vectors.records) {
      const record = recordOf(vector, bytesOf(previous))
      assert.strictEqual(hexOf(encodePayload(vector.payload)), vector.payloadCbor)
      assert.strictEqual(sha256(0, bytesOf(vector.payloadCbor)), vector.payloadHash)
      assert.strictEqual(hexOf(encodeRecord(record)), vector.cbor)
      assert.strictEqual(sha256(0, bytesOf(vector.cbor)), vector.hash)
      assert.strictEqual(hexOf(hashOfRecord(record)), vector.hash)
      previous = vector.hash
    }
  })

  it("make a segment with the root and the head of the vectors", () => {
    const hashes = vectors.records.map(({ hash }) => bytesOf(hash))
    const [one, two, three] = hashes
    if (one === undefined || two === undefined || three === undefined) return assert.fail("three records")
    const { sealedAt, root, cbor, hash } = vectors.segment
    const genesis = new Uint8Array(32)
    const head = {
      vsm: "root",
      segment: 1,
      first: 1,
      last: 3,
      root: bytesOf(root),
      lastHash: three,
      prevHead: genesis,
      sealedAt
    }
    assert.strictEqual(hexOf(merkleRoot(hashes)), root)
    assert.strictEqual(sha256(1, bytesOf(sha256(1, one, two)), three), root)
    assert.strictEqual(hexOf(encodeHead(head)), cbor)
    assert.strictEqual(hexOf(hashOfHead(head)), hash)
    assert.strictEqual(sha256(0, bytesOf(cbor)), hash)
  })

  it("are sealed by the signatures, and the keys certified, as the vectors say", () => {
    const { secretKey, publicKey, keyId, signature, cose, certificate } = vectors.seal
    // PKCS #8 of an Ed25519 key (RFC 8410, section 7) up to the key itself.
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), bytesOf(secretKey)])
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    assert.strictEqual(hexOf(rawPublicKey(key)), publicKey)
    assert.strictEqual(hexOf(keyIdOf(bytesOf(publicKey))), keyId)
    const head = bytesOf(vectors.segment.cbor)
    assert.strictEqual(hexOf(signatureOf(head, key, bytesOf(keyId), headContext)), signature)
    assert.strictEqual(hexOf(sign1Of(head, bytesOf(signature), bytesOf(keyId), headContext)), cose)
    const first = firstCertificate(bytesOf(publicKey), key, certificate.from)
    assert.strictEqual(first.until, certificate.until)
    assert.strictEqual(hexOf(encodeCertificate(first)), certificate.cbor)
    assert.strictEqual(hexOf(first.signature), certificate.signature)
  })

  it("have another hash when any field is another one", () => {
    const record = baseRecord()
    const others: Partial<AuditRecord> = {
      vsm: "line-1",
      seq: 2,
      id: "01a0c450-6c00-7101-8101-010101010102",
      hlc: { ...record.hlc, ctr: 9 },
      wall: record.wall + 1,
      category: "change",
      type: "command.ended",
      severity: "warn",
      subject: "device/press-2",
      subjectSeq: 9,
      principal: "user:bob",
      root: undefined,
      capability: "other",
      zone: "hall.b",
      unit: "press-1",
      causes: [],
      cursor: "7.9",
      at: record.at + 1,
      payloadHash: new Uint8Array(32),
      payloadBytes: undefined,
      prevHash: new Uint8Array(32).fill(1)
    }
    assert.sameMembers(Object.keys(others), Object.keys(record))
    const hashes = Object.entries(others).map(([name, value]) => hexOf(hashOfRecord({ ...record, [name]: value })))
    assert.strictEqual(new Set([...hashes, hexOf(hashOfRecord(record))]).size, hashes.length + 1)
  })
})

describe("payloads", () => {
  it("have one form, whatever the order of their keys", () => {
    assert.deepStrictEqual(
      encodePayload({ aa: 1, b: [1.5, null], a: { z: "ä", y: true } }),
      encodePayload({ a: { y: true, z: "ä" }, b: [1.5, null], aa: 1 })
    )
    // RFC 8949, 4.2.1: shorter keys first.
    assert.strictEqual(hexOf(encodePayload({ aa: 1, b: 2 })), "a2616202626161" + "01")
  })

  it("are not kept when they are too long, or when PostgreSQL cannot keep them", () => {
    assert.isDefined(digestOf("x".repeat(payloadBytesMax - 3)).bytes)
    assert.isUndefined(digestOf("x".repeat(payloadBytesMax)).bytes)
    assert.isUndefined(digestOf({ text: "a\u0000b" }).bytes)
    assert.isDefined(digestOf({ number: 0 }).bytes)
  })
})

describe("the tree of hashes", () => {
  it("takes an odd leaf up as it is", () => {
    const leaves = ["a", "b", "c"].map((leaf) => bytesOf(sha256(0, Buffer.from(leaf))))
    assert.strictEqual(hexOf(merkleRoot(leaves)), "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1")
  })
})
