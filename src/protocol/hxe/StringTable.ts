/** The strings of one section: UTF-8, each ended by NUL, addressed from the section's start. */
import { partBytesMax } from "./Hxe.ts"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
/** Longer strings are cheaper through the decoder than letter by letter. */
const plainTextMax = 32

/**
 * Looks strings up. A bad one makes the table faulty and reads as none, so that entries can be read in one go and the fault
 * asked for after them.
 */
export class StringTable {
  /** Whether any string that was asked for is outside the section, without an end, or not UTF-8. */
  isFaulty = false
  private readonly bytes: Uint8Array
  private readonly known = new Map<number, string>()
  /**
   * What may still be decoded. Strings that share their tails may come to more bytes than their section holds, but not
   * to many times more: a small image must not become a large heap.
   */
  private bytesLeft: number

  constructor(section: Uint8Array) {
    this.bytes = section
    this.bytesLeft = section.length + partBytesMax
  }

  /** The string at this offset; 0 is none. */
  at(offset: number): string | undefined {
    if (offset === 0) return undefined
    const known = this.known.get(offset)
    if (known !== undefined) return known
    const text = this.read(offset)
    if (text === undefined) this.isFaulty = true
    else this.known.set(offset, text)
    return text
  }

  private read(offset: number): string | undefined {
    const end = this.isFaulty ? -1 : this.bytes.indexOf(0, offset)
    if (end === -1) return undefined
    this.bytesLeft -= end - offset
    if (this.bytesLeft < 0) return undefined
    return this.plain(offset, end) ?? this.decoded(offset, end)
  }

  private plain(start: number, end: number): string | undefined {
    if (end - start > plainTextMax) return undefined
    let text = ""
    for (let at = start; at < end; at++) {
      const byte = this.bytes[at] ?? 0
      if (byte > 0x7f) return undefined
      text += String.fromCharCode(byte)
    }
    return text
  }

  private decoded(start: number, end: number): string | undefined {
    try {
      return decoder.decode(this.bytes.subarray(start, end))
    } catch {
      return undefined
    }
  }
}
