/**
 * Reads an image that is there as a whole. The checks run in a fixed order and the first that fails is the answer, so that
 * every board and tool names the same fault.
 */
import { Result } from "effect"
import { imageCrc } from "./Checksum.ts"
import {
  extensionFault,
  headerBytesOf,
  layoutFault,
  lengthsFault,
  magicFault,
  malformed,
  programEnd,
  readHeader,
  readTable,
  tableFault,
  versionFault,
  versionOf
} from "./Header.ts"
import {
  type HxeFacts,
  type HxeHeader,
  type HxeImage,
  type HxeManifest,
  type HxeOptions,
  type HxeRefused,
  type HxeSignature,
  headerBytes
} from "./Hxe.ts"
import { manifestOffset, readManifest } from "./Manifest.ts"
import { readMetadata } from "./Metadata.ts"
import { findSignature } from "./SignatureSection.ts"

/** What an older loader does not read cannot be wrong for it. */
const unlessStrict = <A>(
  read: Result.Result<A | undefined, string>,
  isStrict: boolean
): Result.Result<A | undefined, HxeRefused> => {
  if (Result.isSuccess(read)) return Result.succeed(read.success)
  return isStrict ? Result.fail(malformed(read.failure)) : Result.succeed(undefined)
}

/**
 * Reads all that follows the rodata, once header and CRC are found right. `bytes` begin at `base` of the file and go to its
 * end; with `strict` nothing before the end of rodata is needed.
 */
export const readFacts = (
  header: HxeHeader,
  bytes: Uint8Array,
  base: number,
  isStrict: boolean
): Result.Result<HxeFacts, HxeRefused> => {
  const fileBytes = base + bytes.length
  const layout = layoutFault(header, fileBytes)
  if (layout !== undefined) return Result.fail(malformed(layout))
  const sections = readTable(header, bytes, base)
  const table = tableFault(header, sections, fileBytes, isStrict)
  if (table !== undefined) return Result.fail(malformed(table))
  const metadata = readMetadata(header, sections, bytes, base, isStrict)
  if (Result.isFailure(metadata)) return Result.fail(metadata.failure)
  const signature: Result.Result<HxeSignature | undefined, HxeRefused> = unlessStrict(
    findSignature(header, sections, bytes, base),
    isStrict
  )
  if (Result.isFailure(signature)) return Result.fail(signature.failure)
  const manifest: Result.Result<HxeManifest | undefined, HxeRefused> = header.hasManifest
    ? unlessStrict(readManifest(bytes.subarray(manifestOffset(header, sections) - base)), isStrict)
    : Result.succeed(undefined)
  if (Result.isFailure(manifest)) return Result.fail(manifest.failure)
  return Result.succeed({
    header,
    metadata: metadata.success,
    manifest: manifest.success,
    signature: signature.success
  })
}

/** The token of what is wrong before the header's fields can be trusted. */
const headerFault = (bytes: Uint8Array, isStrict: boolean): string | undefined => {
  if (bytes.length < headerBytes[1]) return "hxe_too_small"
  const version = versionOf(bytes)
  const unsupported = versionFault(version)
  if (unsupported !== undefined) return unsupported
  if (bytes.length < headerBytesOf(version)) return "header_truncated"
  const extension = version === 2 ? extensionFault(bytes, isStrict) : undefined
  return extension ?? magicFault(bytes)
}

/** Reads an image and checks it as a loader does. Never throws; fails with the first check that does not hold. */
export const readHxe = (bytes: Uint8Array, options: HxeOptions = {}): Result.Result<HxeImage, HxeRefused> => {
  const isStrict = options.strict ?? true
  const early = headerFault(bytes, isStrict)
  if (early !== undefined) return Result.fail(malformed(early))
  const header = readHeader(bytes)
  const lengths = lengthsFault(header, isStrict)
  if (lengths !== undefined) return Result.fail(malformed(lengths))
  if (imageCrc(bytes) !== header.crc32) return Result.fail(malformed("crc_mismatch"))
  const facts = readFacts(header, bytes, 0, isStrict)
  if (Result.isFailure(facts)) return Result.fail(facts.failure)
  const codeAt = headerBytes[header.version]
  return Result.succeed({
    ...facts.success,
    code: bytes.subarray(codeAt, codeAt + header.codeLength),
    rodata: bytes.subarray(codeAt + header.codeLength, programEnd(header))
  })
}
