/** Image slots: whole files, each behind a header. A slot that a configuration names is never touched. */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"
import { type Refused, refuse } from "../Refused.ts"
import type { Keys } from "./Keys.ts"
import type { Region } from "./Region.ts"
import {
  decodeSlotHeader,
  encodeSlotHeader,
  type SlotHeader,
  type SlotState,
  slotHeaderBytes,
  slotStates,
  stateAt
} from "./SlotHeader.ts"

/** Bytes written at a time: what a controller holds in RAM anyway. */
const pieceBytes = 4096

/** Most bytes of an attachment; its length has 16 bits. */
const attachmentBytesMax = 0xfffe

/** An image to be kept. */
export interface StoredImage {
  readonly name: string
  /** Number of `imageKinds`. */
  readonly kind: number
  /** The file as it came. */
  readonly bytes: Uint8Array
  /** The CRC in an HXE file's own header; 0 for other kinds. */
  readonly headerCrc: number
  readonly secver: number
  /** Kept behind the file, such as the signed manifest that came with it. */
  readonly attachment: Uint8Array | undefined
}

/** Says what is wrong with an image that was read back, if anything. */
export type ImageCheck = (image: StoredImage) => Refused | undefined

/** All slots of the partition. */
export class Slots {
  readonly #region: Region
  readonly #keys: Keys
  readonly #headers: Array<SlotHeader | undefined>

  constructor(region: Region, keys: Keys) {
    this.#region = region
    this.#keys = keys
    this.#headers = Array.from({ length: region.slots }, (_, slot) =>
      decodeSlotHeader(region.read(slot, 0, slotHeaderBytes))
    )
  }

  get count(): number {
    return this.#headers.length
  }

  /** Largest file with its attachment. */
  get bytesMax(): number {
    return this.#region.slotBytes - slotHeaderBytes
  }

  /** Undefined for a slot that never had one. */
  header(slot: number): SlotHeader | undefined {
    return this.#headers[slot]
  }

  eraseCount(slot: number): number {
    return this.#headers[slot]?.eraseCount ?? 0
  }

  /**
   * Ends an erase that a power cut interrupted: the slot is erased anew and gets its counter back. `used` are the slots that
   * configurations name; none of them is ever erased, so an erase of one is a record that lies.
   */
  recover(used: ReadonlySet<number>): void {
    const erasing = this.#keys.erasing()
    if (erasing === undefined) return
    const { slot, eraseCount } = erasing
    const isHere = slot < this.#headers.length && !used.has(slot)
    if (isHere && this.eraseCount(slot) < eraseCount) this.#erase(slot, eraseCount + 1)
    else this.#keys.endErase(slot)
  }

  /**
   * Slots for so many images, the least worn first. ENOSPC when there are not enough that no configuration names, EIO when
   * there are and they are worn out.
   */
  pick(count: number, used: ReadonlySet<number>, erasesMax: number): Result.Result<ReadonlyArray<number>, Refused> {
    const free = this.#headers.map((_, slot) => slot).filter((slot) => !used.has(slot))
    if (free.length < count) return refuse(codes.ENOSPC, `slots:${count}/${free.length}`)
    const good = free.filter((slot) => this.eraseCount(slot) < erasesMax)
    if (good.length < count) return refuse(codes.EIO, "worn")
    return Result.succeed(good.sort((a, b) => this.eraseCount(a) - this.eraseCount(b) || a - b).slice(0, count))
  }

  /** Whether a slot has room for it. */
  fits(image: StoredImage): boolean {
    const attached = image.attachment?.length ?? 0
    return attached <= attachmentBytesMax && image.bytes.length + attached <= this.bytesMax
  }

  /** Erases, writes, reads back and lets the kind's own check look at what is there now. Then the slot is valid. */
  store(slot: number, image: StoredImage, generation: number, check: ImageCheck): Refused | undefined {
    const header: SlotHeader = {
      state: "staging",
      fileBytes: image.bytes.length,
      fileCrc: crc32(image.bytes),
      headerCrc: image.headerCrc,
      secver: image.secver,
      eraseCount: this.eraseCount(slot) + 1,
      generation,
      name: image.name,
      kind: image.kind,
      attachment:
        image.attachment === undefined ? undefined : { bytes: image.attachment.length, crc: crc32(image.attachment) }
    }
    this.#erase(slot, header.eraseCount, header)
    this.#write(slot, slotHeaderBytes, image.bytes)
    if (image.attachment !== undefined) this.#write(slot, slotHeaderBytes + image.bytes.length, image.attachment)
    this.#mark(slot, "written")
    const stored = this.image(slot)
    if (Result.isFailure(stored)) return stored.failure
    const wrong = check(stored.success)
    if (wrong === undefined) this.#mark(slot, "valid")
    return wrong
  }

  /** The file of a slot, its CRC-32 compared. ENOENT when there is none, EIO when it is not what was written. */
  image(slot: number): Result.Result<StoredImage, Refused> {
    const header = this.#headers[slot]
    if (header === undefined || header.state === "staging") return refuse(codes.ENOENT, `slot:${slot}`)
    const { fileBytes, attachment } = header
    if (fileBytes + (attachment?.bytes ?? 0) > this.bytesMax) return refuse(codes.EIO, `slot:${slot}`)
    const bytes = this.#region.read(slot, slotHeaderBytes, fileBytes)
    const attached =
      attachment === undefined ? undefined : this.#region.read(slot, slotHeaderBytes + fileBytes, attachment.bytes)
    if (crc32(bytes) !== header.fileCrc || (attached !== undefined && crc32(attached) !== attachment?.crc)) {
      return refuse(codes.EIO, `slot:${slot}`)
    }
    const { name, kind, headerCrc, secver } = header
    return Result.succeed({ name, kind, bytes, headerCrc, secver, attachment: attached })
  }

  /** Whether the slot holds this image, verified once. A retired slot still does. */
  holds(slot: number, fileCrc: number): boolean {
    const header = this.#headers[slot]
    return (
      header !== undefined && (header.state === "valid" || header.state === "retired") && header.fileCrc === fileCrc
    )
  }

  /** Marks what no configuration names any more. */
  retire(used: ReadonlySet<number>): void {
    for (const [slot, header] of this.#headers.entries()) {
      if (header?.state === "valid" && !used.has(slot)) this.#mark(slot, "retired")
    }
  }

  /** The counter goes with the erase; until the new header stands, it is in the key partition. */
  #erase(slot: number, eraseCount: number, header = blankHeader(eraseCount)): void {
    this.#keys.beginErase({ slot, eraseCount })
    this.#headers[slot] = undefined
    this.#region.erase(slot)
    this.#region.write(slot, 0, encodeSlotHeader(header))
    this.#headers[slot] = header
    this.#keys.endErase(slot)
  }

  #write(slot: number, from: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#region.write(slot, from + at, bytes.subarray(at, at + pieceBytes))
    }
  }

  #mark(slot: number, state: SlotState): void {
    const header = this.#headers[slot]
    if (header === undefined) throw new RangeError(`slot ${slot} has no header`)
    const bits = new Uint8Array(2)
    new DataView(bits.buffer).setUint16(0, slotStates[state])
    this.#region.write(slot, stateAt, bits)
    this.#headers[slot] = { ...header, state }
  }
}

const blankHeader = (eraseCount: number): SlotHeader => ({
  state: "staging",
  fileBytes: 0,
  fileCrc: 0,
  headerCrc: 0,
  secver: 0,
  eraseCount,
  generation: 0,
  name: "",
  kind: imageKinds.hxe,
  attachment: undefined
})
