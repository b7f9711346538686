/**
 * Persisted values: 16 bits under a key. Of three banks one is live and takes records one after another, one may hold the
 * values as they were before the configuration that rules, and one is spare.
 */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { crc16 } from "../../src/protocol/Crc16.ts"
import { type Refused, refuse } from "../Refused.ts"
import { after, isLater } from "./Generation.ts"
import { NvFault } from "./NvDevice.ts"
import type { Region } from "./Region.ts"

const magic = 0x48535856
const layoutVersion = 1
const headerBytes = 24
const crcAt = 20
const recordBytes = 8
const keyBytes = 2
const blankKey = 0xffff
const recordTypes = { f16: 1, deleted: 0xfe } as const

/** What a bank's header says. */
export interface BankHeader {
  /** A copy that is kept to go back to, not to be written to. */
  readonly frozen: boolean
  readonly sequence: number
  /** It counts once this generation of the superblock rules; a frozen one belongs to the manifest of this generation. */
  readonly generation: number
}

/** 24 bytes. */
export const encodeBankHeader = (header: BankHeader): Uint8Array => {
  const bytes = new Uint8Array(headerBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, layoutVersion)
  view.setUint16(6, header.frozen ? 1 : 0)
  view.setUint32(8, header.sequence)
  view.setUint32(12, header.generation)
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  return bytes
}

const decodeBankHeader = (bytes: Uint8Array): BankHeader | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic || view.getUint16(4) !== layoutVersion) return undefined
  if (view.getUint32(crcAt) !== crc32(bytes.subarray(0, crcAt))) return undefined
  return { frozen: (view.getUint16(6) & 1) === 1, sequence: view.getUint32(8), generation: view.getUint32(12) }
}

/** 8 bytes. Without bits it says that the key is forgotten. */
export const encodeRecord = (key: number, bits: number | undefined): Uint8Array => {
  const bytes = new Uint8Array(recordBytes)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, key)
  view.setUint8(2, 2)
  view.setUint8(3, bits === undefined ? recordTypes.deleted : recordTypes.f16)
  view.setUint16(6, bits ?? 0)
  view.setUint16(4, recordCrc(bytes))
  return bytes
}

const recordCrc = (bytes: Uint8Array): number => crc16(bytes.subarray(6, 8), crc16(bytes.subarray(0, 4)))

/** Keys and their new bits; undefined forgets the key. */
export type ValueChanges = ReadonlyMap<number, number | undefined>

interface Bank {
  readonly values: Map<number, number>
  /** Keys of records that were damaged and have no good one. */
  readonly stale: ReadonlySet<number>
  /** Where the next record goes. */
  readonly end: number
  /** Places of records whose key was written by half, with the key. */
  readonly halfKeys: ReadonlyMap<number, number>
}

/**
 * The key of a record that has the CRC of another one with one byte of the key still blank. CRC-16 finds every damage of 16
 * bits, so there is one such key at most.
 */
const halfKeyOf = (record: Uint8Array): number | undefined => {
  const trial = record.slice()
  for (const at of [0, 1]) {
    if (record[at] !== 0xff) continue
    for (let byte = 0; byte < 0xff; byte++) {
      trial[at] = byte
      const view = new DataView(trial.buffer)
      if (view.getUint16(4) === recordCrc(trial)) return view.getUint16(0)
    }
    trial[at] = 0xff
  }
  return undefined
}

/** Whether a value can be kept under this key. */
export const isValueKey = (key: number): boolean => Number.isInteger(key) && key > 0 && key < blankKey

/** The three banks. */
export class Values {
  readonly #region: Region
  #live = 0
  #frozen: number | undefined
  #header: BankHeader = { frozen: false, sequence: 0, generation: 0 }
  #values = new Map<number, number>()
  #stale: ReadonlySet<number> = new Set()
  #end = headerBytes

  /** `ruling` is the generation of the superblock, `frozen` what the manifest that rules names. */
  constructor(
    region: Region,
    ruling: number,
    frozen: { readonly bank: number; readonly generation: number } | undefined
  ) {
    this.#region = region
    this.settle(ruling, frozen)
  }

  /** Bits that were saved. */
  get(key: number): number | undefined {
    return this.#values.get(key)
  }

  keys(): ReadonlyArray<number> {
    return [...this.#values.keys()]
  }

  /** Keys that had a value which cannot be read any more. */
  stale(): ReadonlySet<number> {
    return this.#stale
  }

  /** Bank with the values to go back to, if the configuration that rules has one. */
  get frozen(): number | undefined {
    return this.#frozen
  }

  /** Sees which bank is live and which is frozen; all others are blank when it returns. */
  settle(ruling: number, named: { readonly bank: number; readonly generation: number } | undefined): void {
    const headers = Array.from({ length: this.#region.slots }, (_, bank) =>
      decodeBankHeader(this.#region.read(bank, 0, headerBytes))
    )
    const kept = named === undefined ? undefined : headers[named.bank]
    this.#frozen = kept?.frozen === true && kept.generation === named?.generation ? named?.bank : undefined
    let live: number | undefined
    for (const [bank, header] of headers.entries()) {
      if (header === undefined || header.frozen || isLater(header.generation, ruling)) continue
      const best = live === undefined ? undefined : headers[live]
      if (best === undefined || isLater(header.sequence, best.sequence)) live = bank
    }
    for (const bank of headers.keys()) if (bank !== live && bank !== this.#frozen) this.#blank(bank)
    if (live === undefined) {
      // Banks that are no banks: damage. What is left is to begin anew, later than anything that was.
      live = this.#spare(undefined)
      this.#region.write(live, 0, encodeBankHeader({ frozen: false, sequence: 1, generation: ruling }))
    }
    this.#open(live)
  }

  /**
   * Saves all of these or none. What is there already is not written. Durable when it returns. ENOSPC when the bank cannot
   * hold that many keys.
   */
  save(changes: ValueChanges): Result.Result<void, Refused> {
    const news = [...changes].filter(([key, bits]) => this.#values.get(key) !== bits)
    if (news.length === 0) return Result.succeed(undefined)
    if (!news.every(([key]) => isValueKey(key))) return refuse(codes.EINVAL, "key")
    const records = joined(news)
    if (this.#end + records.length > this.#region.slotBytes) return this.#compact(new Map(news))
    this.#append(this.#live, this.#end, records)
    this.#end += records.length
    this.#apply(news)
    return Result.succeed(undefined)
  }

  /**
   * Copies the values into the spare bank, to be kept for the manifest of this generation. `of` frozen takes those that were
   * frozen before: the configuration in between never proved itself. Returns the bank.
   */
  freeze(generation: number, of: "live" | "frozen"): number {
    const values = of === "frozen" && this.#frozen !== undefined ? this.#read(this.#frozen).values : this.#values
    const spare = this.#spare(this.#live)
    this.#fill(spare, values, { frozen: true, sequence: after(this.#header.sequence), generation })
    return spare
  }

  /** Copies the frozen values into the spare bank, which is live as soon as this generation rules. */
  thaw(generation: number): void {
    if (this.#frozen === undefined) return
    const spare = this.#spare(this.#live)
    const header = { frozen: false, sequence: after(this.#header.sequence), generation }
    this.#fill(spare, this.#read(this.#frozen).values, header)
  }

  #compact(changes: ValueChanges): Result.Result<void, Refused> {
    const values = new Map(this.#values)
    for (const [key, bits] of changes) {
      if (bits === undefined) values.delete(key)
      else values.set(key, bits)
    }
    if (headerBytes + values.size * recordBytes > this.#region.slotBytes) return refuse(codes.ENOSPC, "values")
    const full = this.#live
    const spare = this.#spare(full)
    this.#fill(spare, values, { ...this.#header, sequence: after(this.#header.sequence) })
    this.#open(spare)
    this.#blank(full)
    return Result.succeed(undefined)
  }

  /** The bank that is neither live nor frozen. */
  #spare(live: number | undefined): number {
    for (let bank = 0; bank < this.#region.slots; bank++) {
      if (bank !== live && bank !== this.#frozen) {
        this.#blank(bank)
        return bank
      }
    }
    throw new RangeError("no bank is spare")
  }

  /** Records first, header last: a bank without one holds nothing. */
  #fill(bank: number, values: ReadonlyMap<number, number>, header: BankHeader): void {
    this.#region.write(bank, headerBytes, joined([...values]))
    this.#region.write(bank, 0, encodeBankHeader(header))
  }

  /**
   * The first key is written last. Until then a reader stops before the batch; with it, all of the batch is there. Half of it
   * is completed by the next reader.
   */
  #append(bank: number, at: number, records: Uint8Array): void {
    this.#region.write(bank, at + keyBytes, records.subarray(keyBytes))
    this.#region.write(bank, at, records.subarray(0, keyBytes))
  }

  #open(bank: number): void {
    const header = decodeBankHeader(this.#region.read(bank, 0, headerBytes))
    if (header === undefined) throw new NvFault(0)
    const { values, stale, end, halfKeys } = this.#read(bank)
    for (const [at, key] of halfKeys) this.#region.write(bank, at, keyBytesOf(key))
    const rest = this.#region.slotBytes - end
    // Left by a batch that was cut short: behind a later record it would be read.
    if (!this.#region.isBlank(bank, end, rest)) this.#region.write(bank, end, new Uint8Array(rest).fill(0xff))
    this.#live = bank
    this.#header = header
    this.#values = values
    this.#stale = stale
    this.#end = end
  }

  #read(bank: number): Bank {
    const bytes = this.#region.read(bank, 0, this.#region.slotBytes)
    const view = new DataView(bytes.buffer)
    const values = new Map<number, number>()
    const damaged = new Set<number>()
    const halfKeys = new Map<number, number>()
    let end = headerBytes
    while (end + recordBytes <= bytes.length) {
      const written = view.getUint16(end)
      if (written === blankKey) break
      const record = bytes.subarray(end, end + recordBytes)
      const isWhole = view.getUint16(end + 4) === recordCrc(record)
      const half = isWhole ? undefined : halfKeyOf(record)
      if (half !== undefined) halfKeys.set(end, half)
      const key = half ?? written
      if (!(isWhole || half !== undefined) || view.getUint8(end + 2) !== 2) damaged.add(key)
      else if (view.getUint8(end + 3) === recordTypes.f16) values.set(key, view.getUint16(end + 6))
      else values.delete(key)
      end += recordBytes
    }
    return { values, stale: new Set([...damaged].filter((key) => !values.has(key))), end, halfKeys }
  }

  #apply(news: ReadonlyArray<readonly [key: number, bits: number | undefined]>): void {
    for (const [key, bits] of news) {
      if (bits === undefined) this.#values.delete(key)
      else this.#values.set(key, bits)
    }
    if (this.#stale.size > 0) this.#stale = new Set([...this.#stale].filter((key) => !this.#values.has(key)))
  }

  #blank(bank: number): void {
    if (!this.#region.isBlank(bank, 0, this.#region.slotBytes)) this.#region.erase(bank)
  }
}

const keyBytesOf = (key: number): Uint8Array => encodeRecord(key, 0).subarray(0, keyBytes)

const joined = (entries: ReadonlyArray<readonly [key: number, bits: number | undefined]>): Uint8Array => {
  const bytes = new Uint8Array(entries.length * recordBytes)
  for (const [index, [key, bits]] of entries.entries()) bytes.set(encodeRecord(key, bits), index * recordBytes)
  return bytes
}
