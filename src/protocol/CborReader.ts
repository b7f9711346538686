/**
 * Reads an item that `faultOf` found well-formed, value by value and in order. A value of the wrong kind or outside its limit
 * is a refusal, kept here and answered with `undefined`: nothing is thrown, so that a flood of bad frames stays cheap.
 */
import { codes } from "./Codes.ts"
import { f16Value } from "./hxe/F16.ts"

/** Texts up to this many bytes are looked up before they are made: names of fields and states come again and again. */
const cachedBytesMax = 24
/** A power of two. */
const cacheSlots = 1024
const cache: Array<string> = Array.from({ length: cacheSlots }, () => "")

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Major types of RFC 8949, section 3.1. */
export const major = { unsigned: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, simple: 7 } as const

/** A position in well-formed bytes, and the first refusal met. */
export class CborReader {
  /** Argument of the head last read: its value, length or count. */
  argument = 0
  private type = 0
  private info = 0
  at = 0
  /** Code of the refusal; `ok` while there is none. */
  code: number = codes.ok
  detail = ""
  /** Path to what is refused, innermost first. */
  path: Array<number | string> | undefined
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Notes a refusal and gives the `undefined` that stands for the value. */
  refuse(code: number, detail: string): undefined {
    this.code = code
    this.detail = detail
    return undefined
  }

  /** Notes on the way out where the refused value stands. */
  inside(step: number | string): undefined {
    this.path ??= []
    this.path.push(step)
    return undefined
  }

  /** Reads a head and gives its major type. Strings are left to {@link takeText} and {@link takeBytes}, elements to further reads. */
  head(): number {
    const first = this.view.getUint8(this.at++)
    this.type = first >> 5
    const info = first & 31
    this.info = info
    if (info < 24) {
      this.argument = info
    } else if (info === 24) {
      this.argument = this.view.getUint8(this.at)
      this.at += 1
    } else if (info === 25) {
      this.argument = this.view.getUint16(this.at)
      this.at += 2
    } else if (info === 26) {
      this.argument = this.view.getUint32(this.at)
      this.at += 4
    } else {
      this.argument = this.view.getUint32(this.at) * 2 ** 32 + this.view.getUint32(this.at + 4)
      this.at += 8
    }
    return this.type
  }

  /** Value of the simple item whose head was read: a boolean, null, or a float of any width. */
  takeSimple(): boolean | null | number {
    switch (this.info) {
      case 20:
        return false
      case 21:
        return true
      case 25:
        return f16Value(this.argument)
      case 26:
        return this.view.getFloat32(this.at - 4)
      case 27:
        return this.view.getFloat64(this.at - 8)
      default:
        return null
    }
  }

  /** The text whose head was read. */
  takeText(): string {
    const { bytes, at, argument: length } = this
    this.at = at + length
    if (length > cachedBytesMax) return decoder.decode(bytes.subarray(at, at + length))
    let hash = length
    for (let index = at; index < at + length; index++) {
      const byte = bytes[index] ?? 0
      if (byte > 0x7f) return decoder.decode(bytes.subarray(at, at + length))
      hash = (hash * 31 + byte) | 0
    }
    const slot = (hash ^ (hash >>> 15)) & (cacheSlots - 1)
    const known = cache[slot] ?? ""
    if (known.length === length && this.isAscii(known, at)) return known
    let text = ""
    for (let index = at; index < at + length; index++) text += String.fromCharCode(bytes[index] ?? 0)
    cache[slot] = text
    return text
  }

  private isAscii(text: string, at: number): boolean {
    for (let index = 0; index < text.length; index++)
      if (text.charCodeAt(index) !== this.bytes[at + index]) return false
    return true
  }

  /** A copy of the byte string whose head was read; a view would keep the whole network packet alive. */
  takeBytes(): Uint8Array {
    const copy = new Uint8Array(this.argument)
    copy.set(this.bytes.subarray(this.at, this.at + this.argument))
    this.at += this.argument
    return copy
  }

  /** Skips the rest of the item whose head was read. */
  skipRest(): void {
    let pending = 1
    for (;;) {
      if (this.type === major.bytes || this.type === major.text) this.at += this.argument
      else if (this.type === major.list) pending += this.argument
      else if (this.type === major.map) pending += 2 * this.argument
      if (--pending === 0) return
      this.head()
    }
  }
}
