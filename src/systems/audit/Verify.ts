/** Walks a chain from its first record to its last, beside the journal. */
import { Clock, Effect, Fiber } from "effect"
import { compareCursors, EventStream, type PlacedEvent } from "../../events/EventStream.ts"
import { beginning, cursorOf, JournalReader } from "../../events/JournalReader.ts"
import { KeyRing } from "../../protocol/audit/AuditKey.ts"
import type { Witness } from "../../protocol/audit/Auditor.ts"
import type { Broken, Verdict } from "../../protocol/audit/Verdict.ts"
import { AuditLog, type StoredRecord, type StoredSegment } from "./AuditLog.ts"
import { type Catalogue, catalogueFrom } from "./Catalogue.ts"
import type { ChainHead } from "./Chain.ts"
import { Comparison, isCatalogue } from "./Comparing.ts"
import { HeldHeads } from "./HeldHeads.ts"
import { type HeldHead, Judge } from "./Judging.ts"
import { isAged } from "./Retention.ts"

/** Rows, and commits of the journal, read at a time. */
const batch = 1000
const selection = { hasSamples: false, matches: () => true }

/** In front of what the journal has. */
const journalStart = Effect.gen(function* () {
  const journal = yield* JournalReader
  const [first] = yield* journal.read(beginning, 1, "events")
  return cursorOf(first === undefined ? yield* journal.end : { ...first.at, position: first.at.position - 1 })
})

/** The segments whose records were archived: their heads must hang together, and be old enough. */
const walkArchived = Effect.fnUntraced(function* (vsm: string, judge: Judge, first: number) {
  const log = yield* AuditLog
  const now = yield* Clock.currentTimeMillis
  while (judge.nextRecord < first) {
    const segments = yield* log.segments(vsm, judge.nextSegment, batch)
    for (const stored of segments) {
      const { head } = stored
      if (judge.nextRecord >= first) break
      if (!isAged(head.sealedAt, now)) return missing(judge.nextRecord)
      const fault = head.last < first ? judge.passed(stored) : judge.cut(stored, first)
      if (fault !== undefined) return fault
    }
    if (segments.length === 0) return missing(judge.nextRecord)
  }
  return undefined
})

const missing = (number: number): Broken => ({ what: "record", number, reason: "is missing" })

/** What is known in front of the first row: the catalogue that it was chained under, and where the chain began. */
const beginningOf = ([first]: ReadonlyArray<StoredRecord>, kept: string) => {
  const isFirst = first?.record.seq === 1 && isCatalogue(first)
  return isFirst && compareCursors(first.record.cursor, kept) > 0 ? first.record.cursor : kept
}

const catalogues = (rows: ReadonlyArray<StoredRecord>): ReadonlyArray<Catalogue> =>
  rows.filter(isCatalogue).flatMap(({ payload }) => {
    const catalogue = catalogueFrom(payload)
    return catalogue === undefined ? [] : [catalogue]
  })

/** How far the journal must be read for these rows; what is no cursor stands in a row that is broken anyway. */
const furthest = (rows: ReadonlyArray<StoredRecord>): string | undefined => {
  const cursors = rows
    .map(({ record }) => record.cursor)
    .filter((cursor) => /^\d{1,19}\.\d{1,15}(\.\d{1,6})?$/.test(cursor))
  return cursors.reduce<string | undefined>(
    (last, cursor) => (last === undefined || compareCursors(last, cursor) < 0 ? cursor : last),
    undefined
  )
}

/** The journal, read as far as it is asked for. */
const reading = Effect.fnUntraced(function* (start: string, comparison: Comparison) {
  const stream = yield* EventStream
  let cursor = start
  let isOver = false
  /** What was read beyond what was asked for. */
  let beyond: ReadonlyArray<PlacedEvent> = []
  return Effect.fnUntraced(function* (upTo: string, known: ReadonlyArray<Catalogue>) {
    const events = [...beyond]
    while (!isOver && compareCursors(cursor, upTo) < 0) {
      const limits = { events: Number.POSITIVE_INFINITY, commits: batch }
      const page = yield* stream.read({ _tag: "After", cursor }, selection, limits)
      for (const placed of page.events) events.push(placed)
      isOver = !page.hasMore
      cursor = page.next
    }
    // What is behind the end of the chain is not chained yet.
    const end = events.findLastIndex((placed) => compareCursors(placed.cursor, upTo) <= 0) + 1
    beyond = events.slice(end)
    comparison.take(events.slice(0, end), known)
  })
})

const walk = Effect.fnUntraced(function* (
  vsm: string,
  head: ChainHead,
  judge: Judge,
  comparison: Comparison,
  first: ReadonlyArray<StoredRecord>
) {
  const log = yield* AuditLog
  const read = yield* reading(comparison.start, comparison)
  let page = first
  while (page.length > 0) {
    // The last one of a full page waits for the next: it may stand there twice.
    const isLast = page.length < batch
    const rows = isLast ? page : page.slice(0, -1)
    // The database looks for the next page while this one is judged.
    const next = isLast ? undefined : yield* Effect.forkChild(log.records(vsm, page.at(-1)?.record.seq ?? 0, batch))
    const from = judge.nextSegment
    const known = new Map<number, StoredSegment>()
    for (const stored of yield* log.segments(vsm, from, batch + 1))
      if (stored.head.segment <= head.segments) known.set(stored.head.segment, stored)
    const upTo = furthest(rows)
    if (upTo !== undefined) yield* read(upTo, catalogues(rows))
    for (const row of rows) {
      const fault = judge.record(row, (number) => known.get(number)) ?? comparison.record(row)
      if (fault !== undefined) return fault
    }
    if (next === undefined) break
    page = within(head, yield* Fiber.join(next))
  }
  const fault = judge.end(head)
  if (fault !== undefined) return fault
  yield* read(head.cursor, [])
  return comparison.end(head.seq + 1)
})

/** What was added since the head was read is left for the next time. */
const within = ({ seq }: ChainHead, rows: ReadonlyArray<StoredRecord>): ReadonlyArray<StoredRecord> =>
  // As many as were read: a page that is not full would be the last.
  rows.some(({ record }) => record.seq > seq) ? rows.filter(({ record }) => record.seq <= seq) : rows

/** What others remember: the auditor in its own row, this node in its data folder. */
const heldOf = (remembered: Witness | undefined, held: Witness | undefined): ReadonlyArray<HeldHead> => [
  ...(remembered === undefined ? [] : [{ ...remembered, by: "the auditor", isSigned: false }]),
  ...(held === undefined ? [] : [{ ...held, by: "the node that walks it", isSigned: true }])
]

/** What stands behind the end of a chain was not chained. Read before the end is: that may have gone on meanwhile. */
const behindEnd = Effect.fnUntraced(function* (vsm: string) {
  const log = yield* AuditLog
  const [record] = yield* log.find({ vsm, limit: 1 })
  const segment = (yield* log.lastSegments).find(({ head }) => head.vsm === vsm)
  const end = yield* log.head(vsm)
  const reason = "stands behind the end of the chain"
  if (record !== undefined && end !== undefined && record.record.seq > end.seq)
    return { what: "record", number: record.record.seq, reason } satisfies Broken
  if (segment !== undefined && end !== undefined && segment.head.segment > end.segments)
    return { what: "segment", number: segment.head.segment, reason } satisfies Broken
  return undefined
})

const verifyOnce = Effect.fnUntraced(function* (vsm: string, witness: Witness | undefined, current: Catalogue) {
  const log = yield* AuditLog
  // Read first: what is sealed meanwhile is ahead of what this node holds.
  const own = (yield* HeldHeads).held(vsm)
  const head = yield* log.head(vsm)
  if (head === undefined) return undefined
  const evidence = {
    held: heldOf(witness, own),
    ring: new KeyRing(yield* log.keys),
    erased: yield* log.erased(vsm),
    last: head.seq
  }
  const kept = yield* journalStart
  const rows = within(head, yield* log.records(vsm, 0, batch))
  const first = rows[0]?.record.seq ?? head.seq + 1
  const judge = new Judge(evidence, head.segments)
  const comparison = new Comparison(vsm, beginningOf(rows, kept), current)
  const broken =
    (yield* walkArchived(vsm, judge, first)) ??
    (yield* walk(vsm, head, judge, comparison, rows)) ??
    (yield* behindEnd(vsm))
  const { compared, older } = comparison
  const verdict: Verdict = {
    vsm,
    isWhole: broken === undefined,
    ...(broken !== undefined && { broken }),
    records: judge.nextRecord - first,
    first,
    last: head.seq,
    segments: head.segments,
    ...(head.sealedTo < head.seq && { unsealed: { first: head.sealedTo + 1, last: head.seq } }),
    compared,
    older,
    erased: judge.erasedCount,
    ...(judge.signedFrom !== undefined && { signedFrom: judge.signedFrom }),
    signers: [...judge.signers],
    isWitnessed: witness !== undefined,
    isHeld: own !== undefined
  }
  return { verdict, kept, erased: evidence.erased.size }
})

/**
 * Walks the chain of a VSM; nothing where it has none. `witness` is what its auditor remembers, read before; `current` the
 * catalogue of this release, for a chain whose own was archived.
 */
export const verify = Effect.fnUntraced(function* (vsm: string, witness: Witness | undefined, current: Catalogue) {
  const log = yield* AuditLog
  const found = yield* verifyOnce(vsm, witness, current)
  if (found?.verdict.broken === undefined) return found?.verdict
  const isSettled = (yield* journalStart) === found.kept && (yield* log.erased(vsm)).size === found.erased
  if (isSettled) return found.verdict
  // The journal dropped a day meanwhile, and what was missing in it then is older than it now; or a payload was taken away.
  return (yield* verifyOnce(vsm, witness, current))?.verdict
})
