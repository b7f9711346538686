/** Judges the rows of a chain one after another: pure, nothing of a row is believed before it was counted again. */

import { type KeyRing, sealFault } from "../../protocol/audit/AuditKey.ts"
import type { Witness } from "../../protocol/audit/Auditor.ts"
import { encodeRecord } from "../../protocol/audit/AuditRecord.ts"
import { isSignedAlone } from "../../protocol/audit/Category.ts"
import { genesis, hashOf, hexOf, isSameHash, merkleRoot } from "../../protocol/audit/Hash.ts"
import { digestOf } from "../../protocol/audit/Payload.ts"
import { headContext, recordContext } from "../../protocol/audit/Sealed.ts"
import { encodeHead, hashOfHead } from "../../protocol/audit/Segment.ts"
import type { Broken } from "../../protocol/audit/Verdict.ts"
import type { StoredRecord, StoredSegment } from "./AuditLog.ts"
import type { ChainHead } from "./Chain.ts"

const brokenRecord = (number: number, reason: string): Broken => ({ what: "record", number, reason })
const brokenSegment = (number: number, reason: string): Broken => ({ what: "segment", number, reason })
const brokenHead = (number: number, reason: string): Broken => ({ what: "head", number, reason })

/** The bytes that the row's hash is made of; nothing where its fields cannot be those of any record. */
const ownBytes = ({ record }: StoredRecord): Uint8Array | undefined => {
  try {
    return encodeRecord(record)
  } catch {
    return undefined
  }
}

/** A head that somebody else remembers. */
export interface HeldHead extends Witness {
  /** As it stands in a sentence: `the auditor`. */
  readonly by: string
  /** Whether it carried a good signature then. */
  readonly isSigned: boolean
}

/** What a chain is held against. */
export interface Evidence {
  readonly held: ReadonlyArray<HeldHead>
  readonly ring: KeyRing
  /** Whose payloads were taken away, with the number of the record that says so. That one is judged, too, if it is in the chain. */
  readonly erased: ReadonlyMap<number, number>
  /** Number of the last record: what stands behind it says nothing. */
  readonly last: number
}

const payloadFault = ({ record, isKept, payload }: StoredRecord, { erased, last }: Evidence): string | undefined => {
  const { payloadBytes, payloadHash, seq } = record
  if (payloadBytes === undefined) return isKept ? "a payload stands there that was too long to be kept" : undefined
  if (!isKept) {
    const by = erased.get(seq)
    return by !== undefined && by > seq && by <= last ? undefined : "its payload is gone"
  }
  const { hash, bytes } = digestOf(payload)
  return isSameHash(hash, payloadHash) && bytes === payloadBytes ? undefined : "its payload is another one"
}

/** One chain that is judged, from its first row on. */
export class Judge {
  private readonly evidence: Evidence
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
  /** Whether a record was met that is signed by itself: from then on all that should be are. */
  private isSigning = false
  /** The first segment whose head is signed: those before are older than the keys. */
  signedFrom: number | undefined
  /** Issuers of the keys that signed, in hex. */
  readonly signers = new Set<string>()
  /** Payloads that were taken away. */
  erasedCount = 0

  /** `sealed` is how many segments there must be. */
  constructor(evidence: Evidence, sealed: number) {
    this.evidence = evidence
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

  private opened(stored: StoredSegment): Broken | undefined {
    const { head } = stored
    const { segment, first, last } = head
    if (segment !== this.segment + 1) return brokenSegment(this.segment + 1, "is missing")
    if (stored.hasWitnesses) return brokenSegment(segment, "names witnesses, and nobody writes any there")
    const unsigned = this.headFault(stored)
    if (unsigned !== undefined) return brokenSegment(segment, unsigned)
    if (first !== this.sealedTo + 1 || last < first)
      return brokenSegment(segment, `says that it goes from ${first} to ${last}, behind record ${this.sealedTo}`)
    if (!isSameHash(head.prevHead, this.head))
      return segment === 1
        ? brokenSegment(1, "names a head before it, and is the first")
        : brokenSegment(
            segment - 1,
            `its head is not the one that segment ${segment} names: one of the two was changed`
          )
    this.current = stored
    this.leaves = []
    return undefined
  }

  private headFault({ head, seal }: StoredSegment): string | undefined {
    if (seal === undefined) return this.signedFrom === undefined ? undefined : "is not signed, and the one before it is"
    const { ring } = this.evidence
    const fault = sealFault(ring, seal, encodeHead(head), headContext, head.sealedAt)
    if (fault !== undefined) return fault
    this.signedFrom ??= head.segment
    const issuer = ring.find(seal.keyId)?.certificate.issuer
    if (issuer !== undefined) this.signers.add(hexOf(issuer))
    return undefined
  }

  private recordFault({ record, seal }: StoredRecord, bytes: Uint8Array): string | undefined {
    if (!isSignedAlone(record.category))
      return seal === undefined ? undefined : "carries a signature, and none of its kind does"
    if (seal === undefined) return this.isSigning ? "is not signed, and others of its kind before it are" : undefined
    this.isSigning = true
    return sealFault(this.evidence.ring, seal, bytes, recordContext, record.wall)
  }

  private closed({ head }: StoredSegment): Broken | undefined {
    this.head = hashOfHead(head)
    this.segment = head.segment
    this.sealedTo = head.last
    this.expected = head.last + 1
    this.current = undefined
    const other = this.evidence.held.find((held) => held.segment === head.segment && held.head !== hexOf(this.head))
    return other === undefined ? undefined : brokenSegment(head.segment, `is not the one that ${other.by} remembers`)
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
    const bytes = ownBytes(row)
    const own = bytes === undefined ? undefined : hashOf(bytes)
    if (bytes === undefined || own === undefined || !isSameHash(own, row.hash))
      return brokenRecord(seq, "is not what its hash was made of")
    if (this.previous !== undefined && !isSameHash(row.record.prevHash, this.previous))
      return brokenRecord(Math.max(1, seq - 1), `its hash is not the one that record ${seq} names`)
    const fault = payloadFault(row, this.evidence) ?? this.recordFault(row, bytes)
    if (fault !== undefined) return brokenRecord(seq, fault)
    if (!row.isKept && row.record.payloadBytes !== undefined) this.erasedCount++
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
    const { held } = this.evidence
    if (this.expected <= head.seq) return brokenRecord(this.expected, "is missing")
    if (this.current !== undefined)
      return brokenSegment(this.current.head.segment, `goes to record ${this.current.head.last}, which is not there`)
    if (this.segment < head.segments) return brokenSegment(this.segment + 1, "is missing")
    for (const { by, segment, isSigned } of held) {
      if (segment > head.segments)
        return brokenSegment(head.segments + 1, `is missing: ${by} remembers ${segment} segments`)
      if (isSigned && this.signedFrom === undefined)
        return brokenSegment(segment, `is not signed any more: ${by} knows better`)
    }
    if (head.sealedTo !== this.sealedTo || !isSameHash(head.prevHead, this.head))
      return head.segments === 0
        ? brokenHead(head.seq, "the row of the chain names a segment that is none")
        : brokenSegment(head.segments, "is not the one that the row of the chain names")
    if (this.previous !== undefined && !isSameHash(head.hash, this.previous))
      return brokenRecord(head.seq, "is not the one that the row of the chain names")
    return undefined
  }
}
