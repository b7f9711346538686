/**
 * Writes CBOR in the form of RFC 8949, section 4.2.1: definite lengths, shortest integers, the narrowest float that keeps
 * the value. Who writes a map brings its keys in order.
 */
import { major } from "./CborReader.ts"

const encoder = new TextEncoder()
/** Longer texts are cheaper through the encoder than letter by letter. */
const plainTextMax = 48

/** Room of a buffer whose items are taken as views; one is held for as long as any of them. */
const chunkBytes = 64 * 1024
/** Room of a buffer whose item is copied out. */
const itemBytes = 1024
/** An item of at least so many bytes is not copied out: it keeps its buffer, and the next begins a new one. */
const ownBufferBytes = 16 * 1024

/** A buffer that grows and is used again for the next item. */
export class CborWriter {
  private bytes = new Uint8Array(itemBytes)
  private view = new DataView(this.bytes.buffer)
  /** Where the item begins: behind those that were taken as views. */
  private start = 0
  private at = 0
  private readonly scratch = new DataView(new ArrayBuffer(4))

  /** Begins an item. What was not taken of the one before is lost. */
  begin(): void {
    this.at = this.start
  }

  /** What was written since {@link begin}, for the caller to keep. */
  take(): Uint8Array {
    const { bytes, start, at } = this
    if (at - start < ownBufferBytes) return bytes.slice(start, at)
    this.bytes = new Uint8Array(itemBytes)
    this.view = new DataView(this.bytes.buffer)
    this.start = 0
    return bytes.subarray(start, at)
  }

  /** What was written since {@link begin}, in place: cheaper than a copy, for what does not live long. */
  takeView(): Uint8Array {
    const item = this.bytes.subarray(this.start, this.at)
    this.start = this.at
    return item
  }

  private reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.grow(count)
  }

  private grow(count: number): void {
    const { bytes, start, at } = this
    const size = Math.max(2 * (at - start) + count, start === 0 ? 2 * bytes.length : chunkBytes)
    this.bytes = new Uint8Array(size)
    this.bytes.set(bytes.subarray(start, at))
    this.view = new DataView(this.bytes.buffer)
    this.at = at - start
    this.start = 0
  }

  /** Head of any item. */
  head(type: number, argument: number): void {
    this.reserve(9)
    const first = type << 5
    if (argument < 24) {
      this.bytes[this.at++] = first | argument
    } else if (argument < 0x100) {
      this.bytes[this.at++] = first | 24
      this.bytes[this.at++] = argument
    } else if (argument < 0x10000) {
      this.bytes[this.at++] = first | 25
      this.bytes[this.at++] = argument >> 8
      this.bytes[this.at++] = argument
    } else if (argument < 2 ** 32) {
      this.bytes[this.at++] = first | 26
      this.view.setUint32(this.at, argument)
      this.at += 4
    } else {
      this.bytes[this.at++] = first | 27
      this.view.setUint32(this.at, Math.floor(argument / 2 ** 32))
      this.view.setUint32(this.at + 4, argument % 2 ** 32)
      this.at += 8
    }
  }

  /** Begins a map of fewer than 24 entries whose number is not known yet, and gives its place in the item for {@link endSmallMap}. */
  beginSmallMap(): number {
    this.head(major.map, 0)
    return this.at - 1 - this.start
  }

  /** Writes the number of entries of the map begun at `place`. */
  endSmallMap(place: number, count: number): void {
    this.bytes[this.start + place] = (major.map << 5) | count
  }

  /** An unsigned integer. Throws `RangeError` on anything else: the frame's maker has a bug. */
  unsigned(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no unsigned integer for the link: ${value}`)
    this.head(major.unsigned, value)
  }

  /** A number: an integer where it is one within ±(2^53−1), else a float. `-0` becomes 0. */
  number(value: number): void {
    if (!Number.isSafeInteger(value)) this.float(value)
    else if (value < 0) this.head(major.negative, -1 - value)
    else this.head(major.unsigned, value)
  }

  /** A float of 64 bits. */
  double(value: number): void {
    this.reserve(9)
    this.bytes[this.at++] = 0xfb
    this.view.setFloat64(this.at, value)
    this.at += 8
  }

  private float(value: number): void {
    this.reserve(9)
    if (Number.isNaN(value)) return this.half(0x7e00)
    if (Math.fround(value) !== value) return this.double(value)
    this.scratch.setFloat32(0, value)
    const bits = this.scratch.getUint32(0)
    const sign = (bits >>> 16) & 0x8000
    const exponent = (bits >>> 23) & 0xff
    const fraction = bits & 0x7fffff
    if (exponent === 255) return this.half(sign | 0x7c00)
    if (exponent >= 113 && exponent <= 142 && (fraction & 0x1fff) === 0)
      return this.half(sign | ((exponent - 112) << 10) | (fraction >> 13))
    // A half below 2^-14 has no hidden bit.
    const shift = 126 - exponent
    const whole = fraction | 0x800000
    if (shift > 13 && shift < 24 && (whole & ((1 << shift) - 1)) === 0) return this.half(sign | (whole >> shift))
    this.bytes[this.at++] = 0xfa
    this.view.setUint32(this.at, bits)
    this.at += 4
  }

  private half(bits: number): void {
    this.bytes[this.at++] = 0xf9
    this.view.setUint16(this.at, bits)
    this.at += 2
  }

  boolean(value: boolean): void {
    this.reserve(1)
    this.bytes[this.at++] = value ? 0xf5 : 0xf4
  }

  null(): void {
    this.reserve(1)
    this.bytes[this.at++] = 0xf6
  }

  undefined(): void {
    this.reserve(1)
    this.bytes[this.at++] = 0xf7
  }

  byteString(value: Uint8Array): void {
    this.head(major.bytes, value.length)
    this.encoded(value)
  }

  /** An item that is encoded already. */
  encoded(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** Throws `RangeError` on a lone surrogate, which UTF-8 cannot say. */
  text(value: string): void {
    const { length } = value
    if (length <= plainTextMax) {
      this.head(major.text, length)
      this.reserve(length)
      const { at, bytes } = this
      let index = 0
      for (; index < length; index++) {
        const unit = value.charCodeAt(index)
        if (unit > 0x7f) break
        bytes[at + index] = unit
      }
      if (index === length) {
        this.at = at + length
        return
      }
      this.at = at - (length < 24 ? 1 : 2)
    }
    if (!value.isWellFormed()) throw new RangeError("text with a lone surrogate")
    const encoded = encoder.encode(value)
    this.head(major.text, encoded.length)
    this.reserve(encoded.length)
    this.bytes.set(encoded, this.at)
    this.at += encoded.length
  }
}
