/** The images of the cluster on PostgreSQL: by the hash of their bytes, in pieces, with what was signed of them. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer, Option, Result, Stream } from "effect"
import { ImageMissing, ImageSource, type ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import { ImageLibrary, type PushOptions, type StoredImage, type Trust } from "../../gateways/http/ImageLibrary.ts"
import { codes } from "../../protocol/Codes.ts"
import { TooLarge } from "../../protocol/Errors.ts"
import { ImageAmbiguous, ImageInUse, ImageRejected } from "../../protocol/image/ImageErrors.ts"
import type { ImageKind } from "../../protocol/image/ImageKind.ts"
import type { ImageRefused } from "../../protocol/image/ImageRefused.ts"
import { readTravelling, type TravellingManifest } from "../../protocol/image/SignedManifest.ts"
import { judge, type TrustOptions } from "../../protocol/image/Trust.ts"
import { bare, contradiction, type Described, madeManifest, ownSignatureRefusal, signerOf } from "./ImageDescription.ts"
import { ImageIntake, type Taken } from "./ImageIntake.ts"
import { loadPiece, makePieces } from "./ImagePieces.ts"
import { answer, columns, fullHash, type ImageRow, imageOf } from "./ImageQuery.ts"

/** What a node is told of its images. */
export interface ImageStoreOptions extends Pick<TrustOptions, "policy" | "signers"> {
  /** Of one image. */
  readonly bytesMax: number
  /** Bytes of the pieces kept in memory; 32 MiB when absent. */
  readonly cacheBytesMax?: number
}

const cacheBytesDefault = 32 * 2 ** 20
const candidatesMax = 5
/** An upload that no image has taken over for this long is one that its node could not clean up. */
const staleUpload = "1 hour"

const hashPrefix = /^[0-9a-f]{4,63}$/

/** Text without NUL: the database takes no other, and the mere question would look like an outage. */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\u0000")
const storable = (text: string): string =>
  isStorable(text) ? text : text.toWellFormed().replaceAll("\u0000", "\u2400")

/** What people call an image. */
const nameOf = ({ name, version }: StoredImage): string => `${name}@${version}`

const rejected = <A>(result: Result.Result<A, ImageRefused>): Effect.Effect<A, ImageRejected> =>
  Effect.mapError(Effect.fromResult(result), ImageRejected.of)

const reject = (code: number, detail: string): Effect.Effect<never, ImageRejected> =>
  Effect.fail(ImageRejected.of({ code, detail }))

const make = ({ bytesMax, cacheBytesMax = cacheBytesDefault, policy, signers }: ImageStoreOptions) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const { chunk, content } = makePieces(loadPiece(sql), cacheBytesMax)

    const get = (sha256: string): Effect.Effect<Option.Option<StoredImage>, ImageStoreUnavailable> =>
      fullHash.test(sha256)
        ? answer(
            Effect.map(sql<ImageRow>`select ${sql.literal(columns)} from image where sha256 = ${sha256}`, ([row]) =>
              row === undefined ? Option.none() : Option.some(imageOf(row))
            )
          )
        : Effect.succeed(Option.none())

    const existing = Effect.fnUntraced(function* (sha256: string) {
      const found = yield* get(sha256)
      return Option.isSome(found) ? found.value : yield* new ImageMissing({ sha256 })
    })

    /** Judges what travelled by the keys of this node. */
    const allowed = (travelling: TravellingManifest) => rejected(judge(travelling, { policy, signers }))

    const trust = ({ manifest }: StoredImage): { readonly trust: Trust; readonly why?: string } => {
      const read = readTravelling(manifest)
      if (Result.isFailure(read)) return { trust: "rejected", why: read.failure.detail }
      if (read.success.signature === undefined) return { trust: "unsigned" }
      const verdict = judge(read.success, { policy: "any", signers })
      if (Result.isSuccess(verdict)) return { trust: "verified" }
      const { code, detail } = verdict.failure
      return code === codes.ENOKEY ? { trust: "unknown" } : { trust: "rejected", why: detail }
    }

    // ---------------------------------------------------------------------------------------------------------- intake

    /** Writes the pieces of an upload while they come. Refused as soon as there are more bytes than one image may have. */
    const takeIn = Effect.fnUntraced(function* <E, R>(
      upload: number,
      bytes: Stream.Stream<Uint8Array, E, R>,
      kind: ImageKind | undefined
    ) {
      const intake = new ImageIntake(kind)
      let index = 0
      const keep = (piece: Uint8Array) =>
        answer(sql`insert into image_chunk (upload, index, bytes) values (${upload}, ${index++}, ${piece}::bytea)`)
      yield* Stream.runForEach(bytes, (part) =>
        Effect.gen(function* () {
          if (intake.size + part.length > bytesMax)
            return yield* new TooLarge({ limit: bytesMax, actual: intake.size + part.length })
          for (const piece of intake.push(part)) yield* keep(piece)
        })
      )
      const rest = intake.rest()
      if (rest !== undefined) yield* keep(rest)
      return yield* rejected(intake.end())
    })

    /** The manifest that came with the bytes, or the one that follows from them; it must say what they are. */
    const describeTaken = Effect.fnUntraced(function* (
      taken: Taken,
      given: Described | undefined,
      options: PushOptions,
      now: number
    ) {
      const unsound = ownSignatureRefusal(taken, { policy, signers })
      if (unsound !== undefined) return yield* Effect.fail(ImageRejected.of(unsound))
      const described =
        given ?? (yield* rejected(Result.flatMap(madeManifest(taken, options, now), (manifest) => bare(manifest))))
      const { manifest } = described.travelling
      const wrong = contradiction(manifest, taken)
      if (wrong !== undefined) return yield* reject(codes.EBADMSG, wrong)
      const ownName = taken.facts?.header.appName
      if (ownName !== undefined && ownName !== manifest.name)
        return yield* reject(codes.EBADMSG, `the manifest says ${manifest.name}, the image's own header ${ownName}`)
      if (options.sha256 !== undefined && options.sha256 !== taken.sha256)
        return yield* reject(codes.EBADMSG, `its SHA-256 is ${taken.sha256}, not ${options.sha256}`)
      return described
    })

    /** Makes an image of the upload, unless there is one with these bytes. */
    const register = (upload: number, { bytes, travelling }: Described, options: PushOptions, now: number) => {
      const { manifest } = travelling
      const signer = signerOf(travelling)
      const by = storable(options.by)
      return answer(
        Effect.map(
          sql<ImageRow>`insert into image (sha256, kind, name, version, size, secver, manifest, signer, upload, pushed_by, origin,
              pushed_at, signed_by, signed_at)
            values (${manifest.sha256}, ${manifest.kind}, ${manifest.name}, ${manifest.version}, ${manifest.size},
              ${manifest.secver}, ${bytes}::bytea, ${signer}, ${upload}, ${by}, ${storable(options.origin)}, ${now},
              ${signer === null ? null : by}, ${signer === null ? null : now})
            on conflict (sha256) do nothing returning ${sql.literal(columns)}`,
          ([row]) => (row === undefined ? undefined : imageOf(row))
        )
      )
    }

    const begin = answer(
      Effect.gen(function* () {
        yield* sql`delete from image_upload u where begun_at < now() - ${staleUpload}::interval
          and not exists (select from image where upload = u.number)`
        const [row] = yield* sql<{ readonly number: number }>`
          insert into image_upload default values returning number::float8`
        if (row === undefined) return yield* Effect.die("an insert answered no row")
        return row.number
      })
    )

    /** Nothing happens to an upload that an image has taken over. One that cannot be deleted now goes with the stale ones. */
    const discardUnused = (upload: number) =>
      Effect.ignore(sql`delete from image_upload where number = ${upload}
        and not exists (select from image where upload = ${upload})`)

    const put = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>, options: PushOptions) =>
      Effect.gen(function* () {
        const given = options.manifest === undefined ? undefined : yield* readGiven(options.manifest)
        if (given === undefined && policy !== "none") return yield* reject(codes.EPERM, "unsigned")
        return yield* Effect.acquireUseRelease(
          begin,
          Effect.fnUntraced(function* (upload) {
            const kind = options.kind ?? given?.travelling.manifest.kind
            const taken = yield* takeIn(upload, bytes, kind)
            const now = yield* Clock.currentTimeMillis
            const described = yield* describeTaken(taken, given, options, now)
            const { sha256 } = taken
            for (;;) {
              const made = yield* register(upload, described, options, now)
              if (made !== undefined) return { image: made, isNew: true }
              const known = yield* get(sha256)
              // Removed since: the upload is still here to make it anew.
              if (Option.isNone(known)) continue
              if (given === undefined) return { image: known.value, isNew: false }
              const image = yield* replaceManifest(known.value, given, options.by).pipe(
                Effect.catchTag("ImageMissing", () => Effect.succeed(undefined))
              )
              if (image === undefined) continue
              const before = nameOf(known.value)
              return { image, isNew: false, ...(before !== nameOf(image) && { renamedFrom: before }) }
            }
          }),
          discardUnused
        )
      })

    const readGiven = Effect.fnUntraced(function* (bytes: Uint8Array) {
      const travelling = yield* rejected(readTravelling(bytes))
      yield* allowed(travelling)
      return { bytes, travelling }
    })

    // ------------------------------------------------------------------------------------------------------ signatures

    const replaceManifest = Effect.fnUntraced(function* (image: StoredImage, given: Described, by: string) {
      const { bytes, travelling } = given
      const { manifest } = travelling
      const { sha256 } = image
      const signer = signerOf(travelling)
      const now = yield* Clock.currentTimeMillis
      const [row] = yield* answer(sql<ImageRow>`update image set name = ${manifest.name}, version = ${manifest.version},
          secver = ${manifest.secver}, manifest = ${bytes}::bytea, signer = ${signer},
          signed_by = ${signer === null ? null : storable(by)}, signed_at = ${signer === null ? null : now}
        where sha256 = ${sha256} returning ${sql.literal(columns)}`)
      return row === undefined ? yield* new ImageMissing({ sha256 }) : imageOf(row)
    })

    const sign = Effect.fnUntraced(function* (sha256: string, bytes: Uint8Array, by: string) {
      const image = yield* existing(sha256)
      const given = yield* readGiven(bytes)
      const { manifest } = given.travelling
      const wrong = contradiction(manifest, image)
      if (wrong !== undefined) return yield* reject(codes.EBADMSG, wrong)
      // What an HXE image is called stands in its header, and that was checked when it came.
      if (image.kind === "hxe" && manifest.name !== image.name)
        return yield* reject(codes.EBADMSG, `the manifest says ${manifest.name}, the image is ${image.name}`)
      return yield* replaceManifest(image, given, by)
    })

    // ----------------------------------------------------------------------------------------------------------- reads

    const find = Effect.fnUntraced(function* (reference: string) {
      if (!isStorable(reference)) return yield* new ImageMissing({ sha256: reference })
      const at = reference.lastIndexOf("@")
      const [name, version] = at > 0 ? [reference.slice(0, at), reference.slice(at + 1)] : [reference, undefined]
      const prefix = fullHash.test(reference) || hashPrefix.test(reference) ? `${reference}%` : ""
      const rows = yield* answer(sql<ImageRow>`select ${sql.literal(columns)} from image
        where sha256 like ${prefix} or name = ${reference}
          or (name = ${name} and version = ${version ?? null}::text)
        order by sha256 limit ${candidatesMax}`)
      const [row, ...others] = rows
      if (row === undefined) {
        const alike = yield* answer(sql<{ readonly version: string }>`select version from image
          where name = ${name} order by pushed_at desc limit ${candidatesMax}`)
        const others = alike.map((each) => `${name}@${each.version}`)
        return yield* new ImageMissing({ sha256: reference, ...(others.length > 0 && { others }) })
      }
      if (others.length === 0) return imageOf(row)
      const candidates = rows.map((each) => `${each.sha256.slice(0, 12)} (${each.name}@${each.version})`)
      return yield* new ImageAmbiguous({ reference, candidates })
    })

    const list = Effect.fnUntraced(function* ({ limit, after = "" }: { limit: number; after?: string | undefined }) {
      const known = isStorable(after) ? after : ""
      const [sha256, name] = [known.slice(0, 64), known.slice(65)]
      const rows = yield* answer(sql<ImageRow>`select ${sql.literal(columns)} from image
        where (name, sha256) > (${name}, ${sha256}) order by name, sha256 limit ${limit}`)
      const last = rows.length === limit ? rows.at(-1) : undefined
      return { images: rows.map(imageOf), ...(last !== undefined && { next: `${last.sha256}:${last.name}` }) }
    })

    const users = (sha256: string) =>
      answer(
        Effect.map(
          sql<{ readonly holder: string }>`select holder from image_use where sha256 = ${sha256} order by holder`,
          (rows) => rows.map(({ holder }) => holder)
        )
      )

    // ------------------------------------------------------------------------------------------------------------ uses

    const use = Effect.fnUntraced(function* (sha256: string, user: string) {
      const noted = yield* answer(
        // The lock is that of a foreign key: a removal under way is waited for, and then there is nothing to insert.
        sql`with image as (select sha256 from image where sha256 = ${sha256} for key share)
          insert into image_use (sha256, holder) select sha256, ${storable(user)} from image
          on conflict (sha256, holder) do update set since = image_use.since returning true`
      )
      if (noted.length === 0) return yield* new ImageMissing({ sha256 })
    })

    const release = (sha256: string, user: string) =>
      answer(Effect.asVoid(sql`delete from image_use where sha256 = ${sha256} and holder = ${storable(user)}`))

    const remove = (sha256: string) =>
      answer(
        sql.withTransaction(
          Effect.gen(function* () {
            // Whoever begins to use the image meanwhile waits for this lock; whoever did before is seen behind it.
            const [row] = yield* sql<{ readonly upload: number }>`
              select upload::float8 from image where sha256 = ${sha256} for update`
            if (row === undefined) return yield* new ImageMissing({ sha256 })
            const holders = yield* sql<{ readonly holder: string }>`
              select holder from image_use where sha256 = ${sha256} order by holder`
            if (holders.length > 0) return yield* new ImageInUse({ sha256, users: holders.map(({ holder }) => holder) })
            yield* sql`delete from image where sha256 = ${sha256}`
            yield* sql`delete from image_upload where number = ${row.upload}`
          })
        )
      )

    return ImageLibrary.of({
      put,
      get,
      find,
      list,
      users,
      content,
      sign,
      remove,
      trust,
      describe: (sha256) => Effect.map(get(sha256), Option.getOrUndefined),
      chunk,
      use,
      release
    })
  })

/** The library, and the same for effects of actors as {@link ImageSource}. Needs a migrated database. */
export const layer = (options: ImageStoreOptions): Layer.Layer<ImageLibrary, never, PgClient.PgClient> =>
  Layer.effectContext(
    Effect.map(make(options), (library) => Context.make(ImageLibrary, library).pipe(Context.add(ImageSource, library)))
  )
