import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import { KeyRing, keyMillis } from "../../../src/protocol/audit/AuditKey.ts"
import { hashOf, hexOf, merklePath, merkleRoot, rootFromPath } from "../../../src/protocol/audit/Hash.ts"
import { checkProof, Proof } from "../../../src/protocol/audit/Proof.ts"
import { keyIdOf } from "../../../src/protocol/image/SigningKey.ts"
import { prove } from "../../../src/systems/audit/Prove.ts"
import { chainOf, dawn, layerNoJournal, layerOf, newKeys } from "../../systems/audit/MemoryChain.ts"

const leavesOf = (count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, (_, at) => new Uint8Array(createHash("sha256").update(`leaf ${at}`).digest()))

/** 24 records in segments of ten; the last four are not sealed. */
const tables = chainOf(24, 10, 4)
const publicKey = tables.keys[0]?.publicKey ?? new Uint8Array(32)
const provenOf = (sought: Parameters<typeof prove>[0]) =>
  prove(sought).pipe(Effect.provide(Layer.merge(layerOf(tables), layerNoJournal)))
const encode = Schema.encodeSync(Proof)
const decode = Schema.decodeUnknownResult(Proof)

/** Every text, number and hash of a proof, changed one at a time. */
const changes = function* (value: unknown): Generator<readonly [where: string, changed: unknown]> {
  if (typeof value === "number") yield ["", value + 1]
  else if (typeof value === "string") {
    const last = value.at(-1) === "1" ? "2" : "1"
    yield ["", `${value.slice(0, -1)}${last}`]
  } else if (typeof value === "object" && value !== null)
    for (const key of Object.keys(value))
      for (const [where, changed] of changes(Reflect.get(value, key))) {
        const copy = Array.isArray(value) ? [...value] : { ...value }
        Reflect.set(copy, key, changed)
        yield [`${key}.${where}`, copy]
      }
}

describe("a Merkle tree", () => {
  it("has the root that the golden value says over a, b and c, the odd one going up as it is", () => {
    const leaves = ["a", "b", "c"].map((text) => hashOf(Buffer.from(text)))
    assert.strictEqual(hexOf(merkleRoot(leaves)), "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1")
  })

  it("is climbed from every leaf of every size, and by no other path", () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = leavesOf(size)
      const root = merkleRoot(leaves)
      for (const [at, leaf] of leaves.entries()) {
        const path = merklePath(leaves, at)
        assert.deepStrictEqual(rootFromPath(leaf, at, size, path), root, `leaf ${at} of ${size}`)
        assert.notDeepEqual(rootFromPath(hashOf(leaf), at, size, path), root)
        assert.isUndefined(rootFromPath(leaf, at, size, [...path, leaf]))
        if (path.length > 0) assert.isUndefined(rootFromPath(leaf, at, size, path.slice(1)))
      }
      assert.isUndefined(rootFromPath(leaves[0] ?? root, size, size, merklePath(leaves, 0)))
    }
  })
})

describe("a proof", () => {
  it.effect("convinces whoever knows the first key, after it was a file", () =>
    Effect.gen(function* () {
      for (const seq of [1, 10, 11, 20]) {
        const text = JSON.stringify(encode(yield* provenOf({ vsm: "root", seq })))
        const proof = Result.getOrThrow(decode(JSON.parse(text)))
        const proven = Result.getOrThrow(checkProof(proof, publicKey))
        assert.strictEqual(proven.record.seq, seq)
        assert.deepStrictEqual(proven.payload, { version: seq, patch: { target: seq } })
      }
    })
  )

  it.effect("is found by the id of the act, too", () =>
    Effect.gen(function* () {
      const { record } = yield* provenOf({ id: "01990000-0000-7000-8000-000000000007" })
      assert.strictEqual(record.seq, 7)
    })
  )

  it.effect("convinces nobody when anything in it is another", () =>
    Effect.gen(function* () {
      const proof = encode(yield* provenOf({ vsm: "root", seq: 12 }))
      const all = [...changes(proof)]
      assert.isAbove(all.length, 45)
      for (const [where, changed] of all) {
        const decoded = decode(changed)
        if (Result.isSuccess(decoded)) assert.isTrue(Result.isFailure(checkProof(decoded.success, publicKey)), where)
      }
    })
  )

  it.effect("convinces nobody who knows another key", () =>
    Effect.gen(function* () {
      const proof = yield* provenOf({ vsm: "root", seq: 12 })
      const other = newKeys(dawn).keys[0]?.publicKey ?? publicKey
      assert.match(
        Result.getOrThrow(Result.flip(checkProof(proof, other))),
        /a key that does not follow from the one given/
      )
    })
  )

  it.effect("is not there for what is in no segment, and for what is not there", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Effect.flip(provenOf({ vsm: "root", seq: 21 })), { _tag: "NotSealed", isSealed: false })
      assert.strictEqual((yield* Effect.flip(provenOf({ vsm: "root", seq: 99 })))._tag, "RecordNotFound")
      const unknown = provenOf({ id: "01990000-0000-7000-8000-0000000000ff" })
      assert.strictEqual((yield* Effect.flip(unknown))._tag, "RecordNotFound")
    })
  )

  it.effect("is refused by a node whose tables were tampered with", () =>
    Effect.gen(function* () {
      const [first] = tables.records
      if (first === undefined) return assert.fail("no records")
      const forged = { ...first, record: { ...first.record, principal: "user:eve" } }
      const records = tables.records.with(0, forged)
      const refusal = yield* prove({ vsm: "root", seq: 1 }).pipe(
        Effect.provide(layerOf({ ...tables, records })),
        Effect.flip
      )
      assert.deepInclude(refusal, { _tag: "ProofImpossible", reason: "record 1 is not what was sealed in segment 1" })
      const odd = tables.records.with(0, { ...first, record: { ...first.record, seq: 1, subjectSeq: -0.5 } })
      const other = prove({ vsm: "root", seq: 1 }).pipe(
        Effect.provide(layerOf({ ...tables, records: odd })),
        Effect.flip
      )
      assert.deepInclude(yield* other, { _tag: "ProofImpossible", reason: "it is no record" })
    })
  )
})

describe("keys of an audit", () => {
  it("are believed as far as each certifies the next, from the first or from one that was seen", () => {
    const { keys, renew } = newKeys(dawn)
    renew(dawn + keyMillis)
    renew(dawn + 3 * keyMillis)
    const idOf = (at: number) => keyIdOf(keys[at]?.publicKey ?? new Uint8Array(32))
    const known = (ring: KeyRing) => [0, 1, 2].map((at) => ring.find(idOf(at)) !== undefined)
    assert.deepStrictEqual(known(new KeyRing(keys)), [true, true, true])
    assert.deepStrictEqual(known(new KeyRing(keys, keys[1]?.publicKey)), [false, true, true])
    // One that is missing breaks the chain, and so does one that is another.
    assert.deepStrictEqual(known(new KeyRing(keys.toSpliced(1, 1))), [true, false, false])
    for (const field of ["issuer", "publicKey", "previous", "signature"] as const) {
      const broken = keys.map((key, at) => (at === 1 ? { ...key, [field]: key[field].map((byte) => byte ^ 1) } : key))
      assert.isFalse(known(new KeyRing(broken)).slice(2).includes(true), field)
    }
    const early = keys.map((key, at) => (at === 1 ? { ...key, from: key.from - 1 } : key))
    assert.deepStrictEqual(known(new KeyRing(early)), [true, false, false])
  })
})
