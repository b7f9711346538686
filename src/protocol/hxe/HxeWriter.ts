/** Writes images byte for byte as the reference linker lays them out. */
import { sealCrc } from "./Checksum.ts"
import { viewOf } from "./Header.ts"
import {
  appNameMax,
  type CommandEntry,
  type HxeHeader,
  type HxeImage,
  type HxeManifest,
  headerBytes,
  headerFlags,
  type JsonObject,
  magic,
  rowBytes,
  sectionTypes,
  type ValueEntry
} from "./Hxe.ts"
import { writeManifest } from "./Manifest.ts"
import { writeCommands, writeMailboxes, writeValues } from "./MetadataWriter.ts"

/** What an image is made of. */
export interface HxeParts {
  /** Default 2. Version 1 has neither name nor sections, and always allows several instances. */
  readonly version?: 1 | 2
  /** Anything but printable ASCII is dropped, and what is beyond 31 letters is cut off. */
  readonly appName?: string | undefined
  /** Whether it may run more than once on a board. Default true, but false for version 1, where the bit says nothing. */
  readonly allowsMultiple?: boolean
  /** Byte offset into the code. */
  readonly entry: number
  /** Whole words, big-endian. */
  readonly code: Uint8Array
  readonly rodata?: Uint8Array
  readonly bssSize?: number
  readonly requiredCaps?: number
  readonly values?: ReadonlyArray<ValueEntry>
  readonly commands?: ReadonlyArray<CommandEntry>
  /** As the programmer declares them; `target` is trimmed. */
  readonly mailboxes?: ReadonlyArray<JsonObject>
  readonly manifest?: HxeManifest | undefined
}

interface Section {
  readonly type: number
  readonly count: number
  readonly payload: Uint8Array
}

const sectionsOf = ({ values = [], commands = [], mailboxes = [] }: HxeParts): ReadonlyArray<Section> =>
  [
    { type: sectionTypes.value, count: values.length, payload: writeValues(values) },
    { type: sectionTypes.command, count: commands.length, payload: writeCommands(commands) },
    { type: sectionTypes.mailbox, count: mailboxes.length, payload: writeMailboxes(mailboxes) }
  ].filter(({ count }) => count > 0)

const tableOf = (sections: ReadonlyArray<Section>, at: number): Uint8Array => {
  const table = new Uint8Array(rowBytes * sections.length)
  const view = viewOf(table)
  let offset = at + table.length
  for (const [index, { type, count, payload }] of sections.entries()) {
    view.setUint32(rowBytes * index, type)
    view.setUint32(rowBytes * index + 4, offset)
    view.setUint32(rowBytes * index + 8, payload.length)
    view.setUint32(rowBytes * index + 12, count)
    offset += payload.length
  }
  return table
}

const printable = (text: string): string => text.replace(/[^ -~]/g, "").slice(0, appNameMax)

type HeaderFields = Omit<HxeHeader, "crc32" | "allowsMultiple" | "hasManifest">

const headerOf = (fields: HeaderFields): Uint8Array => {
  const bytes = new Uint8Array(headerBytes[fields.version])
  const view = viewOf(bytes)
  view.setUint32(0x00, magic)
  view.setUint16(0x04, fields.version)
  view.setUint16(0x06, fields.flags)
  view.setUint32(0x08, fields.entry)
  view.setUint32(0x0c, fields.codeLength)
  view.setUint32(0x10, fields.rodataLength)
  view.setUint32(0x14, fields.bssSize)
  view.setUint32(0x18, fields.requiredCaps)
  if (fields.version === 1) return bytes
  bytes.set(Buffer.from(printable(fields.appName ?? ""), "latin1"), 0x20)
  view.setUint32(0x40, fields.metaOffset)
  view.setUint32(0x44, fields.metaCount)
  return bytes
}

const joined = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  sealCrc(bytes)
  return bytes
}

/**
 * Lays an image out and seals it with its CRC. Whether a loader takes it is not asked: read it back. Throws `RangeError` on
 * what the format has no room for: strings of a section beyond 64 KiB, sections in version 1, a manifest that is too large.
 */
export const writeHxe = (parts: HxeParts): Uint8Array => {
  const { version = 2, entry, code, rodata = new Uint8Array(), bssSize = 0, requiredCaps = 0, manifest } = parts
  const sections = sectionsOf(parts)
  if (version === 1 && sections.length > 0) throw new RangeError("version 1 has no sections")
  const allowsMultiple = parts.allowsMultiple ?? version === 2
  const flags = (manifest === undefined ? 0 : headerFlags.manifest) | (allowsMultiple ? headerFlags.multiple : 0)
  const end = headerBytes[version] + code.length + rodata.length
  const header = headerOf({
    version,
    flags,
    entry,
    codeLength: code.length,
    rodataLength: rodata.length,
    bssSize,
    requiredCaps,
    appName: parts.appName,
    metaOffset: sections.length === 0 ? 0 : end,
    metaCount: sections.length
  })
  const payloads = sections.map(({ payload }) => payload)
  const trailer = manifest === undefined ? [] : [writeManifest(manifest)]
  return joined([header, code, rodata, tableOf(sections, end), ...payloads, ...trailer])
}

/** The parts of an image that was read. What a reader ignores is lost: unknown sections, trailing bytes, its signature. */
export const partsOf = ({ header, code, rodata, metadata, manifest }: HxeImage): HxeParts => ({
  version: header.version,
  appName: header.appName,
  allowsMultiple: (header.flags & headerFlags.multiple) !== 0,
  entry: header.entry,
  code,
  rodata,
  bssSize: header.bssSize,
  requiredCaps: header.requiredCaps,
  values: metadata.values,
  commands: metadata.commands,
  mailboxes: metadata.mailboxes.map(({ declared }) => declared),
  manifest
})

/** What the machine needs of an image, as one: header, code and rodata, without sections, manifest and signature. */
export const stripHxe = ({ header, code, rodata }: Pick<HxeImage, "header" | "code" | "rodata">): Uint8Array =>
  joined([
    headerOf({ ...header, flags: header.flags & ~headerFlags.manifest, metaOffset: 0, metaCount: 0 }),
    code,
    rodata
  ])
