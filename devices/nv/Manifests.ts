/** Boot configurations: what the board starts, from where and how. One rules, one is kept to go back to. */
import { crc32 } from "node:zlib"
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"
import { isLater } from "./Generation.ts"
import { kindByte, kindOf } from "./KindByte.ts"
import { nameAt, putName } from "./PaddedName.ts"
import type { Region } from "./Region.ts"

const magic = 0x4853584d
const layoutVersion = 1
const headerBytes = 32
const entryBytes = 64
const crcBytes = 4
const none = 0xff

const entryFlags = { autostart: 1, required: 2, multiple: 4, persisted: 8, signed: 16 } as const

/** Numbers of what an entry is loaded from when no slot has it. */
export const entrySources = { file: 1, can: 2, sd: 3, uart: 4, rpc: 5, nv: 6 } as const

/** Bits of the places a list may come from. */
export const sourceBits = { host: 1, sd: 2, can: 4, nv: 8 } as const

/** How a configuration is started and proves itself. */
export interface BootSettings {
  /** Milliseconds before the first load. */
  readonly bootDelayMillis: number
  /** Failed starts after which a configuration on trial is given up. */
  readonly bootFailuresMax: number
  /** Bits of `sourceBits`. */
  readonly sourceMask: number
  /** Seconds without a failure after which it counts as proven. */
  readonly confirmSeconds: number
}

/** What holds until somebody says otherwise. */
export const defaultSettings: BootSettings = {
  bootDelayMillis: 0,
  bootFailuresMax: 3,
  sourceMask: sourceBits.host | sourceBits.sd | sourceBits.can | sourceBits.nv,
  confirmSeconds: 30
}

/** One program of a configuration. */
export interface ManifestEntry {
  readonly name: string
  /** Number of `imageKinds`. */
  readonly kind: number
  /** Slot of its image; undefined when it is not stored and taken from its source. */
  readonly slot: number | undefined
  /** Higher ones are loaded first. 0 to 255. */
  readonly priority: number
  readonly autostart: boolean
  /** Without it the start has failed. */
  readonly required: boolean
  readonly multiple: boolean
  readonly signed: boolean
  /** 0 for any. */
  readonly pidHint: number
  /** 0 for what the board gives. */
  readonly stackBytes: number
  readonly heapBytes: number
  /** Number of `entrySources`. */
  readonly source: number
  readonly retries: number
  readonly requiredCaps: number
  /** Never below the highest one that was confirmed for this kind and name. */
  readonly secver: number
  /** CRC-32 of the image's file. */
  readonly imageCrc: number
  readonly schemaFlags: number
}

/** One configuration. */
export interface Manifest extends BootSettings {
  readonly generation: number
  /** Bank with the values as they were when it replaced its predecessor. */
  readonly frozenBank: number | undefined
  readonly entries: ReadonlyArray<ManifestEntry>
}

/** Entries that a slot has room for. */
export const entriesMax = (slotBytes: number): number =>
  Math.max(0, Math.floor((slotBytes - headerBytes - crcBytes) / entryBytes))

/** Header, entries, CRC-32. */
export const encodeManifest = (manifest: Manifest): Uint8Array => {
  const length = headerBytes + manifest.entries.length * entryBytes + crcBytes
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x00, magic)
  view.setUint16(0x04, layoutVersion)
  view.setUint16(0x06, manifest.entries.length)
  view.setUint32(0x08, manifest.generation)
  view.setUint32(0x0c, length)
  view.setUint16(0x10, manifest.bootDelayMillis)
  view.setUint8(0x12, manifest.bootFailuresMax)
  view.setUint8(0x13, manifest.sourceMask)
  // 0 says the default, so that a configuration without opinion follows it.
  view.setUint16(0x14, manifest.confirmSeconds === defaultSettings.confirmSeconds ? 0 : manifest.confirmSeconds)
  view.setUint8(0x16, manifest.frozenBank ?? none)
  for (const [index, entry] of manifest.entries.entries()) {
    putEntry(bytes.subarray(headerBytes + index * entryBytes, headerBytes + (index + 1) * entryBytes), entry)
  }
  view.setUint32(length - crcBytes, crc32(bytes.subarray(0, length - crcBytes)))
  return bytes
}

const putEntry = (bytes: Uint8Array, entry: ManifestEntry): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  putName(bytes, 0, entry.name)
  view.setUint8(0x20, entry.slot ?? none)
  view.setUint8(0x21, entry.priority)
  view.setUint16(
    0x22,
    (entry.autostart ? entryFlags.autostart : 0) |
      (entry.required ? entryFlags.required : 0) |
      (entry.multiple ? entryFlags.multiple : 0) |
      (entry.slot === undefined ? 0 : entryFlags.persisted) |
      (entry.signed ? entryFlags.signed : 0)
  )
  view.setUint16(0x24, entry.pidHint)
  view.setUint16(0x26, entry.stackBytes)
  view.setUint16(0x28, entry.heapBytes)
  view.setUint8(0x2a, entry.source)
  view.setUint8(0x2b, entry.retries)
  view.setUint32(0x2c, entry.requiredCaps)
  view.setUint32(0x30, entry.secver)
  view.setUint32(0x34, entry.imageCrc)
  view.setUint8(0x38, entry.schemaFlags)
  view.setUint8(0x39, kindByte(entry.kind, 0))
}

/** Undefined when these bytes do not begin with a whole manifest. */
export const decodeManifest = (bytes: Uint8Array): Manifest | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic || view.getUint16(4) !== layoutVersion) return undefined
  const count = view.getUint16(0x06)
  const length = view.getUint32(0x0c)
  if (length !== headerBytes + count * entryBytes + crcBytes || length > bytes.length) return undefined
  if (view.getUint32(length - crcBytes) !== crc32(bytes.subarray(0, length - crcBytes))) return undefined
  const frozenBank = view.getUint8(0x16)
  return {
    generation: view.getUint32(0x08),
    bootDelayMillis: view.getUint16(0x10),
    bootFailuresMax: view.getUint8(0x12),
    sourceMask: view.getUint8(0x13),
    confirmSeconds: view.getUint16(0x14) || defaultSettings.confirmSeconds,
    frozenBank: frozenBank === none ? undefined : frozenBank,
    entries: Array.from({ length: count }, (_, index) => {
      const at = headerBytes + index * entryBytes
      return entryOf(bytes.subarray(at, at + entryBytes))
    })
  }
}

const entryOf = (bytes: Uint8Array): ManifestEntry => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint16(0x22)
  const slot = view.getUint8(0x20)
  return {
    name: nameAt(bytes, 0),
    slot: slot === none ? undefined : slot,
    priority: view.getUint8(0x21),
    autostart: (flags & entryFlags.autostart) !== 0,
    required: (flags & entryFlags.required) !== 0,
    multiple: (flags & entryFlags.multiple) !== 0,
    signed: (flags & entryFlags.signed) !== 0,
    pidHint: view.getUint16(0x24),
    stackBytes: view.getUint16(0x26),
    heapBytes: view.getUint16(0x28),
    source: view.getUint8(0x2a),
    retries: view.getUint8(0x2b),
    requiredCaps: view.getUint32(0x2c),
    secver: view.getUint32(0x30),
    imageCrc: view.getUint32(0x34),
    schemaFlags: view.getUint8(0x38),
    kind: kindOf(view.getUint8(0x39), 0)
  }
}

/** What an entry says unless told otherwise. */
export const defaultEntry: Omit<ManifestEntry, "name"> = {
  kind: imageKinds.hxe,
  slot: undefined,
  priority: 0,
  autostart: true,
  required: false,
  multiple: false,
  signed: false,
  pidHint: 0,
  stackBytes: 0,
  heapBytes: 0,
  source: entrySources.nv,
  retries: 0,
  requiredCaps: 0,
  secver: 0,
  imageCrc: 0,
  schemaFlags: 0
}

/** The slots of the partition. */
export class Manifests {
  readonly #region: Region

  constructor(region: Region) {
    this.#region = region
  }

  get slots(): number {
    return this.#region.slots
  }

  /** Entries that one configuration may have. */
  get entriesMax(): number {
    return entriesMax(this.#region.slotBytes)
  }

  read(slot: number): Manifest | undefined {
    return decodeManifest(this.#region.read(slot, 0, this.#region.slotBytes))
  }

  /** Takes away those that never came to rule: their generation will be that of another one. */
  dropAfter(generation: number): void {
    for (let slot = 0; slot < this.slots; slot++) {
      const manifest = this.read(slot)
      if (manifest !== undefined && isLater(manifest.generation, generation)) this.#region.erase(slot)
    }
  }

  /** It counts once a superblock names it. */
  write(slot: number, manifest: Manifest): void {
    this.#region.write(slot, 0, encodeManifest(manifest))
  }
}
