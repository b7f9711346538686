/** The head of an image slot: what file lies behind it, and how often the slot was erased. */
import { crc32 } from "node:zlib"
import { kindByte, kindOf } from "./KindByte.ts"
import { nameAt, nameFieldBytes, putName } from "./PaddedName.ts"

const magic = 0x4858494d
const layoutVersion = 1
const crcAt = 0x5c
const noAttachment = 0xffff

/** Bytes before the file. */
export const slotHeaderBytes = 96

/** Where the state stands. It is no part of the CRC, so that it can change without the rest. */
export const stateAt = 6

/** Each state follows from the one before by clearing bits, which flash does without an erase. */
export const slotStates = { staging: 0xffff, written: 0x7fff, valid: 0x3fff, retired: 0x1fff } as const

/** Name of a state. */
export type SlotState = keyof typeof slotStates

/** What a slot says of itself. */
export interface SlotHeader {
  readonly state: SlotState
  /** 0: the slot was erased and nothing was written since. */
  readonly fileBytes: number
  readonly fileCrc: number
  /** The CRC that an HXE file has in its own header; 0 for other kinds. */
  readonly headerCrc: number
  readonly secver: number
  /** Erases this slot has had. */
  readonly eraseCount: number
  /** Of the configuration it was written for. */
  readonly generation: number
  readonly name: string
  readonly kind: number
  /** What lies behind the file, such as its signed manifest. */
  readonly attachment: { readonly bytes: number; readonly crc: number } | undefined
}

/** 96 bytes. */
export const encodeSlotHeader = (header: SlotHeader): Uint8Array => {
  const bytes = new Uint8Array(slotHeaderBytes).fill(0xff)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x00, magic)
  view.setUint16(0x04, layoutVersion)
  view.setUint32(0x08, header.fileBytes)
  view.setUint32(0x0c, header.fileCrc)
  view.setUint32(0x10, header.headerCrc)
  view.setUint32(0x14, header.secver)
  view.setUint32(0x18, header.eraseCount)
  view.setUint32(0x1c, header.generation)
  bytes.fill(0, 0x20, 0x20 + nameFieldBytes)
  putName(bytes, 0x20, header.name)
  view.setUint8(0x40, kindByte(header.kind, 0xff))
  if (header.attachment !== undefined) {
    view.setUint16(0x42, header.attachment.bytes)
    view.setUint32(0x44, header.attachment.crc)
  }
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  view.setUint16(stateAt, slotStates[header.state])
  return bytes
}

/** A state whose writing was cut short is the one before. */
const stateOf = (bits: number): SlotState =>
  bits === slotStates.retired
    ? "retired"
    : bits === slotStates.valid
      ? "valid"
      : bits === slotStates.written
        ? "written"
        : "staging"

/** Undefined when these bytes are no header, or half of one. */
export const decodeSlotHeader = (bytes: Uint8Array): SlotHeader | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic || view.getUint16(4) !== layoutVersion) return undefined
  const covered = bytes.slice(0, crcAt).fill(0xff, stateAt, stateAt + 2)
  if (view.getUint32(crcAt) !== crc32(covered)) return undefined
  const attached = view.getUint16(0x42)
  return {
    state: stateOf(view.getUint16(stateAt)),
    fileBytes: view.getUint32(0x08),
    fileCrc: view.getUint32(0x0c),
    headerCrc: view.getUint32(0x10),
    secver: view.getUint32(0x14),
    eraseCount: view.getUint32(0x18),
    generation: view.getUint32(0x1c),
    name: nameAt(bytes, 0x20),
    kind: kindOf(view.getUint8(0x40), 0xff),
    attachment: attached === noAttachment ? undefined : { bytes: attached, crc: view.getUint32(0x44) }
  }
}
