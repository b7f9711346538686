/** Proves that a record stands in a sealed chain, for somebody who has the public key and nothing else. */
import { Effect, Result, Schema } from "effect"
import { isSameHash, merklePath } from "../../protocol/audit/Hash.ts"
import { checkProof, proofOf } from "../../protocol/audit/Proof.ts"
import { keyIdOf } from "../../protocol/image/SigningKey.ts"
import { AuditLog, type StoredRecord } from "./AuditLog.ts"

/** There is no such record, or it is not kept any more. */
export class RecordNotFound extends Schema.TaggedError<RecordNotFound>()("RecordNotFound", {}) {}

/** Its segment is not sealed yet, or was sealed when nobody signed. The first ends within seconds. */
export class NotSealed extends Schema.TaggedError<NotSealed>()("NotSealed", {
  seq: Schema.Finite,
  isSealed: Schema.Boolean
}) {}

/** The tables are not as they were written: a proof of them would prove nothing. */
export class ProofImpossible extends Schema.TaggedError<ProofImpossible>()("ProofImpossible", {
  seq: Schema.Finite,
  reason: Schema.String
}) {}

const isJson = Schema.is(Schema.Json)

/** Where a record stands: by the id of its event, or by its number in the chain of a VSM. */
export type Sought = { readonly id: string } | { readonly vsm: string; readonly seq: number }

const found = Effect.fnUntraced(function* (sought: Sought) {
  const log = yield* AuditLog
  const [row] = "id" in sought ? yield* log.ofEvents([sought.id]) : yield* log.records(sought.vsm, sought.seq, 1)
  const isIt = row !== undefined && ("id" in sought || row.record.seq === sought.seq)
  return isIt ? row : yield* new RecordNotFound()
})

const proven = Effect.fnUntraced(function* ({ record, segment, isKept, payload }: StoredRecord) {
  const { vsm, seq } = record
  const log = yield* AuditLog
  const [stored] = yield* log.segments(vsm, segment, 1)
  if (stored?.head.segment !== segment) return yield* new NotSealed({ seq, isSealed: false })
  const { head, seal } = stored
  if (seal === undefined) return yield* new NotSealed({ seq, isSealed: true })
  const leaves = yield* log.hashesBehind(vsm, head.first - 1, head.last)
  const all = yield* log.keys
  const signer = all.find(({ publicKey }) => isSameHash(keyIdOf(publicKey), seal.keyId))
  if (signer === undefined) return yield* new ProofImpossible({ seq, reason: "the key that signed it is not known" })
  const keys = all.filter(({ issuer, epoch }) => isSameHash(issuer, signer.issuer) && epoch <= signer.epoch)
  const path = merklePath(leaves, seq - head.first)
  const said = isKept && isJson(payload) ? payload : undefined
  const proof = yield* Effect.try({
    try: () => proofOf({ record, payload: said, path, head, seal, keys }),
    // The fields of a row that was tampered with may be those of no record.
    catch: () => new ProofImpossible({ seq, reason: "it is no record" })
  })
  const checked = checkProof(proof, keys[0]?.publicKey ?? signer.publicKey)
  if (Result.isFailure(checked)) return yield* new ProofImpossible({ seq, reason: checked.failure })
  return proof
})

/** Fails with {@link RecordNotFound}, {@link NotSealed} or {@link ProofImpossible}. */
export const prove = (sought: Sought) => Effect.flatMap(found(sought), proven)

/** Why there is no proof. */
export type NotProven = Effect.Error<ReturnType<typeof prove>>
