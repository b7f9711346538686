/** The header and the section table: their fields and the checks on them, each a token or nothing. */

import { codes } from "../Codes.ts"
import {
  appNameMax,
  type HxeHeader,
  type HxeRefused,
  type HxeSection,
  headerBytes,
  headerFlags,
  magic,
  partBytesMax,
  rodataAddress,
  rowBytes,
  sectionsMax,
  stackBytesDefault
} from "./Hxe.ts"

const nameAt = 0x20
const metaOffsetAt = 0x40
const reservedAt = 0x48
const nameBytes = appNameMax + 1
const knownFlags = headerFlags.manifest | headerFlags.multiple

/** Address space of data memory. */
const memoryBytes = 0x1_0000

/** A refusal of malformed bytes. */
export const malformed = (detail: string): HxeRefused => ({ code: codes.EBADMSG, detail })

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Version from the first six bytes. */
export const versionOf = (start: Uint8Array): number => viewOf(start).getUint16(4)

/** What is wrong with the version, before anything else is read. */
export const versionFault = (version: number): string | undefined =>
  version === 1 || version === 2 ? undefined : `unsupported_version:${version}`

/** Bytes of the header of a version that passed {@link versionFault}. */
export const headerBytesOf = (version: number): number => (version === 1 ? headerBytes[1] : headerBytes[2])

/** What is wrong with the first four bytes. */
export const magicFault = (start: Uint8Array): string | undefined =>
  viewOf(start).getUint32(0) === magic ? undefined : "bad_magic"

/** Where the name's bytes end: at its first NUL, or after all of them. */
const nameEnd = (bytes: Uint8Array): number => {
  const end = bytes.indexOf(0, nameAt)
  return end === -1 || end > nameAt + nameBytes ? nameAt + nameBytes : end
}

/** What is wrong with the part of the header that only version 2 has: reserved bytes and name. */
export const extensionFault = (bytes: Uint8Array, isStrict: boolean): string | undefined => {
  for (let at = reservedAt; at < headerBytes[2]; at++) if (bytes[at] !== 0) return "reserved_nonzero"
  const end = nameEnd(bytes)
  for (let at = nameAt; at < end; at++) if ((bytes[at] ?? 0) > 0x7f) return "app_name_not_ascii"
  if (isStrict && end === nameAt + nameBytes) return "app_name_unterminated"
  return undefined
}

/** Reads the header; of version 2 its 96 bytes must be there, of version 1 its 32. */
export const readHeader = (bytes: Uint8Array): HxeHeader => {
  const view = viewOf(bytes)
  const isFirst = view.getUint16(4) === 1
  const flags = view.getUint16(6)
  const name = isFirst ? "" : String.fromCharCode(...bytes.subarray(nameAt, nameEnd(bytes))).trim()
  return {
    version: isFirst ? 1 : 2,
    flags,
    entry: view.getUint32(0x08),
    codeLength: view.getUint32(0x0c),
    rodataLength: view.getUint32(0x10),
    bssSize: view.getUint32(0x14),
    requiredCaps: view.getUint32(0x18),
    crc32: view.getUint32(0x1c),
    appName: name === "" ? undefined : name,
    metaOffset: isFirst ? 0 : view.getUint32(metaOffsetAt),
    metaCount: isFirst ? 0 : view.getUint32(metaOffsetAt + 4),
    allowsMultiple: isFirst || (flags & headerFlags.multiple) !== 0,
    hasManifest: (flags & headerFlags.manifest) !== 0
  }
}

type Lengths = Pick<HxeHeader, "flags" | "entry" | "codeLength" | "rodataLength" | "bssSize">

/** What is wrong with flags, lengths and alignment. */
export const lengthsFault = (header: Lengths, isStrict: boolean): string | undefined => {
  const { flags, entry, codeLength, rodataLength, bssSize } = header
  if (isStrict && (flags & ~knownFlags) !== 0) return "flags_reserved"
  if (codeLength > partBytesMax) return "code_too_large"
  if (rodataLength > partBytesMax) return "ro_too_large"
  if (bssSize > partBytesMax) return "bss_too_large"
  if (isStrict && rodataAddress + rodataLength + bssSize > memoryBytes - stackBytesDefault) return "ro_too_large"
  if (codeLength % 4 !== 0) return "code_unaligned"
  if (entry % 4 !== 0) return "entry_unaligned"
  return undefined
}

/** Where rodata ends in the file. */
export const programEnd = (header: HxeHeader): number =>
  headerBytes[header.version] + header.codeLength + header.rodataLength

/** Whether the image has sections: a table needs both a place and rows. */
export const hasTable = ({ metaOffset, metaCount }: HxeHeader): boolean => metaOffset !== 0 && metaCount !== 0

/** Where the section table ends in the file; of an image without one, where rodata ends. */
export const tableEnd = (header: HxeHeader): number =>
  hasTable(header) ? header.metaOffset + rowBytes * header.metaCount : programEnd(header)

/** What is wrong with the layout that the header tells of a file of this many bytes. */
export const layoutFault = (header: HxeHeader, fileBytes: number): string | undefined => {
  if (programEnd(header) > fileBytes) return "truncated"
  if (header.entry >= header.codeLength) return "entry_out_of_range"
  if (header.metaOffset !== 0 && header.metaOffset < programEnd(header)) return "meta_overlap"
  if (!hasTable(header)) return undefined
  if (tableEnd(header) > fileBytes) return "meta_table_bounds"
  if (header.metaCount > sectionsMax) return `meta_count:${header.metaCount}`
  return undefined
}

/** Reads the section table from bytes that begin at `base` of the file. */
export const readTable = (header: HxeHeader, bytes: Uint8Array, base: number): ReadonlyArray<HxeSection> => {
  if (!hasTable(header)) return []
  const view = viewOf(bytes)
  return Array.from({ length: header.metaCount }, (_, index) => {
    const at = header.metaOffset - base + rowBytes * index
    return {
      type: view.getUint32(at),
      offset: view.getUint32(at + 4),
      size: view.getUint32(at + 8),
      entryCount: view.getUint32(at + 12)
    }
  })
}

const overlaps = (sections: ReadonlyArray<HxeSection>, from: number): boolean => {
  let end = from
  for (const { offset, size } of sections.toSorted(
    (one, other) => one.offset - other.offset || one.size - other.size
  )) {
    if (offset < end) return true
    end = offset + size
  }
  return false
}

/**
 * What is wrong with the rows of the table in a file of this many bytes. An older loader lets sections overlap: then together
 * they may still not hold much more than the file, so that a small one cannot become a large amount of work.
 */
export const tableFault = (
  header: HxeHeader,
  sections: ReadonlyArray<HxeSection>,
  fileBytes: number,
  isStrict: boolean
): string | undefined => {
  let together = 0
  for (const [index, { offset, size }] of sections.entries()) {
    if (offset < headerBytes[2] || offset + size > fileBytes) return `meta_section_bounds:${index}`
    together += size
  }
  const isRefused = isStrict ? overlaps(sections, tableEnd(header)) : together > fileBytes + partBytesMax
  return isRefused ? "meta_section_overlap" : undefined
}
