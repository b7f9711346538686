/**
 * The proof that a record stands in a sealed chain: the record, the way from its hash up to the root of its segment, the signed head,
 * and the keys back to one that the reader knows. It needs no database and no node.
 */
import { Option, Result, Schema } from "effect"
import { isSignedBy, readSign1, sign1Of } from "../image/Cose.ts"
import { KeyCertificate, KeyRing } from "./AuditKey.ts"
import { type AuditRecord, encodeRecord } from "./AuditRecord.ts"
import { AuditCategory } from "./Category.ts"
import { hashOf, isSameHash, rootFromPath } from "./Hash.ts"
import { digestOf } from "./Payload.ts"
import { headContext, type Seal } from "./Sealed.ts"
import { encodeHead, type Segment } from "./Segment.ts"

const hex = Schema.Uint8ArrayFromHex
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const text = Schema.optionalKey(Schema.String)

const ProvenRecord = Schema.Struct({
  vsm: Schema.String,
  seq: count,
  id: Schema.String,
  hlc: Schema.Struct({ ms: count, ctr: count, node: Schema.String }),
  wall: Schema.Finite,
  category: AuditCategory,
  type: Schema.String,
  severity: Schema.Literals(["debug", "info", "warn", "error", "critical"]),
  subject: Schema.String,
  subjectSeq: count,
  principal: Schema.String,
  root: text,
  capability: text,
  zone: text,
  unit: text,
  causes: Schema.Array(Schema.String),
  cursor: Schema.String,
  at: Schema.Finite,
  payloadHash: hex,
  payloadBytes: Schema.optionalKey(count),
  prevHash: hex
})

const ProvenHead = Schema.Struct({
  vsm: Schema.String,
  segment: count,
  first: count,
  last: count,
  root: hex,
  lastHash: hex,
  prevHead: hex,
  sealedAt: Schema.Finite
})

/** The form of proofs that this release writes. */
const proofForm = 1

/** As it stands in a file. */
export const Proof = Schema.Struct({
  form: Schema.Literal(proofForm),
  record: ProvenRecord,
  /** What the record says; absent where it is not kept beside it any more. */
  payload: Schema.optionalKey(Schema.Json),
  /** Hashes beside the way up, lowest first. */
  path: Schema.Array(hex),
  head: ProvenHead,
  /** The head as COSE_Sign1, with its payload. */
  cose: hex,
  /** From the issuer's first key to the one that signed. */
  keys: Schema.Array(KeyCertificate)
})
export type Proof = typeof Proof.Type

const strip = <A extends object>(fields: A) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const decodeRecord = Schema.decodeUnknownSync(Schema.toType(ProvenRecord))

/** Puts a proof together. `keys` are those of the issuer, up to the one that signed. Throws for what cannot be a record. */
export const proofOf = (parts: {
  readonly record: AuditRecord
  readonly payload: typeof Schema.Json.Type | undefined
  readonly path: ReadonlyArray<Uint8Array>
  readonly head: Segment
  readonly seal: Seal
  readonly keys: ReadonlyArray<KeyCertificate>
}): Proof => {
  const { record, payload, path, head, seal, keys } = parts
  return {
    form: proofForm,
    record: decodeRecord(strip(record)),
    ...(payload !== undefined && { payload }),
    path,
    head,
    cose: sign1Of(encodeHead(head), seal.signature, seal.keyId, headContext),
    keys
  }
}

/** What a proof proves. */
export interface Proven {
  readonly record: Proof["record"]
  readonly payload: Proof["payload"]
  readonly head: Proof["head"]
  readonly key: KeyCertificate
}

const filled = ({ root, capability, zone, unit, payloadBytes, ...record }: Proof["record"]): AuditRecord => ({
  ...record,
  root,
  capability,
  zone,
  unit,
  payloadBytes
})

const bytesOf = (record: Proof["record"]): Uint8Array | undefined =>
  Option.getOrUndefined(Option.liftThrowable(() => encodeRecord(filled(record)))())

const payloadFault = ({ record: { seq, payloadHash }, payload }: Proof): string | undefined =>
  payload === undefined || isSameHash(digestOf(payload).hash, payloadHash)
    ? undefined
    : `the payload is not that of record ${seq}`

const pathFault = ({ record, path, head }: Proof): string | undefined => {
  const { seq } = record
  if (record.vsm !== head.vsm || seq < head.first || seq > head.last)
    return `record ${seq} of ${record.vsm} is not in segment ${head.segment} of ${head.vsm}`
  const bytes = bytesOf(record)
  const size = head.last - head.first + 1
  const root = bytes === undefined ? undefined : rootFromPath(hashOf(bytes), seq - head.first, size, path)
  return root !== undefined && isSameHash(root, head.root)
    ? undefined
    : `record ${seq} is not what was sealed in segment ${head.segment}`
}

/** Holds a proof against a public key that the reader knows: of the issuer's first key, or of a later one. */
export const checkProof = (proof: Proof, publicKey: Uint8Array): Result.Result<Proven, string> => {
  const { record, payload, head, cose, keys } = proof
  const fault = pathFault(proof) ?? payloadFault(proof)
  if (fault !== undefined) return Result.fail(fault)
  const message = readSign1(cose)
  if (Result.isFailure(message)) return Result.fail(`the head of segment ${head.segment}: ${message.failure.detail}`)
  const { success: signed } = message
  if (signed.contentType !== headContext.contentType || !isSameHash(signed.payload, encodeHead(head)))
    return Result.fail(`what was signed is not the head of segment ${head.segment}`)
  const found = new KeyRing(keys, publicKey).find(signed.keyId)
  if (found === undefined)
    return Result.fail(`the head of segment ${head.segment} is signed by a key that does not follow from the one given`)
  const { from, until } = found.certificate
  if (head.sealedAt < from || head.sealedAt >= until)
    return Result.fail(`the head of segment ${head.segment} is signed by a key of another time`)
  if (!isSignedBy(signed, found.key, headContext.externalData))
    return Result.fail(`the signature of segment ${head.segment} is not that of its key`)
  return Result.succeed({ record, payload, head, key: found.certificate })
}
