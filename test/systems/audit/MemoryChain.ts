/** A sealed chain in memory, its tables, and a journal that keeps nothing any more: what a test may tamper with in microseconds. */
import { generateKeyPairSync } from "node:crypto"
import { Effect, Layer, Stream } from "effect"
import { EventStream } from "../../../src/events/EventStream.ts"
import { JournalReader } from "../../../src/events/JournalReader.ts"
import { firstCertificate, type KeyCertificate, nextCertificate } from "../../../src/protocol/audit/AuditKey.ts"
import type { AuditEntry } from "../../../src/protocol/audit/AuditRecord.ts"
import type { AuditCategory } from "../../../src/protocol/audit/Category.ts"
import { signatureOf } from "../../../src/protocol/image/Cose.ts"
import { keyIdOf, rawPublicKey } from "../../../src/protocol/image/SigningKey.ts"
import { AuditLog, type StoredRecord, type StoredSegment } from "../../../src/systems/audit/AuditLog.ts"
import { type ChainHead, emptyChain, Growing, type Growth, type Signer } from "../../../src/systems/audit/Chain.ts"

/** When its first record is chained, ms. */
export const dawn = Date.parse("2026-11-22T00:00:00Z")

/** The tables of one chain. */
export interface Tables {
  readonly head: ChainHead
  readonly records: ReadonlyArray<StoredRecord>
  readonly segments: ReadonlyArray<StoredSegment>
  readonly keys: ReadonlyArray<KeyCertificate>
}

/** Signs with these keys, one after another. */
export const newKeys = (first: number) => {
  const pair = () => {
    const { privateKey } = generateKeyPairSync("ed25519")
    return { privateKey, publicKey: rawPublicKey(privateKey) }
  }
  const signerOf = ({ privateKey }: ReturnType<typeof pair>, { publicKey, from }: KeyCertificate): Signer => {
    const keyId = keyIdOf(publicKey)
    return { keyId, from, sign: (payload, context) => signatureOf(payload, privateKey, keyId, context) }
  }
  let last = pair()
  const keys = [firstCertificate(last.publicKey, last.privateKey, first)]
  return {
    keys,
    signer: () => signerOf(last, keys.at(-1) ?? keys[0] ?? firstCertificate(last.publicKey, last.privateKey, first)),
    /** The next one, whose day begins then. */
    renew: (from: number) => {
      const next = pair()
      const before = keys.at(-1)
      if (before !== undefined) keys.push(nextCertificate(before, last.privateKey, next.publicKey, from))
      last = next
    }
  }
}

const categories: ReadonlyArray<AuditCategory> = ["command", "change", "security", "decision", "spawn", "policy"]

/** What is said of the `number`th act. */
export const entry = (number: number): AuditEntry => ({
  id: `01990000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`,
  cursor: `1.${number}`,
  hlc: { ms: dawn + number, ctr: number % 3, node: "0102030405060708" },
  at: dawn + number,
  category: categories[number % categories.length] ?? "command",
  type: "twin.desired-changed",
  severity: "info",
  subject: "device/press-1",
  subjectSeq: number,
  principal: "user:anna",
  root: "user:anna",
  capability: "twin.write",
  zone: "hall.a",
  unit: "press-1",
  causes: [`01990000-0000-7000-9000-${number.toString(16).padStart(12, "0")}`],
  payload: { version: number, patch: { target: number } }
})

const stored = ({ head, records, segments }: Growth, keys: ReadonlyArray<KeyCertificate>): Tables => ({
  head,
  records: records.map(({ record, payload, hash, segment, seal }) => ({
    record,
    payload,
    hash,
    segment,
    seal,
    isKept: true
  })),
  segments: segments.map(({ head, seal }) => ({ head, seal, hasWitnesses: false })),
  keys
})

/** So many records, sealed by `every` of them; the last `open` ones are not. */
export const chainOf = (count: number, every: number, open: number): Tables => {
  const { keys, signer } = newKeys(dawn)
  const growing = new Growing(emptyChain("root", "1.0"), [], dawn, signer())
  for (let number = 1; number <= count; number++) {
    growing.add(entry(number))
    if (number % every === 0 && number <= count - open) growing.seal()
  }
  return stored(growing.end(), keys)
}

/** A log that answers from these tables. */
export const layerOf = (tables: Tables): Layer.Layer<AuditLog> => {
  const page = <A>(rows: ReadonlyArray<A>, placeOf: (row: A) => number, from: number, limit: number) =>
    Effect.succeed(
      rows
        .filter((row) => placeOf(row) >= from)
        .toSorted((one, other) => placeOf(one) - placeOf(other))
        .slice(0, limit)
    )
  const { head, records, segments, keys } = tables
  return Layer.succeed(AuditLog, {
    head: () => Effect.succeed(head),
    hashesBehind: (_vsm, seq, last = Number.POSITIVE_INFINITY) =>
      Effect.succeed(records.filter(({ record }) => record.seq > seq && record.seq <= last).map(({ hash }) => hash)),
    write: () => Effect.die("nothing is written"),
    records: (_vsm, from, limit) => page(records, ({ record }) => record.seq, from, limit),
    segments: (_vsm, from, limit) => page(segments, ({ head }) => head.segment, from, limit),
    lastSegments: Effect.succeed(segments.toSorted((one, other) => other.head.segment - one.head.segment).slice(0, 1)),
    keys: Effect.succeed(keys),
    erased: () => Effect.succeed(new Map()),
    find: () => Effect.succeed(records.toSorted((one, other) => other.record.seq - one.record.seq).slice(0, 1)),
    ofEvents: (ids) => Effect.succeed(records.filter(({ record }) => ids.includes(record.id)))
  })
}

const end = { transaction: 1_000_000n, position: 0 }

/** A journal whose days have all passed. */
export const layerNoJournal = EventStream.layer.pipe(
  Layer.provideMerge(
    Layer.succeed(JournalReader, {
      read: () => Effect.succeed([]),
      end: Effect.succeed(end),
      since: () => Effect.succeed(end),
      last: () => Effect.succeed(end),
      follow: () => Stream.empty
    })
  )
)
