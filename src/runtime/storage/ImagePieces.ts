/** Reads of an image's bytes, through the memory of this node: many boards take the same image at the same time. */
import type { PgClient } from "@effect/sql-pg"
import { Deferred, Effect, Option, Stream } from "effect"
import { ImageMissing, type ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import { ChunkCache } from "./ChunkCache.ts"
import { pieceBytes } from "./ImageIntake.ts"
import { answer, fullHash } from "./ImageQuery.ts"

type Unread = ImageMissing | ImageStoreUnavailable

/** Reads one stored piece; nothing behind the last one. */
type LoadPiece = (sha256: string, index: number) => Effect.Effect<Uint8Array | undefined, Unread>

/** Reads pieces of the database. */
export const loadPiece =
  (sql: PgClient.PgClient): LoadPiece =>
  (sha256, index) =>
    Effect.gen(function* () {
      const [row] = yield* answer(sql<{ readonly bytes: Uint8Array | null }>`select c.bytes from image i
        left join image_chunk c on c.upload = i.upload and c.index = ${index} where i.sha256 = ${sha256}`)
      if (row === undefined) return yield* new ImageMissing({ sha256 })
      return row.bytes ?? undefined
    })

/** Pieces that are read ahead: who takes an image takes the whole of it. */
const aheadPieces = 8

/** Stands for a piece behind the last one, so that nobody asks for it again. */
const nothing = new Uint8Array(0)

/** Keeps at most so many bytes in memory. Whoever wants a piece that is being read waits for that read. */
export const makePieces = (load: LoadPiece, cacheBytesMax: number) => {
  const cache = new ChunkCache(cacheBytesMax)
  const loading = new Map<string, Deferred.Deferred<Uint8Array | undefined, Unread>>()

  const piece: LoadPiece = (sha256, index) =>
    Effect.suspend(() => {
      const known = cache.get(sha256, index)
      if (known !== undefined) return Effect.succeed(known === nothing ? undefined : known)
      const key = `${sha256}/${index}`
      const underWay = loading.get(key)
      if (underWay !== undefined) return Deferred.await(underWay)
      const found = Deferred.makeUnsafe<Uint8Array | undefined, Unread>()
      loading.set(key, found)
      return load(sha256, index).pipe(
        Effect.tap((bytes) => Effect.sync(() => cache.put(sha256, index, bytes ?? nothing))),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            loading.delete(key)
            Deferred.doneUnsafe(found, exit)
          })
        ),
        // Others wait for it too: it ends whatever becomes of who asked first.
        Effect.forkDetach,
        Effect.andThen(Deferred.await(found))
      )
    })

  /** Begins to read what comes next. A failure shows when somebody needs the piece. */
  const readAhead = (sha256: string, index: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const next: Array<number> = []
      for (let ahead = index + 1; ahead <= index + aheadPieces; ahead++)
        if (cache.get(sha256, ahead) === undefined && !loading.has(`${sha256}/${ahead}`)) next.push(ahead)
      return Effect.forEach(next, (ahead) => Effect.forkDetach(Effect.ignore(piece(sha256, ahead))), { discard: true })
    })

  /** Bytes from `offset` on, at most `length`; fewer at the end of the image, none behind it. */
  const chunk = Effect.fnUntraced(function* (sha256: string, offset: number, length: number) {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
      return yield* Effect.die(new RangeError(`${length} bytes from ${offset} on`))
    if (!fullHash.test(sha256)) return yield* new ImageMissing({ sha256 })
    const end = offset + length
    const parts: Array<Uint8Array> = []
    for (let at = offset; ; ) {
      const index = Math.floor(at / pieceBytes)
      const begin = index * pieceBytes
      const bytes = yield* piece(sha256, index)
      if (bytes === undefined) break
      parts.push(bytes.subarray(at - begin, end - begin))
      at = begin + pieceBytes
      // Only the last piece of an image is short.
      if (bytes.length < pieceBytes) break
      if (at >= end) {
        yield* readAhead(sha256, index)
        break
      }
    }
    // Mostly a view of what is kept in memory: a copy of each chunk for each board cost more than all else.
    const [whole, ...more] = parts
    return whole !== undefined && more.length === 0 ? whole : new Uint8Array(Buffer.concat(parts))
  })

  /** All bytes, piece by piece. */
  const content = (sha256: string): Stream.Stream<Uint8Array, Unread> =>
    Stream.paginate(0, (index: number) =>
      Effect.map(chunk(sha256, index * pieceBytes, pieceBytes), (bytes) => [
        bytes.length === 0 ? [] : [bytes],
        bytes.length < pieceBytes ? Option.none<number>() : Option.some(index + 1)
      ])
    )

  return { chunk, content }
}
