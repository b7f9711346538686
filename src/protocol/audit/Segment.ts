/** Segments of an audit chain: what is sealed together, and the head that stands for it. */
import { major } from "../CborReader.ts"
import { CborWriter } from "../CborWriter.ts"
import { hashOf } from "./Hash.ts"

/** Records of one segment, at most. */
export const segmentRecordsMax = 1024
/** A segment is sealed so long after its first record was chained, ms. */
export const segmentMillisMax = 10_000

/** The form of heads that this release writes. */
const headForm = 1

/** What stands for a segment for ever, also when its records are not kept any more. */
export interface Segment {
  readonly vsm: string
  /** From 1 on, without a gap. */
  readonly segment: number
  readonly first: number
  readonly last: number
  /** Over the hashes of its records. */
  readonly root: Uint8Array
  /** Hash of its last record. */
  readonly lastHash: Uint8Array
  /** Hash of the head before it. */
  readonly prevHead: Uint8Array
  /** When it was sealed, ms. */
  readonly sealedAt: number
}

const writer = new CborWriter()

/** Deterministic CBOR, a map by number. */
export const encodeHead = (head: Segment): Uint8Array => {
  writer.begin()
  writer.head(major.map, 9)
  writer.number(1)
  writer.number(headForm)
  writer.number(2)
  writer.text(head.vsm)
  for (const [key, value] of [
    [3, head.segment],
    [4, head.first],
    [5, head.last]
  ] as const) {
    writer.number(key)
    writer.number(value)
  }
  for (const [key, value] of [
    [6, head.root],
    [7, head.lastHash],
    [8, head.prevHead]
  ] as const) {
    writer.number(key)
    writer.byteString(value)
  }
  writer.number(9)
  writer.number(head.sealedAt)
  return writer.take()
}

/** SHA-256 of a zero byte and the head. */
export const hashOfHead = (head: Segment): Uint8Array => hashOf(encodeHead(head))
