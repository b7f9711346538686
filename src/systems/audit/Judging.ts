/** Judges the rows of a chain one after another: pure, nothing of a row is believed before it was counted again. */

import type { Witness } from "../../protocol/audit/Auditor.ts"
import { hashOfRecord } from "../../protocol/audit/AuditRecord.ts"
import { genesis, hexOf, isSameHash, merkleRoot } from "../../protocol/audit/Hash.ts"
import { digestOf } from "../../protocol/audit/Payload.ts"
import { hashOfHead } from "../../protocol/audit/Segment.ts"
import type { Broken } from "../../protocol/audit/Verdict.ts"
import type { StoredRecord, StoredSegment } from "./AuditLog.ts"
import type { ChainHead } from "./Chain.ts"

const brokenRecord = (number: number, reason: string): Broken => ({ what: "record", number, reason })
const brokenSegment = (number: number, reason: string): Broken => ({ what: "segment", number, reason })
const brokenHead = (number: number, reason: string): Broken => ({ what: "head", number, reason })

/** The hash that the row should have; nothing where its fields cannot be those of any record. */
const ownHash = ({ record }: StoredRecord): Uint8Array | undefined => {
  try {
    return hashOfRecord(record)
  } catch {
    return undefined
  }
}

const payloadFault = ({ record, isKept, payload }: StoredRecord): string | undefined => {
  const { payloadBytes, payloadHash } = record
  if (payloadBytes === undefined) return isKept ? "a payload stands there that was too long to be kept" : undefined
  if (!isKept) return "its payload is gone"
  const { hash, bytes } = digestOf(payload)
  return isSameHash(hash, payloadHash) && bytes === payloadBytes ? undefined : "its payload is another one"
}

/** One chain that is judged, from its first row on. */
export class Judge {
  private readonly witness: Witness | undefined
  private readonly toSeal: number
  /** Hash of the record before; absent where that was archived within a segment. */
  private previous: Uint8Array | undefined = genesis
  /** Hash of the head before. */
  private head = genesis
  private expected = 1
  private segment = 0
  private sealedTo = 0
  /** The segment under way, and the hashes of its records. */
  private current: StoredSegment | undefined
  private leaves: Array<Uint8Array> = []

  /** `sealed` is how many segments there must be. */
  constructor(witness: Witness | undefined, sealed: number) {
    this.witness = witness
    this.toSeal = sealed
  }

  /** Number of the next segment, and of the next record, that is to be judged. */
  get nextSegment(): number {
    return this.current === undefined ? this.segment + 1 : this.current.head.segment + 1
  }
  get nextRecord(): number {
    return this.expected
  }

  /** A segment of which no record is kept. */
  passed(stored: StoredSegment): Broken | undefined {
    const fault = this.opened(stored)
    if (fault !== undefined) return fault
    this.previous = stored.head.lastHash
    return this.closed(stored)
  }

  /** A segment whose first records are not kept: the hash of its last one stands for them. */
  cut(stored: StoredSegment, from: number): Broken | undefined {
    const fault = this.opened(stored)
    this.previous = undefined
    this.expected = from
    return fault
  }

  private opened({ head, isSigned }: StoredSegment): Broken | undefined {
    const { segment, first, last } = head
    if (segment !== this.segment + 1) return brokenSegment(this.segment + 1, "is missing")
    if (isSigned) return brokenSegment(segment, "carries a signature, and nobody signs yet")
    if (first !== this.sealedTo + 1 || last < first)
      return brokenSegment(segment, `says that it goes from ${first} to ${last}, behind record ${this.sealedTo}`)
    if (!isSameHash(head.prevHead, this.head))
      return segment === 1
        ? brokenSegment(1, "names a head before it, and is the first")
        : brokenSegment(
            segment - 1,
            `its head is not the one that segment ${segment} names: one of the two was changed`
          )
    this.current = { head, isSigned }
    this.leaves = []
    return undefined
  }

  private closed({ head }: StoredSegment): Broken | undefined {
    this.head = hashOfHead(head)
    this.segment = head.segment
    this.sealedTo = head.last
    this.expected = head.last + 1
    this.current = undefined
    const { witness } = this
    return witness?.segment === head.segment && witness.head !== hexOf(this.head)
      ? brokenSegment(head.segment, "is not the one that the auditor remembers")
      : undefined
  }

  /** The next row; `next` answers the segment of a number. Times and order are its own to prove, not the table's. */
  record(row: StoredRecord, next: (segment: number) => StoredSegment | undefined): Broken | undefined {
    const { seq } = row.record
    const { expected } = this
    if (seq > expected) return brokenRecord(expected, "is missing")
    if (seq < expected) return brokenRecord(seq, "stands there twice")
    if (this.current === undefined && this.segment < this.toSeal) {
      const following = next(this.segment + 1)
      const fault = following === undefined ? brokenSegment(this.segment + 1, "is missing") : this.opened(following)
      if (fault !== undefined) return fault
    }
    const own = ownHash(row)
    if (own === undefined || !isSameHash(own, row.hash)) return brokenRecord(seq, "is not what its hash was made of")
    if (this.previous !== undefined && !isSameHash(row.record.prevHash, this.previous))
      return brokenRecord(Math.max(1, seq - 1), `its hash is not the one that record ${seq} names`)
    const payload = payloadFault(row)
    if (payload !== undefined) return brokenRecord(seq, payload)
    if (row.isSigned) return brokenRecord(seq, "carries a signature, and nobody signs yet")
    if (row.segment !== (this.current?.head.segment ?? this.segment + 1)) return this.misplaced(row)
    this.previous = own
    this.expected = seq + 1
    this.leaves.push(own)
    return seq === this.current?.head.last ? this.sealed(this.current, own) : undefined
  }

  /** Either the row is not in the segment that it names, or the head before it goes too far. */
  private misplaced({ record: { seq }, segment }: StoredRecord): Broken {
    const head = this.current?.head
    const isTooLong = head !== undefined && this.previous !== undefined && isSameHash(head.lastHash, this.previous)
    return isTooLong
      ? brokenSegment(head.segment, `says that it goes to record ${head.last}`)
      : brokenRecord(seq, `says that it is in segment ${segment}`)
  }

  private sealed(stored: StoredSegment, last: Uint8Array): Broken | undefined {
    const { segment, first, lastHash, root } = stored.head
    if (!isSameHash(lastHash, last)) return brokenSegment(segment, "its last record is another one")
    const isComplete = this.leaves.length === stored.head.last - first + 1
    if (isComplete && !isSameHash(merkleRoot(this.leaves), root))
      return brokenSegment(segment, "its root is not that of its records")
    return this.closed(stored)
  }

  /** There are no more rows: what the row of the chain says of its end must be so. */
  end(head: ChainHead): Broken | undefined {
    const { witness } = this
    if (this.expected <= head.seq) return brokenRecord(this.expected, "is missing")
    if (this.current !== undefined)
      return brokenSegment(this.current.head.segment, `goes to record ${this.current.head.last}, which is not there`)
    if (this.segment < head.segments) return brokenSegment(this.segment + 1, "is missing")
    if (witness !== undefined && witness.segment > head.segments)
      return brokenSegment(head.segments + 1, `is missing: the auditor remembers ${witness.segment} segments`)
    if (head.sealedTo !== this.sealedTo || !isSameHash(head.prevHead, this.head))
      return head.segments === 0
        ? brokenHead(head.seq, "the row of the chain names a segment that is none")
        : brokenSegment(head.segments, "is not the one that the row of the chain names")
    if (this.previous !== undefined && !isSameHash(head.hash, this.previous))
      return brokenRecord(head.seq, "is not the one that the row of the chain names")
    return undefined
  }
}
