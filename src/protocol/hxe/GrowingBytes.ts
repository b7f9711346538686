/** Bytes that are gathered piece by piece in one place. */

const firstBytes = 256

/** Grows by doubling; its capacity is at most twice what it was given. */
export class GrowingBytes {
  private bytes: Uint8Array
  private size = 0

  /** With `expected` known, nothing is moved until more than that arrives. */
  constructor(expected: number) {
    this.bytes = new Uint8Array(expected)
  }

  get length(): number {
    return this.size
  }

  append(piece: Uint8Array): void {
    const size = this.size + piece.length
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.bytes.length, firstBytes))
      grown.set(this.bytes.subarray(0, this.size))
      this.bytes = grown
    }
    this.bytes.set(piece, this.size)
    this.size = size
  }

  /** What was gathered, in place. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.size)
  }
}
