/** How a chain grows: records one behind the other, sealed in segments. No clock and no table: those are handed in. */
import { type AuditEntry, type AuditRecord, encodeRecord, recordAt } from "../../protocol/audit/AuditRecord.ts"
import { isSignedAlone } from "../../protocol/audit/Category.ts"
import { genesis, hashOf, hexOf, merkleRoot } from "../../protocol/audit/Hash.ts"
import { headContext, recordContext, type Seal } from "../../protocol/audit/Sealed.ts"
import { encodeHead, type Segment, segmentMillisMax, segmentRecordsMax } from "../../protocol/audit/Segment.ts"
import { uuidText } from "../../protocol/Ids.ts"
import type { Sign1Context } from "../../protocol/image/Cose.ts"
import { type Catalogue, hashOfCatalogue } from "./Catalogue.ts"

/** Where a chain ends, and how far in the journal that is. */
export interface ChainHead {
  readonly vsm: string
  /** Counts what was written of it: who expects another number has been overtaken. 0 for a chain that stands nowhere yet. */
  readonly version: number
  readonly seq: number
  /** Of the last record. */
  readonly hash: Uint8Array
  /** Behind which the journal was not read. */
  readonly cursor: string
  /** Time of the last record, ms. */
  readonly wall: number
  /** How many segments are sealed, the last record in them, and the hash of the last head. */
  readonly segments: number
  readonly sealedTo: number
  readonly prevHead: Uint8Array
  /** When the first record was chained that is in no segment; absent where all are. */
  readonly openedAt: number | undefined
  /** Hash of the catalogue in force. */
  readonly catalogue: Uint8Array
}

/** A record with what stands beside it in its row. */
export interface ChainedRecord {
  readonly record: AuditRecord
  readonly payload: unknown
  readonly hash: Uint8Array
  readonly segment: number
  /** Of a record that is signed by itself. */
  readonly seal: Seal | undefined
}

/** The head of a segment, signed. */
export interface SealedSegment {
  readonly head: Segment
  readonly seal: Seal
}

/** Who signs what is chained. */
export interface Signer {
  readonly keyId: Uint8Array
  /** Nothing of an earlier time is signed, ms. */
  readonly from: number
  /** The bare signature of a COSE_Sign1. */
  readonly sign: (payload: Uint8Array, context: Sign1Context) => Uint8Array
}

/** What is written at once. */
export interface Growth {
  readonly head: ChainHead
  readonly records: ReadonlyArray<ChainedRecord>
  readonly segments: ReadonlyArray<SealedSegment>
  /** Numbers of the records whose payloads are taken away by what was chained. */
  readonly erased: ReadonlyArray<number>
  /** Hashes of the records that are in no segment. */
  readonly open: ReadonlyArray<Uint8Array>
}

/** A chain without a record, which reads on behind a cursor. */
export const emptyChain = (vsm: string, cursor: string): ChainHead => ({
  vsm,
  version: 0,
  seq: 0,
  hash: genesis,
  cursor,
  wall: 0,
  segments: 0,
  sealedTo: 0,
  prevHead: genesis,
  openedAt: undefined,
  catalogue: genesis
})

/** Type of the record that says which events are chained from there on. */
export const catalogueType = "audit.catalogue"

/** Type of the record that takes the payload of another one away. */
export const erasedType = "audit.erased"

/** The number of the record whose payload this one takes away: only the auditor of the chain says so. */
export const erasedBy = ({ type, subject, vsm, seq }: AuditRecord, payload: unknown): number | undefined => {
  if (type !== erasedType || subject !== `auditor/${vsm}`) return undefined
  const { seq: erased } = Object(payload)
  return typeof erased === "number" && erased < seq ? erased : undefined
}

/** The record of a catalogue is of no event: its id is drawn from its place. */
const catalogueEntry = ({ vsm, cursor, seq }: ChainHead, catalogue: Catalogue, now: number): AuditEntry => ({
  id: uuidText(
    Uint8Array.from(
      Buffer.from(`${hexOf(hashOfCatalogue(catalogue)).slice(0, 16)}${seq.toString(16).padStart(16, "0")}`, "hex")
    )
  ),
  cursor,
  hlc: { ms: now, ctr: 0, node: "0000000000000000" },
  at: now,
  category: "policy",
  type: catalogueType,
  severity: "info",
  subject: `auditor/${vsm}`,
  subjectSeq: 0,
  principal: "service:holon",
  root: undefined,
  capability: undefined,
  zone: undefined,
  unit: undefined,
  causes: [],
  payload: catalogue
})

/** Whether records wait to be sealed that have waited long enough. */
export const isSealDue = ({ openedAt }: ChainHead, now: number): boolean =>
  openedAt !== undefined && now >= openedAt + segmentMillisMax

/** A chain that is written to: begun with its head and the hashes of what is not sealed, ended with what is to be stored. */
export class Growing {
  private head: ChainHead
  private open: Array<Uint8Array>
  private readonly records: Array<ChainedRecord> = []
  private readonly segments: Array<SealedSegment> = []
  private readonly erased: Array<number> = []
  private readonly signer: Signer
  private readonly now: number

  constructor(head: ChainHead, open: ReadonlyArray<Uint8Array>, now: number, signer: Signer) {
    this.head = head
    this.open = [...open]
    this.signer = signer
    // Months are dropped as a whole, and a key signs nothing from before its time: time must not run back along a chain,
    // whatever clocks do.
    this.now = Math.max(head.wall, signer.from, now)
  }

  private sealOf(payload: Uint8Array, context: Sign1Context): Seal {
    return { signature: this.signer.sign(payload, context), keyId: this.signer.keyId }
  }

  /** Says which events are chained from here on, where that was not so before. */
  agree(catalogue: Catalogue): void {
    const hash = hashOfCatalogue(catalogue)
    if (Buffer.compare(hash, this.head.catalogue) === 0) return
    this.add(catalogueEntry(this.head, catalogue, this.now))
    this.head = { ...this.head, catalogue: hash }
  }

  add(entry: AuditEntry): void {
    const { head, now } = this
    const seq = head.seq + 1
    const record = recordAt(entry, { vsm: head.vsm, seq, wall: now, prevHash: head.hash })
    const bytes = encodeRecord(record)
    const hash = hashOf(bytes)
    const seal = isSignedAlone(record.category) ? this.sealOf(bytes, recordContext) : undefined
    this.records.push({ record, payload: entry.payload, hash, segment: head.segments + 1, seal })
    const erased = erasedBy(record, entry.payload)
    if (erased !== undefined) this.erased.push(erased)
    this.open.push(hash)
    this.head = { ...head, seq, hash, wall: now, openedAt: head.openedAt ?? now }
    if (this.open.length >= segmentRecordsMax) this.seal()
  }

  /** Everything in front of the cursor is chained. */
  reach(cursor: string): void {
    this.head = { ...this.head, cursor }
  }

  /** Seals what is open. */
  seal(): void {
    const { head, open } = this
    if (open.length === 0) return
    const { vsm, sealedTo, seq: last, hash: lastHash, prevHead } = head
    const sealed: Segment = {
      vsm,
      segment: head.segments + 1,
      first: sealedTo + 1,
      last,
      root: merkleRoot(open),
      lastHash,
      prevHead,
      sealedAt: this.now
    }
    const bytes = encodeHead(sealed)
    this.segments.push({ head: sealed, seal: this.sealOf(bytes, headContext) })
    this.open = []
    this.head = {
      ...head,
      segments: sealed.segment,
      sealedTo: last,
      prevHead: hashOf(bytes),
      openedAt: undefined
    }
  }

  /** What is to be written, as the next version of the chain. */
  end(): Growth {
    const { head, records, segments, erased, open } = this
    return { head: { ...head, version: head.version + 1 }, records, segments, erased, open }
  }
}
