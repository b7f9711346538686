/** Chains of audit records over a journal that a test writes, without a node. */

import { generateKeyPairSync } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import type { Address } from "../../../src/actors/Host.ts"
import { EventStream } from "../../../src/events/EventStream.ts"
import { JournalHint } from "../../../src/events/JournalHint.ts"
import type { Asker } from "../../../src/protocol/Asker.ts"
import { firstCertificate } from "../../../src/protocol/audit/AuditKey.ts"
import type { Witness } from "../../../src/protocol/audit/Auditor.ts"
import { signatureOf } from "../../../src/protocol/image/Cose.ts"
import { rawPublicKey } from "../../../src/protocol/image/SigningKey.ts"
import { encodeEmission, type Fact, journalBody } from "../../../src/protocol/JournalBody.ts"
import * as AuditKeys from "../../../src/runtime/AuditKeys.ts"
import { registry } from "../../../src/runtime/Registry.ts"
import { makeAuditPartitions } from "../../../src/runtime/storage/AuditPartitions.ts"
import { layerPgAuditLog } from "../../../src/runtime/storage/PgAuditLog.ts"
import { layerPgChainIndex } from "../../../src/runtime/storage/PgChainIndex.ts"
import { layerPgJournal } from "../../../src/runtime/storage/PgJournal.ts"
import { AuditWatch, type Looked } from "../../../src/systems/audit/AuditWatch.ts"
import { catalogueOf } from "../../../src/systems/audit/Catalogue.ts"
import type { Signer } from "../../../src/systems/audit/Chain.ts"
import * as Chaining from "../../../src/systems/audit/Chaining.ts"
import { verify } from "../../../src/systems/audit/Verify.ts"
import { TestDatabase } from "../../runtime/storage/TestDatabase.ts"
import { tempFolder } from "../../support/RunningNode.ts"

/** The tables, the journal, and the looks of a node. */
export const layerChains = Chaining.layer(registry).pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(tempFolder, AuditKeys.layer))),
  Layer.provideMerge(EventStream.layer),
  Layer.provideMerge(Layer.mergeAll(layerPgJournal, layerPgAuditLog, layerPgChainIndex)),
  Layer.provideMerge(JournalHint.layer),
  Layer.provideMerge(Layer.effectDiscard(makeAuditPartitions)),
  Layer.provideMerge(TestDatabase.layer)
)

/** Signs what is chained of a time, with a key of that day which it makes known. */
export const signerOf = (time: number) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const { privateKey } = generateKeyPairSync("ed25519")
    const publicKey = rawPublicKey(privateKey)
    const { issuer, epoch, from, until, previous, signature } = firstCertificate(publicKey, privateKey, time)
    yield* sql`insert into audit_keys (issuer, epoch, public_key, from_ms, until_ms, previous, signature)
      values (${issuer}, ${epoch}, ${publicKey}, ${from}, ${until}, ${previous}, ${signature})`
    const signer: Signer = {
      keyId: issuer,
      from,
      sign: (payload, context) => signatureOf(payload, privateKey, issuer, context)
    }
    return signer
  })

const anna: Asker = { kind: "user", id: "anna", role: "operator" }
/** The request of the first commit; each commit has its own. */
const requestOf = (version: number): string => `01990000-0000-7000-8000-${version.toString(16).padStart(12, "0")}`

/** A wish for a device, as one that an operator asked for. */
export const wished = (target: number): Fact => ({
  type: "twin.desired-changed",
  data: { version: target, patch: { target } },
  unit: "press-1"
})

/** One commit of `device/press-1`, or of another actor. */
export const put = (
  version: number,
  events: ReadonlyArray<Fact>,
  vsm?: string,
  { kind, id }: Address = { kind: "device", id: "press-1" }
) =>
  Effect.flatMap(PgClient.PgClient, (sql) => {
    const emission = {
      at: Date.now(),
      asker: anna,
      requestId: requestOf(version),
      zone: "hall.a",
      vsm,
      events,
      samples: []
    }
    const body = journalBody(version * 1000, [encodeEmission(emission)])
    return sql`insert into journal (lasting, kind, id, version, at, body)
      values (true, ${kind}, ${id}, ${version}, ${Date.now()}, ${body})`
  })

/** Lets the auditor of a VSM look until it finds nothing any more. Answers what it found. */
export const chained = (vsm = "root") =>
  Effect.gen(function* () {
    const watch = yield* AuditWatch
    let records = 0
    for (let quiet = 0; quiet < 2; ) {
      const looked: Looked = yield* watch.look({ vsm, since: 0, begun: undefined })
      if (looked._tag !== "Chained") return yield* Effect.die(looked)
      records += looked.records
      if (looked.records === 0) quiet++
    }
    return records
  })

/** Walks the chain. */
export const walked = (witness?: Witness, vsm = "root") =>
  Effect.flatMap(verify(vsm, witness, catalogueOf(registry)), (verdict) =>
    verdict === undefined ? Effect.die("there is no chain") : Effect.succeed(verdict)
  )

/** Runs a statement as somebody who may do everything with the database, triggers or not. */
export const tamper = (statement: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql.withTransaction(Effect.andThen(sql`set local session_replication_role = replica`, sql.unsafe(statement)))
  )
