/** A memory of a simulated board. It lasts as long as its object: who keeps the object has cut the power, no more. */
import { assertPieces, assertWithin, type NvDevice } from "./NvDevice.ts"

/** A page nobody wrote takes no room: a thousand boards have megabytes of flash each and use little of it. */
const pageBytes = 4096

/** What a memory is made of. */
export interface MemoryShape {
  readonly size: number
  /** 1 for FRAM. */
  readonly eraseSize: number
}

/** A memory in RAM, blank (0xFF) at first. */
export class MemoryNvDevice implements NvDevice {
  readonly size: number
  readonly eraseSize: number
  readonly #pages = new Map<number, Uint8Array>()

  constructor(shape: MemoryShape) {
    this.size = shape.size
    this.eraseSize = shape.eraseSize
  }

  read(offset: number, length: number): Uint8Array {
    assertWithin(this, offset, length)
    const bytes = new Uint8Array(length).fill(0xff)
    this.#each(offset, length, (page, from, at, count) => {
      const written = this.#pages.get(page)
      if (written !== undefined) bytes.set(written.subarray(from, from + count), at)
    })
    return bytes
  }

  write(offset: number, bytes: Uint8Array): void {
    assertWithin(this, offset, bytes.length)
    this.#each(offset, bytes.length, (page, from, at, count) => {
      const written = this.#page(page)
      for (let index = 0; index < count; index++) {
        const byte = bytes[at + index] ?? 0xff
        written[from + index] = this.eraseSize === 1 ? byte : byte & (written[from + index] ?? 0xff)
      }
    })
  }

  erase(offset: number, length: number): void {
    assertPieces(this, offset, length)
    this.#each(offset, length, (page, from, _at, count) => {
      if (count === pageBytes) this.#pages.delete(page)
      else this.#pages.get(page)?.fill(0xff, from, from + count)
    })
  }

  /** Another memory that holds the same. */
  copy(): MemoryNvDevice {
    const copy = new MemoryNvDevice(this)
    for (const [page, bytes] of this.#pages) copy.#pages.set(page, bytes.slice())
    return copy
  }

  #page(page: number): Uint8Array {
    const known = this.#pages.get(page)
    if (known !== undefined) return known
    const blank = new Uint8Array(pageBytes).fill(0xff)
    this.#pages.set(page, blank)
    return blank
  }

  /** Calls for each page the range touches: its number, where in it, where in the range, how many bytes. */
  #each(offset: number, length: number, run: (page: number, from: number, at: number, count: number) => void): void {
    let at = 0
    while (at < length) {
      const from = (offset + at) % pageBytes
      const count = Math.min(pageBytes - from, length - at)
      run(Math.floor((offset + at) / pageBytes), from, at, count)
      at += count
    }
  }
}
