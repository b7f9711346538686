/**
 * The key that signs what this node's auditors chain, in its data folder, and the certificates of all keys in the database. The
 * private half of a key whose day is over is gone from both: whoever gets hold of them signs nothing as of yesterday.
 */
import { createPrivateKey, type KeyObject } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Result, Schedule, Schema } from "effect"
import { firstCertificate, KeyCertificate, nextCertificate } from "../protocol/audit/AuditKey.ts"
import { hexOf, isSameHash } from "../protocol/audit/Hash.ts"
import { signatureOf } from "../protocol/image/Cose.ts"
import { keyIdOf, newKeyPair, rawPublicKey, readPrivateKey } from "../protocol/image/SigningKey.ts"
import { AuditKeys } from "../systems/audit/AuditKeys.ts"
import { AuditUnavailable } from "../systems/audit/AuditLog.ts"
import type { Signer } from "../systems/audit/Chain.ts"
import { makeFolder, reasonOf, writeSecret } from "./storage/DataFolder.ts"
import { sqlReason } from "./storage/SqlReason.ts"

/** The key cannot be read or written. Permanent until somebody mends the folder. */
export class AuditKeyUnreadable extends Schema.TaggedError<AuditKeyUnreadable>()("AuditKeyUnreadable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path} is no key that signs the audit (${this.reason}); put it back, or take it away: then this node signs with a new key`
  }
}

/** Any number will do, as long as no other lock of the database has it. */
const advisoryLock = 7_455_973
/** A key whose day is over goes within this time, also where nothing is signed. */
const lookEvery = "10 minutes"

const Kept = Schema.fromJsonString(Schema.Struct({ privatePem: Schema.String, certificate: KeyCertificate }))
const decode = Schema.decodeUnknownResult(Kept)
const encode = Schema.encodeSync(Kept)

interface Key {
  readonly certificate: KeyCertificate
  readonly privateKey: KeyObject
}

const newKey = () => {
  const { privatePem } = newKeyPair()
  const privateKey = createPrivateKey(privatePem)
  return { privatePem, privateKey, publicKey: rawPublicKey(privateKey) }
}

const signerOf = ({ certificate, privateKey }: Key): Signer => {
  const keyId = keyIdOf(certificate.publicKey)
  return {
    keyId,
    from: certificate.from,
    sign: (payload, context) => signatureOf(payload, privateKey, keyId, context)
  }
}

/** Where the key of a data folder lies. */
export const auditKeyPath = (data: string): string => join(data, "audit-key.json")

const make = (data: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const path = auditKeyPath(data)

    const attempt = <A>(run: () => A) =>
      Effect.try({ try: run, catch: (cause) => new AuditKeyUnreadable({ path, reason: reasonOf(cause) }) })

    const read = attempt((): Key | undefined => {
      if (!existsSync(path)) return undefined
      const found = decode(readFileSync(path, "utf8"))
      // What a schema says of it has several lines.
      if (Result.isFailure(found)) throw new Error("it holds something else")
      const { privatePem, certificate } = found.success
      const privateKey = Result.getOrThrowWith(readPrivateKey(privatePem), (fault) => new Error(fault))
      if (!isSameHash(rawPublicKey(privateKey), certificate.publicKey))
        throw new Error("its two halves are not one key")
      return { certificate, privateKey }
    })

    /** The old private half is gone when the file has the new one. */
    const written = ({ certificate, privateKey, privatePem }: Key & { readonly privatePem: string }) =>
      attempt(() => {
        makeFolder(data)
        writeSecret(path, encode({ privatePem, certificate }))
        return { certificate, privateKey }
      })

    const begun = (time: number) => {
      const { privatePem, privateKey, publicKey } = newKey()
      return written({ certificate: firstCertificate(publicKey, privateKey, time), privateKey, privatePem })
    }

    const followed = (before: Key, time: number) => {
      const { privatePem, privateKey, publicKey } = newKey()
      const certificate = nextCertificate(before.certificate, before.privateKey, publicKey, time)
      return written({ certificate, privateKey, privatePem })
    }

    /** Nothing is signed by a key that nobody else knows. False where another key has its place. */
    const published = ({ certificate }: Key) => {
      const { issuer, epoch, publicKey, from, until, previous, signature } = certificate
      return Effect.gen(function* () {
        yield* sql`insert into audit_keys (issuer, epoch, public_key, from_ms, until_ms, previous, signature)
          values (${issuer}, ${epoch}, ${publicKey}, ${from}, ${until}, ${previous}, ${signature}) on conflict do nothing`
        const [row] = yield* sql<{ readonly publicKey: Uint8Array }>`
          select public_key as "publicKey" from audit_keys where issuer = ${issuer} and epoch = ${epoch}`
        return row !== undefined && isSameHash(row.publicKey, publicKey)
      })
    }

    /** One at a time in the cluster: nodes on one machine may share a folder. */
    const renewed = (time: number) =>
      sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
          const kept = yield* read
          const isOver = kept !== undefined && time >= kept.certificate.until
          const key = kept === undefined ? yield* begun(time) : isOver ? yield* followed(kept, time) : kept
          if (yield* published(key)) return key
          // A folder from a backup: another key was certified after the one before it.
          yield* Effect.logWarning(
            `the key of issuer ${hexOf(key.certificate.issuer)} that signs the audit is an old one`
          )
          const fresh = yield* begun(time)
          yield* published(fresh)
          return fresh
        })
      )

    let current: Key | undefined
    const keyAt = Effect.fnUntraced(function* (time: number) {
      if (current === undefined || time >= current.certificate.until) current = yield* renewed(time)
      return current
    })

    const now = yield* Clock.currentTimeMillis
    // A folder that cannot be used stops the node before it serves anybody.
    yield* Effect.catchTag(keyAt(now), "SqlError", (error) => Effect.die(error))
    yield* Effect.forkScoped(
      Effect.flatMap(Clock.currentTimeMillis, keyAt).pipe(
        Effect.catch((error) => Effect.logWarning("the key that signs the audit was not renewed", error)),
        Effect.repeat(Schedule.spaced(lookEvery))
      )
    )
    return AuditKeys.of({
      at: (time) =>
        Effect.map(keyAt(time), signerOf).pipe(
          Effect.catchTags({
            SqlError: (error) => Effect.fail(new AuditUnavailable({ reason: sqlReason(error) })),
            AuditKeyUnreadable: (error) => Effect.fail(new AuditUnavailable({ reason: error.message }))
          })
        )
    })
  })

/** Reads the key of a data folder, or makes the first one. Needs a migrated database. */
export const layer = (data: string): Layer.Layer<AuditKeys, AuditKeyUnreadable, PgClient.PgClient> =>
  Layer.effect(AuditKeys, make(data))
