/** A memory of a board that runs on a computer: the same bytes, in a file. */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs"
import type { MemoryShape } from "./MemoryNvDevice.ts"
import { assertPieces, assertWithin, type NvDevice, NvFault } from "./NvDevice.ts"

/**
 * A memory in a file, which is made when absent, for the owner alone. A shorter file is filled up with 0xFF: the power was
 * cut while it was made. Throws `NvFault` when it cannot be had or is longer than the memory.
 */
export class FileNvDevice implements NvDevice {
  readonly size: number
  readonly eraseSize: number
  readonly #file: number

  constructor(path: string, shape: MemoryShape) {
    this.size = shape.size
    this.eraseSize = shape.eraseSize
    // Never "w+": what is there must stay.
    this.#file = guarded(0, () => openFile(path))
    try {
      this.#fill()
    } catch (cause) {
      closeSync(this.#file)
      throw cause
    }
  }

  read(offset: number, length: number): Uint8Array {
    assertWithin(this, offset, length)
    const bytes = new Uint8Array(length)
    return guarded(offset, () => {
      let at = 0
      while (at < length) {
        const count = readSync(this.#file, bytes, at, length - at, offset + at)
        if (count === 0) throw new NvFault(offset + at)
        at += count
      }
      return bytes
    })
  }

  write(offset: number, bytes: Uint8Array): void {
    assertWithin(this, offset, bytes.length)
    this.#put(offset, this.eraseSize === 1 ? bytes : cleared(this.read(offset, bytes.length), bytes))
  }

  erase(offset: number, length: number): void {
    assertPieces(this, offset, length)
    this.#put(offset, new Uint8Array(length).fill(0xff))
  }

  /** What was written stays. */
  close(): void {
    closeSync(this.#file)
  }

  #fill(): void {
    const length = guarded(0, () => fstatSync(this.#file).size)
    if (length > this.size) throw new NvFault(this.size)
    if (length < this.size) this.#put(length, new Uint8Array(this.size - length).fill(0xff))
  }

  /** The order of writes is what a power cut must not change, so each of them is on the disk before the next begins. */
  #put(offset: number, bytes: Uint8Array): void {
    guarded(offset, () => {
      let at = 0
      while (at < bytes.length) at += writeSync(this.#file, bytes, at, bytes.length - at, offset + at)
      fdatasyncSync(this.#file)
    })
  }
}

const openFile = (path: string): number => {
  try {
    return openSync(path, "r+")
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause
    return openSync(path, "wx+", 0o600)
  }
}

const cleared = (before: Uint8Array, bytes: Uint8Array): Uint8Array =>
  before.map((byte, index) => byte & (bytes[index] ?? 0xff))

const guarded = <A>(offset: number, run: () => A): A => {
  try {
    return run()
  } catch (cause) {
    throw cause instanceof NvFault ? cause : new NvFault(offset, { cause })
  }
}
