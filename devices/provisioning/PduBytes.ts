/** Big-endian numbers of load messages, written and read one after another. */

/** Collects the bytes of one message. */
export class PduWriter {
  readonly #bytes: Array<number> = []

  u8(value: number): this {
    this.#bytes.push(value & 0xff)
    return this
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value)
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte)
    return this
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}

/** Reads a message from its start. What lies beyond its end reads as 0, and `isWhole` says so at the end. */
export class PduReader {
  readonly #bytes: Uint8Array
  #at = 0
  #isShort = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Every byte was read, and none that is not there. */
  get isWhole(): boolean {
    return !this.#isShort && this.#at === this.#bytes.length
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length
  }

  u8(): number {
    const byte = this.#bytes[this.#at]
    this.#at += 1
    if (byte === undefined) this.#isShort = true
    return byte ?? 0
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8()
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  raw(length: number): Uint8Array {
    const bytes = this.#bytes.slice(this.#at, this.#at + length)
    if (bytes.length < length) this.#isShort = true
    this.#at += length
    return bytes
  }

  rest(): Uint8Array {
    return this.raw(Math.max(0, this.#bytes.length - this.#at))
  }
}
