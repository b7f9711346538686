/**
 * The key partition: keys that images must be signed with, and the least security version of each program. Records stand
 * anywhere; one that changes is written to a free place before the old one goes.
 */
import { createHash } from "node:crypto"
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"
import { type Refused, refuse } from "../Refused.ts"
import type { Region } from "./Region.ts"

const recordBytes = 48
const crcAt = 0x2c
const idBytes = 8
const publicKeyBytes = 32
/** Places that stay free: one for an erase that is under way, one for the new form of a record that changes. */
const spare = 2
const enabled = 1
const maySign = 2

/** Records that are no keys, told by the byte where a key has its algorithm. */
const recordTypes = { floor: 0xf0, erasing: 0xf1 } as const

/** A key that images may be signed with. */
export interface TrustedKey {
  /** 1 Ed25519, 2 RSASSA-PSS (its 32 bytes are the SHA-256 of the public key). */
  readonly algorithm: number
  readonly enabled: boolean
  /** It may sign other keys. */
  readonly maySignKeys: boolean
  /** 8 bytes. */
  readonly keyId: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** A slot whose erase was begun, and the number of erases it has had with this one. */
export interface Erasing {
  readonly slot: number
  readonly eraseCount: number
}

interface Stored {
  readonly type: number
  readonly flags: number
  readonly id: string
  readonly body: Uint8Array
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Records of one type and id stand for the same thing. */
const nameOf = ({ type, id }: Stored): string => `${type >= recordTypes.floor ? type : "key"}:${id}`

const encode = ({ type, flags, id, body }: Stored): Uint8Array => {
  const bytes = new Uint8Array(recordBytes)
  bytes[0] = type
  bytes[1] = flags
  bytes.set(Buffer.from(id, "hex").subarray(0, idBytes), 4)
  bytes.set(body.subarray(0, publicKeyBytes), 4 + idBytes)
  new DataView(bytes.buffer).setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  return bytes
}

const decode = (bytes: Uint8Array): Stored | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(crcAt) !== crc32(bytes.subarray(0, crcAt))) return undefined
  return {
    type: view.getUint8(0),
    flags: view.getUint8(1),
    id: hex(bytes.subarray(4, 4 + idBytes)),
    body: bytes.slice(4 + idBytes, 4 + idBytes + publicKeyBytes)
  }
}

const numberIn = ({ body }: Stored): number => new DataView(body.buffer, body.byteOffset).getUint32(0)

const numberBody = (value: number): Uint8Array => {
  const body = new Uint8Array(publicKeyBytes)
  new DataView(body.buffer).setUint32(0, value)
  return body
}

/** A slot's number in the place of a key id. */
const slotId = (slot: number): string => slot.toString(16).padStart(2 * idBytes, "0")

/**
 * What stands for a program: the first 8 bytes of the SHA-256 of its name, and of its kind before it where that is not HXE.
 * No name holds the NUL in between.
 */
const floorId = (kind: number, name: string): string => {
  const prefix = kind === imageKinds.hxe ? "" : `${kind}\0`
  return hex(createHash("sha256").update(`${prefix}${name}`, "utf8").digest().subarray(0, idBytes))
}

/** All records of the partition. */
export class Keys {
  readonly #region: Region
  readonly #places: number
  /** By `nameOf`. */
  readonly #records = new Map<string, { readonly place: number; readonly stored: Stored }>()

  /** Reads all records. Of two that stand for one thing, the power went between writing and removing: one of them goes. */
  constructor(region: Region) {
    this.#region = region
    this.#places = Math.floor(region.slotBytes / recordBytes)
    for (let place = 0; place < this.#places; place++) {
      const stored = decode(region.read(0, place * recordBytes, recordBytes))
      if (stored === undefined) continue
      const name = nameOf(stored)
      const known = this.#records.get(name)
      const stays = known === undefined || outranks(stored, known.stored)
      if (known !== undefined) this.#blank(stays ? known.place : place)
      if (stays) this.#records.set(name, { place, stored })
    }
  }

  trusted(): ReadonlyArray<TrustedKey> {
    return [...this.#records.values()]
      .map(({ stored }) => stored)
      .filter(({ type }) => type < recordTypes.floor)
      .map(({ type, flags, id, body }) => ({
        algorithm: type,
        enabled: (flags & enabled) !== 0,
        maySignKeys: (flags & maySign) !== 0,
        keyId: new Uint8Array(Buffer.from(id, "hex")),
        publicKey: body
      }))
  }

  /** Adds a key, or replaces the one with its id. ENOSPC when there is no room. */
  trust(key: TrustedKey): Result.Result<void, Refused> {
    if (key.keyId.length !== idBytes || key.publicKey.length !== publicKeyBytes) return refuse(codes.EINVAL, "key")
    if (key.algorithm < 1 || key.algorithm >= recordTypes.floor) return refuse(codes.EINVAL, "algorithm")
    const flags = (key.enabled ? enabled : 0) | (key.maySignKeys ? maySign : 0)
    return this.#put({ type: key.algorithm, flags, id: hex(key.keyId), body: key.publicKey })
  }

  /** ENOENT when there is none. */
  distrust(keyId: Uint8Array): Result.Result<void, Refused> {
    return this.#remove(`key:${hex(keyId)}`) ? Result.succeed(undefined) : refuse(codes.ENOENT, "key")
  }

  /** Highest security version that was accepted for a program; 0 when none was. */
  floor(kind: number, name: string): number {
    const found = this.#records.get(`${recordTypes.floor}:${floorId(kind, name)}`)
    return found === undefined ? 0 : numberIn(found.stored)
  }

  /** It never goes down. */
  raise(kind: number, name: string, secver: number): Result.Result<void, Refused> {
    if (secver <= this.floor(kind, name)) return Result.succeed(undefined)
    return this.#put({ type: recordTypes.floor, flags: enabled, id: floorId(kind, name), body: numberBody(secver) })
  }

  /** Whether the counters that are not there yet have room, and so many new keys beside them. */
  hasRoomFor(floors: ReadonlyArray<{ readonly kind: number; readonly name: string }>, newKeys = 0): boolean {
    const unknown = new Set(
      floors
        .map(({ kind, name }) => `${recordTypes.floor}:${floorId(kind, name)}`)
        .filter((id) => !this.#records.has(id))
    )
    return this.#free() >= unknown.size + newKeys + spare
  }

  /** The erase that was begun and not finished, if any. */
  erasing(): Erasing | undefined {
    for (const { stored } of this.#records.values()) {
      if (stored.type === recordTypes.erasing)
        return { slot: Number.parseInt(stored.id, 16), eraseCount: numberIn(stored) }
    }
    return undefined
  }

  /** Before a slot is erased, its counter, which goes with the erase, is put down here. */
  beginErase({ slot, eraseCount }: Erasing): void {
    this.#write({ type: recordTypes.erasing, flags: enabled, id: slotId(slot), body: numberBody(eraseCount) })
  }

  /** The slot has its counter again. */
  endErase(slot: number): void {
    this.#remove(`${recordTypes.erasing}:${slotId(slot)}`)
  }

  /** The last free places are for changes of what is there. */
  #put(stored: Stored): Result.Result<void, Refused> {
    if (!this.#records.has(nameOf(stored)) && this.#free() <= spare) return refuse(codes.ENOSPC, "keys")
    this.#write(stored)
    return Result.succeed(undefined)
  }

  #write(stored: Stored): void {
    const taken = new Set([...this.#records.values()].map(({ place }) => place))
    const place = Array.from({ length: this.#places }, (_, index) => index).find((index) => !taken.has(index))
    if (place === undefined) throw new RangeError("the last free record was given away")
    const before = this.#records.get(nameOf(stored))
    this.#region.write(0, place * recordBytes, encode(stored))
    this.#records.set(nameOf(stored), { place, stored })
    if (before !== undefined) this.#blank(before.place)
  }

  #remove(name: string): boolean {
    const found = this.#records.get(name)
    if (found === undefined) return false
    this.#blank(found.place)
    return this.#records.delete(name)
  }

  #blank(place: number): void {
    this.#region.write(0, place * recordBytes, new Uint8Array(recordBytes).fill(0xff))
  }

  #free(): number {
    return this.#places - this.#records.size
  }
}

/** Counters: the higher one. Keys: the one that may do less; then neither an enabling nor a disabling is done by half. */
const outranks = (a: Stored, b: Stored): boolean =>
  a.type >= recordTypes.floor ? numberIn(a) > numberIn(b) : a.flags < b.flags
