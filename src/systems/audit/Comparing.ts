/** Compares a chain with the journal: every event that counts stands in it, in the order of the journal, and says the same. */
import { compareCursors, type PlacedEvent } from "../../events/EventStream.ts"
import { entryOf, hashOfRecord, recordAt } from "../../protocol/audit/AuditRecord.ts"
import { isSameHash } from "../../protocol/audit/Hash.ts"
import type { Broken } from "../../protocol/audit/Verdict.ts"
import type { StoredRecord } from "./AuditLog.ts"
import { type Catalogue, catalogueFrom, categoryOf } from "./Catalogue.ts"
import { catalogueType } from "./Chain.ts"

/** Whether a record says which events are chained from there on. */
export const isCatalogue = ({ record }: StoredRecord): boolean =>
  record.type === catalogueType && record.subject === `auditor/${record.vsm}`

const brokenAt = (number: number, reason: string): Broken => ({ what: "record", number, reason })

/** The fields in which a record differs from what the journal says. */
const differences = ({ record }: StoredRecord, expected: object): string =>
  Object.entries(expected)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(record, name)))
    .map(([name]) => name)
    .join(", ")

/** One chain beside the journal. */
export class Comparison {
  private readonly vsm: string
  private catalogue: Catalogue
  /** Events of the journal that are still to be met, in order. */
  private events: Array<PlacedEvent> = []
  private at = 0
  /** What the journal has begins behind this cursor. */
  readonly start: string
  compared = 0
  older = 0

  constructor(vsm: string, start: string, catalogue: Catalogue) {
    this.vsm = vsm
    this.start = start
    this.catalogue = catalogue
  }

  /** Keeps events that may count under one of these catalogues, beside the one in force. */
  take(events: ReadonlyArray<PlacedEvent>, catalogues: ReadonlyArray<Catalogue>): void {
    const all = [this.catalogue, ...catalogues]
    this.events.splice(0, this.at)
    this.at = 0
    for (const placed of events) {
      const { event } = placed
      if (event.vsm === this.vsm && all.some((each) => categoryOf(each, event) !== undefined)) this.events.push(placed)
    }
  }

  /** The next event that counts. */
  private next(): PlacedEvent | undefined {
    for (; this.at < this.events.length; this.at++) {
      const placed = this.events[this.at]
      if (placed !== undefined && categoryOf(this.catalogue, placed.event) !== undefined) return placed
    }
    return undefined
  }

  private missing(number: number, { event }: PlacedEvent): Broken {
    const { id, type, source } = event
    return brokenAt(number, `in front of it the event ${id} is missing, ${type} of ${source.actor}/${source.id}`)
  }

  /** The next record of the chain, which was judged by itself. */
  record(row: StoredRecord): Broken | undefined {
    const { record } = row
    const next = this.next()
    if (isCatalogue(row)) {
      if (next !== undefined && compareCursors(next.cursor, record.cursor) <= 0) return this.missing(record.seq, next)
      const catalogue = catalogueFrom(row.payload)
      if (catalogue === undefined) return brokenAt(record.seq, "is no catalogue")
      this.catalogue = catalogue
      return undefined
    }
    if (compareCursors(record.cursor, this.start) <= 0) {
      this.older++
      return undefined
    }
    if (next === undefined || compareCursors(next.cursor, record.cursor) > 0)
      return brokenAt(record.seq, "is of no event that the journal has there")
    if (compareCursors(next.cursor, record.cursor) < 0) return this.missing(record.seq, next)
    this.at++
    const category = categoryOf(this.catalogue, next.event)
    if (category === undefined) return brokenAt(record.seq, "is of an event that does not count")
    const { vsm, seq, wall, prevHash } = record
    const expected = recordAt(entryOf(next.event, next.cursor, category), { vsm, seq, wall, prevHash })
    if (!isSameHash(hashOfRecord(expected), row.hash))
      return brokenAt(record.seq, `the journal says another thing of it: ${differences(row, expected)}`)
    this.compared++
    return undefined
  }

  /** There are no more records; the journal was read as far as the chain says that it goes. */
  end(number: number): Broken | undefined {
    const next = this.next()
    return next === undefined ? undefined : this.missing(number, next)
  }
}
