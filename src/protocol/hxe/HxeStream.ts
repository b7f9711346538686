/**
 * Verifies an image while it arrives, in pieces of any size. It refuses as early as the bytes allow, hands code and rodata
 * on, and keeps only header and metadata: a board has no room for an image and its program at once.
 */
import { createHash, type Hash } from "node:crypto"
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../Codes.ts"
import { carriedOver } from "./Checksum.ts"
import { GrowingBytes } from "./GrowingBytes.ts"
import {
  extensionFault,
  hasTable,
  headerBytesOf,
  layoutFault,
  lengthsFault,
  magicFault,
  malformed,
  programEnd,
  readHeader,
  readTable,
  tableEnd,
  tableFault,
  versionFault,
  versionOf
} from "./Header.ts"
import {
  crcOffset,
  type HxeFacts,
  type HxeHeader,
  type HxeOptions,
  type HxeRefused,
  type HxeSignature,
  headerBytes
} from "./Hxe.ts"
import { readFacts } from "./HxeReader.ts"
import { beginDigest, continueDigest } from "./SignedDigest.ts"

/** What a stream is told of the image to come. */
export interface HxeStreamOptions extends HxeOptions {
  /** Most bytes of an image that are taken; more fail with ENOSPC. */
  readonly bytesMax: number
  /** Bytes of the image, where its sender says so: then what cannot fit is refused before it arrives. */
  readonly totalBytes?: number | undefined
  /** Most bytes kept of what follows the rodata; more fail with ENOSPC. Default `bytesMax`; without `strict` not looked at. */
  readonly metadataBytesMax?: number
  /** Whether to compute the digest that a signature covers. Default true; without it nobody can verify one. */
  readonly digestsSigned?: boolean
  /** Gets code and rodata piece by piece and in order; `offset` counts from the part's start. The bytes are the sender's. */
  readonly take?: (part: "code" | "rodata", offset: number, bytes: Uint8Array) => void
}

/** What is known of an image that arrived and passed. */
export interface HxeReceived extends HxeFacts {
  readonly bytes: number
  /** Of the whole file, other than the header's. */
  readonly crc32: number
  readonly sha256: Uint8Array
  /** What a signature of the image covers; `undefined` where it can have none, or it was not asked for. */
  readonly signedDigest: Uint8Array | undefined
}

const tooLarge: HxeRefused = { code: codes.ENOSPC, detail: "image_too_large" }

const noRoom = (needed: number, free: number): HxeRefused => ({
  code: codes.ENOSPC,
  detail: `budget:metadata:${needed}/${free}`
})

/** Bytes from which version and magic can be told. */
const startBytes = 6

/** One image on its way. */
export class HxeStream {
  private readonly options: HxeStreamOptions
  private readonly isStrict: boolean
  private readonly head = new Uint8Array(headerBytes[2])
  /** File bytes from {@link base} on. */
  private kept = new GrowingBytes(0)
  private base = 0
  private known: HxeHeader | undefined
  private refusal: HxeRefused | undefined
  private received = 0
  private isTableChecked = false
  /** Of what the header's CRC covers so far. */
  private contentCrc = 0
  /** How the CRC of the whole header differs from that of what is covered of it. */
  private headDifference = 0
  private readonly fileHash: Hash = createHash("sha256")
  private signedHash: Hash | undefined
  private ended: Result.Result<HxeReceived, HxeRefused> | undefined

  constructor(options: HxeStreamOptions) {
    this.options = options
    this.isStrict = options.strict ?? true
    const { totalBytes, bytesMax } = options
    if (totalBytes === undefined) return
    if (totalBytes > bytesMax) this.refusal = tooLarge
    else if (totalBytes < headerBytes[1]) this.refusal = malformed("hxe_too_small")
  }

  /** The header, once all of it is there and found right. */
  get header(): HxeHeader | undefined {
    return this.known
  }

  /** Bytes taken so far. */
  get bytes(): number {
    return this.received
  }

  /** CRC-32 of all bytes taken so far. */
  get crc32(): number {
    if (this.known === undefined) return crc32(this.head.subarray(0, this.received))
    const bodyBytes = this.received - headerBytes[this.known.version]
    return (this.contentCrc ^ carriedOver(this.headDifference, bodyBytes)) >>> 0
  }

  /** Takes the next bytes; a refusal is final, and answers every later piece too. Never throws. */
  push(bytes: Uint8Array): HxeRefused | undefined {
    if (this.refusal !== undefined) return this.refusal
    if (this.ended !== undefined) return malformed("length_mismatch")
    const { totalBytes, bytesMax } = this.options
    // What fits is looked at first, so that the answer does not depend on how the bytes are cut.
    const room = (totalBytes ?? bytesMax) - this.received
    const taken = bytes.length > room ? bytes.subarray(0, room) : bytes
    this.fileHash.update(taken)
    this.refusal = this.take(taken)
    if (this.refusal === undefined && taken.length < bytes.length)
      this.refusal = totalBytes === undefined ? tooLarge : malformed("length_mismatch")
    return this.refusal
  }

  private take(bytes: Uint8Array): HxeRefused | undefined {
    let rest = bytes
    while (this.known === undefined && rest.length > 0) {
      const wanted = this.headWanted()
      const piece = rest.subarray(0, wanted - this.received)
      this.head.set(piece, this.received)
      this.received += piece.length
      rest = rest.subarray(piece.length)
      if (this.received < wanted) return undefined
      const refused = this.checkHead()
      if (refused !== undefined) return refused
    }
    return this.known === undefined || rest.length === 0 ? undefined : this.takeBody(this.known, rest)
  }

  /** Number of bytes at which the header is looked at next. */
  private headWanted(): number {
    if (this.received < startBytes) return startBytes
    return this.received < headerBytes[1] ? headerBytes[1] : headerBytesOf(versionOf(this.head))
  }

  private checkHead(): HxeRefused | undefined {
    const fault = this.headFault()
    if (fault !== undefined) return malformed(fault)
    if (this.received < headerBytes[1] || this.received < headerBytesOf(versionOf(this.head))) return undefined
    return this.begin(readHeader(this.head))
  }

  private headFault(): string | undefined {
    if (this.received === startBytes) return versionFault(versionOf(this.head)) ?? magicFault(this.head)
    const { totalBytes = Number.POSITIVE_INFINITY } = this.options
    // Of version 2 the name and the place of the table are still missing at 32 bytes, and read as none.
    const header = readHeader(this.head)
    if (this.received > headerBytes[1])
      return extensionFault(this.head, this.isStrict) ?? layoutFault(header, totalBytes)
    if (totalBytes < headerBytes[header.version]) return "header_truncated"
    return lengthsFault(header, this.isStrict) ?? layoutFault(header, totalBytes)
  }

  /** The header is right: makes ready for what it announces. */
  private begin(header: HxeHeader): HxeRefused | undefined {
    const { totalBytes, bytesMax, digestsSigned = true } = this.options
    if (tableEnd(header) > bytesMax) return tooLarge
    const head = this.head.subarray(0, this.received)
    this.base = this.isStrict ? programEnd(header) : 0
    const expected = totalBytes === undefined ? 0 : totalBytes - this.base
    if (expected > this.keptMax) return noRoom(expected, this.keptMax)
    this.kept = new GrowingBytes(expected)
    if (!this.isStrict) this.kept.append(head)
    this.contentCrc = crc32(head.subarray(0, crcOffset))
    this.headDifference = crc32(head) ^ this.contentCrc
    if (digestsSigned && (header.version === 1 || hasTable(header))) this.signedHash = beginDigest(head)
    this.known = header
    return undefined
  }

  private get keptMax(): number {
    const { bytesMax, metadataBytesMax = bytesMax } = this.options
    return this.isStrict ? metadataBytesMax : bytesMax
  }

  private takeBody(header: HxeHeader, bytes: Uint8Array): HxeRefused | undefined {
    const at = this.received
    this.received += bytes.length
    this.contentCrc = crc32(bytes, this.contentCrc)
    const codeAt = headerBytes[header.version]
    this.handOn("code", codeAt, header.codeLength, at, bytes)
    this.handOn("rodata", codeAt + header.codeLength, header.rodataLength, at, bytes)
    const program = Math.min(Math.max(programEnd(header) - at, 0), bytes.length)
    this.signedHash?.update(bytes.subarray(0, program))
    const kept = this.isStrict ? bytes.subarray(program) : bytes
    if (this.kept.length + kept.length > this.keptMax) return noRoom(this.keptMax + 1, this.keptMax)
    this.kept.append(kept)
    return this.isTableChecked || this.received < tableEnd(header) ? undefined : this.checkTable(header)
  }

  /** Hands on what these bytes, which stand at `at` of the file, hold of a part of the program. */
  private handOn(part: "code" | "rodata", partAt: number, length: number, at: number, bytes: Uint8Array): void {
    const start = Math.max(partAt - at, 0)
    const end = Math.min(partAt + length - at, bytes.length)
    if (start < end) this.options.take?.(part, at + start - partAt, bytes.subarray(start, end))
  }

  private checkTable(header: HxeHeader): HxeRefused | undefined {
    this.isTableChecked = true
    const { totalBytes = Number.POSITIVE_INFINITY } = this.options
    const sections = readTable(header, this.kept.view(), this.base)
    const fault = tableFault(header, sections, totalBytes, this.isStrict)
    return fault === undefined ? undefined : malformed(fault)
  }

  /** Says that nothing follows, and reads what was kept. A repeat gets the same answer. Never throws. */
  end(): Result.Result<HxeReceived, HxeRefused> {
    this.ended ??= this.finish()
    return this.ended
  }

  private finish(): Result.Result<HxeReceived, HxeRefused> {
    if (this.refusal !== undefined) return Result.fail(this.refusal)
    const { totalBytes } = this.options
    const header = this.known
    if (totalBytes !== undefined && this.received < totalBytes) return Result.fail(malformed("length_mismatch"))
    if (header === undefined)
      return Result.fail(malformed(this.received < headerBytes[1] ? "hxe_too_small" : "header_truncated"))
    if (this.contentCrc !== header.crc32) return Result.fail(malformed("crc_mismatch"))
    if (this.received < programEnd(header)) return Result.fail(malformed("truncated"))
    const facts = readFacts(header, this.kept.view(), this.base, this.isStrict)
    if (Result.isFailure(facts)) return Result.fail(facts.failure)
    return Result.succeed({
      ...facts.success,
      bytes: this.received,
      crc32: this.crc32,
      sha256: this.fileHash.digest(),
      signedDigest: this.signedDigest(header, facts.success.signature)
    })
  }

  private signedDigest(header: HxeHeader, signature: HxeSignature | undefined): Uint8Array | undefined {
    if (this.signedHash === undefined || (header.version === 2 && signature === undefined)) return undefined
    const at = programEnd(header)
    continueDigest(this.signedHash, this.kept.view().subarray(at - this.base), at, signature)
    return this.signedHash.digest()
  }
}
