/** Pieces of images that were read last, kept in memory while many boards take the same image. */

/** Bounded in bytes; the piece that nobody has asked for the longest goes first. */
export class ChunkCache {
  readonly #bytesMax: number
  /** In the order of their last use: a map keeps the order in which keys came. */
  readonly #pieces = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes
  }

  get(sha256: string, index: number): Uint8Array | undefined {
    const key = `${sha256}/${index}`
    const piece = this.#pieces.get(key)
    if (piece === undefined) return undefined
    this.#pieces.delete(key)
    this.#pieces.set(key, piece)
    return piece
  }

  /** One that alone is larger than the bound is not kept. */
  put(sha256: string, index: number, piece: Uint8Array): void {
    const key = `${sha256}/${index}`
    const known = this.#pieces.get(key)
    if (known !== undefined) this.#drop(key, known)
    if (piece.length > this.#bytesMax) return
    this.#pieces.set(key, piece)
    this.#bytes += piece.length
    for (const [oldest, old] of this.#pieces) {
      if (this.#bytes <= this.#bytesMax) return
      this.#drop(oldest, old)
    }
  }

  #drop(key: string, piece: Uint8Array): void {
    this.#pieces.delete(key)
    this.#bytes -= piece.length
  }
}
