import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { hexOf } from "../../../src/protocol/audit/Hash.ts"
import { hashOfHead } from "../../../src/protocol/audit/Segment.ts"
import type { StoredRecord, StoredSegment } from "../../../src/systems/audit/AuditLog.ts"
import { HeldHeads } from "../../../src/systems/audit/HeldHeads.ts"
import { verify } from "../../../src/systems/audit/Verify.ts"
import { type Below, randomOf } from "../../support/Random.ts"
import { chainOf, layerNoJournal, layerOf, type Tables } from "./MemoryChain.ts"

const count = 40
const every = 8
/** The last records are in no segment. */
const open = 5
const sealed = count - open - ((count - open) % every)
const whole = chainOf(count, every, open)

const segmentOf = (seq: number): number => Math.ceil(seq / every)

const walked = (tables: Tables) =>
  verify("root", undefined, {}).pipe(Effect.provide(Layer.merge(layerOf(tables), layerNoJournal)))

/** Another value with one bit of it turned. */
const turned = (value: unknown, below: Below): unknown => {
  if (value instanceof Uint8Array) {
    const bytes = value.slice()
    const at = below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
    return bytes
  }
  if (typeof value === "string") {
    const at = below(value.length)
    return `${value.slice(0, at)}${String.fromCharCode(value.charCodeAt(at) ^ (1 << below(7)))}${value.slice(at + 1)}`
  }
  if (typeof value === "number") return Number(BigInt(value) ^ (1n << BigInt(below(40))))
  if (Array.isArray(value)) return value.map((item) => turned(item, below))
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value)
    const key = keys[below(keys.length)] ?? ""
    return { ...value, [key]: turned(Reflect.get(value, key), below) }
  }
  return true
}

const replaced = <A>(rows: ReadonlyArray<A>, at: number, row: A): ReadonlyArray<A> => rows.with(at, row)

interface Mutation {
  readonly what: string
  readonly tables: Tables
  /** The first record, or segment, that is not as it was written. */
  readonly first: { readonly what: "record" | "segment"; readonly number: number }
}

const rowAt = (at: number): StoredRecord => {
  const row = whole.records[at]
  if (row === undefined) throw new Error(`no record ${at}`)
  return row
}

/** Everything of a row but whether it is there: `isKept` follows from the payload. */
const rowParts = ["record", "payload", "hash", "segment", "seal"] as const

const flippedRecord = (below: Below): Mutation => {
  for (;;) {
    const at = below(count)
    const row = rowAt(at)
    const part = rowParts[below(rowParts.length)] ?? "record"
    if (row[part] === undefined) continue
    const other: StoredRecord = { ...row, [part]: turned(row[part], below) }
    // A number of which another record is: the first of the two places is not as it was.
    const first = Math.min(row.record.seq, other.record.seq)
    // Behind the end there is nothing yet: the record is missed where it was.
    return {
      what: `${part} of record ${row.record.seq}`,
      tables: { ...whole, records: replaced(whole.records, at, other) },
      first: { what: "record", number: Math.max(1, first) }
    }
  }
}

const flippedHead = (below: Below): Mutation => {
  const at = below(whole.segments.length)
  const stored = whole.segments[at]
  if (stored === undefined) throw new Error(`no segment ${at}`)
  const part = below(2) === 0 ? "head" : "seal"
  const other: StoredSegment = { ...stored, [part]: turned(stored[part], below) }
  return {
    what: `${part} of segment ${at + 1}`,
    tables: { ...whole, segments: replaced(whole.segments, at, other) },
    // Segments begin with the first.
    first: { what: "segment", number: other.head.segment < 1 ? at + 1 : Math.min(at + 1, other.head.segment) }
  }
}

const deleted = (below: Below): Mutation => {
  const at = below(count)
  return {
    what: `record ${at + 1} deleted`,
    tables: { ...whole, records: whole.records.toSpliced(at, 1) },
    first: { what: "record", number: at + 1 }
  }
}

const inserted = (below: Below): Mutation => {
  const at = below(count)
  const row = rowAt(at)
  const isBefore = below(2) === 0
  const forged = { ...row, record: { ...row.record, principal: "user:eve" } }
  return {
    what: `a forged record ${isBefore ? "in front of" : "behind"} ${at + 1}`,
    tables: { ...whole, records: whole.records.toSpliced(isBefore ? at : at + 1, 0, forged) },
    first: { what: "record", number: at + 1 }
  }
}

/** Somebody would hide a record where nobody looks. */
const hidden = (below: Below): Mutation => {
  const row = rowAt(below(count))
  const seq = count + 1 + below(1_000_000)
  const forged = { ...row, record: { ...row.record, seq } }
  return {
    what: `a record ${seq} behind the end`,
    tables: { ...whole, records: [...whole.records, forged] },
    first: { what: "record", number: seq }
  }
}

const swapped = (below: Below): Mutation => {
  const one = below(count)
  const other = (one + 1 + below(count - 1)) % count
  const moved = (from: number, to: number): StoredRecord => {
    const row = rowAt(from)
    return { ...row, record: { ...row.record, seq: rowAt(to).record.seq } }
  }
  const records = replaced(replaced(whole.records, one, moved(other, one)), other, moved(one, other))
  return {
    what: `records ${one + 1} and ${other + 1} swapped`,
    tables: { ...whole, records },
    first: { what: "record", number: Math.min(one, other) + 1 }
  }
}

const truncated = (below: Below): Mutation => {
  const at = below(count)
  return {
    what: `everything from record ${at + 1} on deleted`,
    tables: { ...whole, records: whole.records.slice(0, at) },
    first: { what: "record", number: at + 1 }
  }
}

/** As somebody does it who knows the tables: all of them end in front of the record. */
const cutOff = (below: Below): Mutation => {
  const at = below(sealed)
  const segments = whole.segments.slice(0, segmentOf(at + 1) - 1)
  const last = segments.at(-1)
  const before = whole.records[at - 1]
  const head = {
    ...whole.head,
    seq: at,
    hash: before?.hash ?? new Uint8Array(32),
    segments: segments.length,
    sealedTo: last?.head.last ?? 0,
    prevHead: last === undefined ? new Uint8Array(32) : hashOfHead(last.head)
  }
  return {
    what: `all tables cut off in front of record ${at + 1}`,
    tables: { ...whole, head, segments, records: whole.records.slice(0, at) },
    first: { what: "segment", number: segmentOf(at + 1) }
  }
}

const kinds: ReadonlyArray<(below: Below) => Mutation> = [
  flippedRecord,
  flippedRecord,
  flippedRecord,
  flippedHead,
  deleted,
  inserted,
  hidden,
  swapped,
  truncated,
  cutOff
]

/** Some segments as they were before there were keys. */
const unsigned = (isOlder: (segment: number) => boolean): Tables => ({
  ...whole,
  segments: whole.segments.map((stored) => (isOlder(stored.head.segment) ? { ...stored, seal: undefined } : stored)),
  records: whole.records.map((row) => (isOlder(row.segment) ? { ...row, seal: undefined } : row))
})

describe("an audit chain", () => {
  it.effect("that is older than the keys is whole, and says from where on it is signed", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* walked(unsigned((segment) => segment < 3)), { isWhole: true, signedFrom: 3 })
      const without = yield* walked(unsigned((segment) => segment <= whole.segments.length))
      assert.deepInclude(without, { isWhole: true, signers: [] })
      assert.notProperty(without, "signedFrom")
    })
  )

  it.effect("that was signed once stays so: nobody takes the signatures away, neither of some nor of all", () =>
    Effect.gen(function* () {
      const last = whole.segments.at(-1)
      if (last === undefined) return assert.fail("no segment")
      assert.deepStrictEqual((yield* walked(unsigned((segment) => segment === 3)))?.broken, {
        what: "segment",
        number: 3,
        reason: "is not signed, and the one before it is"
      })
      const none = yield* Effect.provideService(walked(unsigned(() => true)), HeldHeads, {
        held: () => ({ segment: last.head.segment, head: hexOf(hashOfHead(last.head)) })
      })
      assert.deepInclude(none?.broken, { what: "segment", number: last.head.segment })
      // Of what is in no segment yet.
      const records = whole.records.map((row) => (row.segment > last.head.segment ? { ...row, seal: undefined } : row))
      const bare = whole.records.find((row) => row.segment > last.head.segment && row.seal !== undefined)
      assert.deepInclude((yield* walked({ ...whole, records }))?.broken, {
        what: "record",
        number: bare?.record.seq ?? 0,
        reason: "is not signed, and others of its kind before it are"
      })
    })
  )

  it.effect(
    "names the first that is not as it was written, for ten thousand ways to change it",
    () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* walked(whole), {
          isWhole: true,
          records: count,
          older: count,
          segments: sealed / every
        })
        const below = randomOf(20_261_122)
        for (let round = 0; round < 10_000; round++) {
          const { what, tables, first } = (kinds[round % kinds.length] ?? deleted)(below)
          const verdict = yield* walked(tables)
          assert.deepInclude(verdict?.broken, first, `round ${round}, ${what}: ${verdict?.broken?.reason}`)
        }
      }).pipe(
        // Another node has seen the last head.
        Effect.provideService(HeldHeads, {
          held: () => {
            const last = whole.segments.at(-1)
            return last && { segment: last.head.segment, head: hexOf(hashOfHead(last.head)) }
          }
        })
      ),
    300_000
  )
})
