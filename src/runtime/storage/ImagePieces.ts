/** Reads of an image's bytes, a piece at a time, through the memory of this node. */
import type { PgClient } from "@effect/sql-pg"
import { Effect, Option, Stream } from "effect"
import { ImageMissing, type ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import { ChunkCache } from "./ChunkCache.ts"
import { pieceBytes } from "./ImageIntake.ts"
import { answer, fullHash } from "./ImageQuery.ts"

/** Reads through a cache of at most so many bytes. */
export const makePieces = (sql: PgClient.PgClient, cacheBytesMax: number) => {
  const cache = new ChunkCache(cacheBytesMax)

  /** Reads pieces into the cache and gives them by index. Fails when there is no such image. */
  const load = Effect.fnUntraced(function* (sha256: string, first: number, last: number) {
    const rows = yield* answer(sql<{ readonly index: number | null; readonly bytes: Uint8Array | null }>`
      select c.index, c.bytes from image i
      left join image_chunk c on c.upload = i.upload and c.index between ${first} and ${last}
      where i.sha256 = ${sha256}`)
    if (rows.length === 0) return yield* new ImageMissing({ sha256 })
    const pieces = new Map<number, Uint8Array>()
    for (const { index, bytes } of rows) {
      if (index === null || bytes === null) continue
      pieces.set(index, bytes)
      cache.put(sha256, index, bytes)
    }
    return pieces
  })

  /** The pieces from `first` to `last`, fewer at the end of the image. */
  const pieces = Effect.fnUntraced(function* (sha256: string, first: number, last: number) {
    const found: Array<Uint8Array> = []
    for (let index = first; index <= last; index++) {
      const piece = cache.get(sha256, index)
      if (piece === undefined) break
      found.push(piece)
      // Only the last piece of an image is short.
      if (piece.length < pieceBytes) return found
    }
    const next = first + found.length
    if (next > last) return found
    const loaded = yield* load(sha256, next, last)
    for (let index = next; index <= last; index++) {
      const piece = loaded.get(index)
      if (piece === undefined) break
      found.push(piece)
    }
    return found
  })

  const chunk = Effect.fnUntraced(function* (sha256: string, offset: number, length: number) {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
      return yield* Effect.die(new RangeError(`${length} bytes from ${offset} on`))
    if (!fullHash.test(sha256)) return yield* new ImageMissing({ sha256 })
    const first = Math.floor(offset / pieceBytes)
    const last = Math.max(first, Math.ceil((offset + length) / pieceBytes) - 1)
    const whole = Buffer.concat(yield* pieces(sha256, first, last))
    const from = offset - first * pieceBytes
    return new Uint8Array(whole.subarray(from, from + length))
  })

  const content = (sha256: string): Stream.Stream<Uint8Array, ImageMissing | ImageStoreUnavailable> =>
    Stream.paginate(0, (index: number) =>
      Effect.map(chunk(sha256, index * pieceBytes, pieceBytes), (bytes) => [
        bytes.length === 0 ? [] : [bytes],
        bytes.length < pieceBytes ? Option.none<number>() : Option.some(index + 1)
      ])
    )

  return { chunk, content }
}
