import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Result, Stream } from "effect"
import { ImageMissing, ImageSource, ImageStoreUnavailable } from "../../../src/actors/ImageSource.ts"
import { ImageLibrary, type PushOptions } from "../../../src/gateways/http/ImageLibrary.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { TooLarge } from "../../../src/protocol/Errors.ts"
import { signHxe } from "../../../src/protocol/hxe/Signature.ts"
import { manifestOfHxe, sha256Of } from "../../../src/protocol/image/HxeImageManifest.ts"
import { ImageAmbiguous, ImageInUse, ImageRejected, UploadBroken } from "../../../src/protocol/image/ImageErrors.ts"
import { encodeManifest, type Manifest } from "../../../src/protocol/image/Manifest.ts"
import { signManifest } from "../../../src/protocol/image/SignedManifest.ts"
import { keyIdText, newKeyPair, rawPublicKey, readPrivateKey } from "../../../src/protocol/image/SigningKey.ts"
import { ChunkCache } from "../../../src/runtime/storage/ChunkCache.ts"
import { pieceBytes } from "../../../src/runtime/storage/ImageIntake.ts"
import { makePieces } from "../../../src/runtime/storage/ImagePieces.ts"
import * as ImageStore from "../../../src/runtime/storage/ImageStore.ts"
import { full } from "../../protocol/hxe/Golden.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const key = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))
const kid = keyIdText(rawPublicKey(key))
const stranger = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))

const fullHash = sha256Of(full)
const fullManifest = Result.getOrThrow(manifestOfHxe(full, { version: "1.0.0", secver: 2 }))
const bytesOf = (manifest: Manifest): Uint8Array => Result.getOrThrow(encodeManifest(manifest))
const signed = signManifest(bytesOf(fullManifest), key)

const bytesMax = 5 * pieceBytes
const who: Pick<PushOptions, "by" | "origin"> = { by: "ada", origin: "bench:/tmp/gold.hxe" }
const firmware = { ...who, kind: "firmware", name: "boot", version: "1.0.0" } as const

/** Bytes that differ everywhere, so that a piece in the wrong place shows. */
const patterned = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + seed) & 0xff)

const inPieces = (bytes: Uint8Array, size: number): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size)
    )
  )

const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("ImageStore", (it) => {
  const fresh = <A, E>(
    effect: Effect.Effect<A, E, ImageLibrary | PgClient.PgClient>,
    options: Partial<ImageStore.ImageStoreOptions> = {}
  ): Effect.Effect<A, unknown, Postgres> =>
    Effect.provide(
      effect,
      ImageStore.layer({ bytesMax, policy: "none", signers: [], ...options }).pipe(
        Layer.provideMerge(TestDatabase.layer)
      )
    )

  /** Rows of each table: what a failure must leave as it was. */
  const rowsLeft = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const [row] = yield* sql<{ readonly images: number; readonly uploads: number; readonly chunks: number }>`select
      (select count(*)::float8 from image) as images, (select count(*)::float8 from image_upload) as uploads,
      (select count(*)::float8 from image_chunk) as chunks`
    return row
  })
  const nothing = { images: 0, uploads: 0, chunks: 0 }

  it.effect("takes an HXE image in and gives every byte of it back", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const { image, isNew } = yield* library.put(inPieces(full, 7), who)
        assert.isTrue(isNew)
        assert.deepInclude(image, {
          sha256: fullHash,
          kind: "hxe",
          name: "gold full",
          version: "0.0.0",
          size: 376,
          secver: 0,
          isSigned: false,
          pushedBy: "ada",
          origin: "bench:/tmp/gold.hxe"
        })
        assert.deepStrictEqual(yield* library.get(fullHash), Option.some(image))
        assert.deepStrictEqual(yield* library.chunk(fullHash, 0, 1000), full)
        assert.deepStrictEqual(yield* library.chunk(fullHash, 100, 50), full.slice(100, 150))
        assert.deepStrictEqual(library.trust(image), { trust: "unsigned" })
      })
    )
  )

  it.effect("gives any range of a large image, from pieces written as they came", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const bytes = patterned(3 * pieceBytes + 1000)
        const { image } = yield* library.put(inPieces(bytes, 10_001), firmware)
        const ranges: ReadonlyArray<readonly [offset: number, length: number]> = [
          [0, 1],
          [pieceBytes - 1, 2],
          [pieceBytes, pieceBytes],
          [10, 2 * pieceBytes],
          [3 * pieceBytes, 5000],
          [3 * pieceBytes + 1000, 1],
          [5 * pieceBytes, 10],
          [17, 0]
        ]
        // The second round is answered from memory.
        for (const [offset, length] of [...ranges, ...ranges])
          assert.deepStrictEqual(
            yield* library.chunk(image.sha256, offset, length),
            bytes.slice(offset, offset + length),
            `${length} from ${offset}`
          )
        assert.deepStrictEqual(
          Buffer.concat(yield* Stream.runCollect(library.content(image.sha256))),
          Buffer.from(bytes)
        )
        assert.deepStrictEqual(yield* rowsLeft, { images: 1, uploads: 1, chunks: 4 })
      }),
      { cacheBytesMax: 2 * pieceBytes }
    )
  )

  it.effect("ends the content of an image that fills its last piece", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const bytes = patterned(2 * pieceBytes)
        const { image } = yield* library.put(Stream.make(bytes), firmware)
        const content = yield* Stream.runCollect(library.content(image.sha256))
        assert.deepStrictEqual(Buffer.concat(content), Buffer.from(bytes))
        assert.deepStrictEqual(yield* library.chunk(image.sha256, 2 * pieceBytes, 1), new Uint8Array(0))
      })
    )
  )

  it.effect("reads what was read before from memory, and from the database what was not", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const sql = yield* PgClient.PgClient
        const bytes = patterned(2 * pieceBytes)
        const { image } = yield* library.put(Stream.make(bytes), firmware)
        const unread = yield* library.put(Stream.make(patterned(pieceBytes, 2)), firmware)
        yield* library.chunk(image.sha256, 0, 10)
        yield* sql`update image_chunk set bytes = decode('00', 'hex')`
        assert.deepStrictEqual(yield* library.chunk(image.sha256, 5, 10), bytes.slice(5, 15))
        assert.deepStrictEqual(yield* library.chunk(unread.image.sha256, 0, 10), new Uint8Array(1))
      })
    )
  )

  it.effect("knows the same image again, and keeps one copy of it", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const first = yield* library.put(Stream.make(full), who)
        const again = yield* library.put(Stream.make(full), { ...who, by: "bob" })
        assert.deepStrictEqual(again, { image: first.image, isNew: false })
        assert.deepStrictEqual(yield* rowsLeft, { images: 1, uploads: 1, chunks: 1 })
        const better = yield* library.put(Stream.make(full), { ...who, by: "bob", manifest: signed })
        assert.isFalse(better.isNew)
        assert.deepInclude(better.image, { version: "1.0.0", signer: kid, signedBy: "bob", pushedBy: "ada" })
      })
    )
  )

  it.effect("makes one image of ten pushes at once", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const pushes = Array.from({ length: 10 }, () => library.put(inPieces(full, 50), who))
        const pushed = yield* Effect.all(pushes, { concurrency: "unbounded" })
        assert.lengthOf(
          pushed.filter(({ isNew }) => isNew),
          1
        )
        assert.deepStrictEqual(yield* rowsLeft, { images: 1, uploads: 1, chunks: 1 })
      })
    )
  )

  it.effect("keeps nothing of an image that breaks off, is too large, or is not what it says", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const damaged = new Uint8Array(full)
        damaged[0x62] = 1
        const broken = Stream.concat(
          inPieces(patterned(200_000), 9999),
          Stream.fail(new UploadBroken({ received: 200_000 }))
        )
        assert.deepStrictEqual(yield* refusalOf(library.put(broken, firmware)), new UploadBroken({ received: 200_000 }))
        assert.deepStrictEqual(
          yield* refusalOf(library.put(inPieces(patterned(bytesMax + 1), pieceBytes), firmware)),
          new TooLarge({ limit: bytesMax, actual: bytesMax + 1 })
        )
        const wrong: ReadonlyArray<
          readonly [bytes: Uint8Array, options: Partial<PushOptions>, code: number, detail: string]
        > = [
          [damaged, {}, codes.EBADMSG, "crc_mismatch"],
          [full.subarray(0, 300), {}, codes.EBADMSG, "crc_mismatch"],
          [full, { name: "other" }, codes.EINVAL, "the image is named gold full by its header, not other"],
          [full, { sha256: "00".repeat(32) }, codes.EBADMSG, `its SHA-256 is ${fullHash}, not ${"00".repeat(32)}`],
          [full, { kind: "wasm" }, codes.EBADMSG, "it is no WebAssembly module of version 1"],
          [patterned(10), {}, codes.EINVAL, "its bytes do not say what kind of image it is; name the kind"],
          [patterned(10), { kind: "hxe" }, codes.EBADMSG, "hxe_too_small"],
          [
            patterned(10),
            { kind: "firmware" },
            codes.EINVAL,
            "it needs a name and a version, or a manifest that has them"
          ],
          [new Uint8Array([0x28, 0xff]), { ...firmware, kind: "scheme" }, codes.EBADMSG, "it is no text in UTF-8"],
          [new Uint8Array([0x28, 0xc3]), { ...firmware, kind: "scheme" }, codes.EBADMSG, "it is no text in UTF-8"],
          [new Uint8Array(0), { ...firmware }, codes.EINVAL, "it is empty"]
        ]
        for (const [bytes, options, code, detail] of wrong)
          assert.deepStrictEqual(
            yield* refusalOf(library.put(Stream.make(bytes), { ...who, ...options })),
            ImageRejected.of({ code, detail })
          )
        assert.deepStrictEqual(yield* rowsLeft, nothing)
      })
    )
  )

  it.effect("keeps nothing of a push that is interrupted half way", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const endless = Stream.concat(inPieces(patterned(2 * pieceBytes), pieceBytes), Stream.never)
        const pushing = yield* Effect.forkChild(library.put(endless, firmware))
        yield* Effect.repeat(rowsLeft, { until: (rows) => rows?.chunks === 2 })
        yield* Fiber.interrupt(pushing)
        assert.deepStrictEqual(yield* rowsLeft, nothing)
      })
    )
  )

  it.effect("clears away what a node that died has left of a push", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const sql = yield* PgClient.PgClient
        yield* sql`insert into image_upload (begun_at) values (now() - interval '2 hours'), (now())`
        yield* sql`insert into image_chunk select number, 0, decode('00', 'hex') from image_upload`
        yield* library.put(Stream.make(full), who)
        assert.deepStrictEqual(yield* rowsLeft, { images: 1, uploads: 2, chunks: 2 })
      })
    )
  )

  it.effect("takes a manifest that says what the bytes are, and refuses any other", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const wrong: ReadonlyArray<readonly [change: Partial<Manifest>, detail: RegExp]> = [
          [{ sha256: "00".repeat(32) }, /is that of the image 0000/],
          [{ size: 1 }, /says 1 bytes, the image has 376/],
          [{ kind: "firmware" }, /./],
          [{ name: "other" }, /says other, the image's own header gold full/]
        ]
        for (const [change, detail] of wrong) {
          const manifest = bytesOf({ ...fullManifest, ...change })
          const refusal = yield* refusalOf(
            library.put(Stream.make(full), { ...who, manifest, ...(change.kind !== undefined && { kind: "hxe" }) })
          )
          assert.match(refusal.message, detail)
        }
        assert.deepStrictEqual(yield* rowsLeft, nothing)
        const { image } = yield* library.put(Stream.make(full), { ...who, manifest: signed })
        assert.deepInclude(image, { version: "1.0.0", secver: 2, isSigned: true, signer: kid, signedBy: "ada" })
        assert.deepStrictEqual(image.manifest, signed)
        assert.deepStrictEqual(library.trust(image), { trust: "unknown" })
      })
    )
  )

  it.effect("takes only what a trusted key has signed when it is told to", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const codeOf = (manifest?: Uint8Array) =>
          Effect.map(refusalOf(library.put(Stream.make(full), { ...who, manifest })), (error) =>
            error instanceof ImageRejected ? error.code : error
          )
        const forged = new Uint8Array(signed)
        forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
        const tampered = new Uint8Array(signed)
        tampered[tampered.length - 67 - 11] = (tampered.at(-67 - 11) ?? 0) ^ 1
        assert.strictEqual(yield* codeOf(), codes.EPERM)
        assert.strictEqual(yield* codeOf(bytesOf(fullManifest)), codes.EPERM)
        assert.strictEqual(yield* codeOf(signManifest(bytesOf(fullManifest), stranger)), codes.ENOKEY)
        assert.strictEqual(yield* codeOf(forged), codes.EKEYREJECTED)
        assert.include([codes.EKEYREJECTED, codes.EBADMSG], yield* codeOf(tampered))
        assert.deepStrictEqual(yield* rowsLeft, nothing)
        const { image } = yield* library.put(Stream.make(full), { ...who, manifest: signed })
        assert.deepStrictEqual(library.trust(image), { trust: "verified" })
      }),
      { policy: "any", signers: [{ key: rawPublicKey(key) }] }
    )
  )

  it.effect("refuses an HXE image whose own signature is wrong, whatever its manifest says", () => {
    const inside = Result.getOrThrow(signHxe(full, { privateKey: key, securityVersion: 3 }))
    const moved = new Uint8Array(inside)
    // The name is covered by the signature and by no checksum.
    moved[0x20] = 0x47
    const pushes = (policy: "none" | "any", signers: ImageStore.ImageStoreOptions["signers"], bytes: Uint8Array) =>
      fresh(
        Effect.gen(function* () {
          const library = yield* ImageLibrary
          const { name } = Result.getOrThrow(manifestOfHxe(bytes))
          const manifest = signManifest(
            bytesOf({ ...fullManifest, sha256: sha256Of(bytes), size: bytes.length, name }),
            policy === "any" ? key : stranger
          )
          const pushed = yield* Effect.result(library.put(Stream.make(bytes), { ...who, manifest }))
          return Result.match(pushed, {
            onSuccess: () => codes.ok,
            onFailure: (error) => ("code" in error ? error.code : -1)
          })
        }),
        { policy, signers }
      )
    const known = [{ key: rawPublicKey(key) }]
    return Effect.gen(function* () {
      assert.strictEqual(yield* pushes("any", known, inside), codes.ok)
      assert.strictEqual(yield* pushes("any", known, moved), codes.EKEYREJECTED)
      assert.strictEqual(yield* pushes("none", known, moved), codes.EKEYREJECTED)
      assert.strictEqual(yield* pushes("none", [], moved), codes.ok)
    })
  })

  it.effect("adds a signature, replaces it, and refuses one for another image or of a wrong key", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        assert.deepStrictEqual(
          yield* refusalOf(library.sign(fullHash, signed, "bob")),
          new ImageMissing({ sha256: fullHash })
        )
        yield* library.put(Stream.make(full), who)
        const image = yield* library.sign(fullHash, signed, "bob")
        assert.deepInclude(image, { version: "1.0.0", secver: 2, signer: kid, signedBy: "bob", pushedBy: "ada" })
        const later = signManifest(bytesOf({ ...fullManifest, version: "1.0.1" }), stranger)
        const again = yield* library.sign(fullHash, later, "eve")
        assert.deepInclude(again, { version: "1.0.1", signer: keyIdText(rawPublicKey(stranger)), signedBy: "eve" })
        for (const change of [{ sha256: "00".repeat(32) }, { size: 1 }, { name: "other" }, { kind: "wasm" as const }]) {
          const refusal = yield* refusalOf(
            library.sign(fullHash, signManifest(bytesOf({ ...fullManifest, ...change }), key), "bob")
          )
          assert.strictEqual(refusal._tag, "ImageRejected")
        }
        const forged = new Uint8Array(signed)
        forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
        assert.deepInclude(yield* refusalOf(library.sign(fullHash, forged, "bob")), { code: codes.EKEYREJECTED })
        assert.deepStrictEqual(yield* library.get(fullHash), Option.some(again))
      }),
      { signers: [{ key: rawPublicKey(key) }] }
    )
  )

  it.effect(
    "finds an image by its hash, the first digits of it, its name, or name and version, and by nothing less",
    () =>
      fresh(
        Effect.gen(function* () {
          const library = yield* ImageLibrary
          const { image } = yield* library.put(Stream.make(full), who)
          const one = yield* library.put(Stream.make(patterned(10, 1)), firmware)
          const two = yield* library.put(Stream.make(patterned(10, 2)), { ...firmware, version: "2.0.0" })
          for (const reference of [fullHash, fullHash.slice(0, 4), "gold full", "gold full@0.0.0"])
            assert.deepStrictEqual(yield* library.find(reference), image)
          assert.deepStrictEqual(yield* library.find("boot@2.0.0"), two.image)
          for (const reference of [fullHash.slice(0, 3), "gold", "", "%", "____", "a\u0000", `${fullHash}0`])
            assert.deepStrictEqual(yield* refusalOf(library.find(reference)), new ImageMissing({ sha256: reference }))
          assert.deepStrictEqual(
            yield* refusalOf(library.find("boot@3.0.0")),
            new ImageMissing({ sha256: "boot@3.0.0", others: ["boot@2.0.0", "boot@1.0.0"] })
          )
          const ambiguous = yield* refusalOf(library.find("boot"))
          assert.instanceOf(ambiguous, ImageAmbiguous)
          for (const { image: each } of [one, two])
            assert.include(ambiguous.message, `${each.sha256.slice(0, 12)} (boot@${each.version})`)
        })
      )
  )

  it.effect("lists images in pages, in order of their names", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        for (const [index, name] of ["b", "a", "c", "a"].entries())
          yield* library.put(Stream.make(patterned(10, index)), { ...firmware, name })
        const names: Array<string> = []
        let after: string | undefined
        do {
          const page = yield* library.list({ limit: 2, after })
          assert.isAtMost(page.images.length, 2)
          names.push(...page.images.map(({ name }) => name))
          after = page.next
        } while (after !== undefined)
        assert.deepStrictEqual(names, ["a", "a", "b", "c"])
      })
    )
  )

  it.effect("is not removed while somebody needs it, and says who does", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        yield* library.put(Stream.make(full), who)
        for (const user of ["session/1", "program/lamp", "session/1"]) yield* library.use(fullHash, user)
        const inUse = new ImageInUse({ sha256: fullHash, users: ["program/lamp", "session/1"] })
        assert.deepStrictEqual(yield* refusalOf(library.remove(fullHash)), inUse)
        assert.include(inUse.message, "in use by program/lamp, session/1")
        for (const user of ["session/1", "session/1", "nobody"]) yield* library.release(fullHash, user)
        assert.deepStrictEqual(yield* library.users(fullHash), ["program/lamp"])
        assert.instanceOf(yield* refusalOf(library.remove(fullHash)), ImageInUse)
        yield* library.release(fullHash, "program/lamp")
        yield* library.remove(fullHash)
        assert.deepStrictEqual(yield* rowsLeft, nothing)
        assert.deepStrictEqual(yield* refusalOf(library.remove(fullHash)), new ImageMissing({ sha256: fullHash }))
      })
    )
  )

  it.effect("of a removal and a new user at once lets one win, never both", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        for (let round = 0; round < 20; round++) {
          yield* library.put(Stream.make(full), who)
          const [removed, used] = yield* Effect.all(
            [Effect.result(library.remove(fullHash)), Effect.result(library.use(fullHash, "session/1"))],
            { concurrency: "unbounded" }
          )
          assert.notStrictEqual(Result.isSuccess(removed), Result.isSuccess(used))
          if (Result.isFailure(removed)) assert.instanceOf(removed.failure, ImageInUse)
          if (Result.isFailure(used)) assert.deepStrictEqual(used.failure, new ImageMissing({ sha256: fullHash }))
          yield* library.release(fullHash, "session/1")
        }
      })
    )
  )

  it.effect("fails reads of what is not there", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const missing = new ImageMissing({ sha256: fullHash })
        assert.deepStrictEqual(yield* refusalOf(library.chunk(fullHash, 0, 1)), missing)
        assert.deepStrictEqual(yield* refusalOf(Stream.runDrain(library.content(fullHash))), missing)
        assert.deepStrictEqual(yield* refusalOf(library.use(fullHash, "session/1")), missing)
        assert.deepStrictEqual(yield* library.get("nonsense\u0000"), Option.none())
        yield* library.release(fullHash, "session/1")
      })
    )
  )

  it.effect("is what effects of actors read, and says when the database does not answer", () =>
    fresh(
      Effect.gen(function* () {
        const library = yield* ImageLibrary
        const sql = yield* PgClient.PgClient
        yield* library.put(Stream.make(full), who)
        const source = yield* ImageSource
        assert.strictEqual((yield* source.describe(fullHash))?.name, "gold full")
        assert.isUndefined(yield* source.describe("00".repeat(32)))
        assert.deepStrictEqual(yield* source.chunk(fullHash, 0, 4), full.slice(0, 4))
        yield* sql`drop table image_use, image cascade`
        assert.instanceOf(yield* refusalOf(source.describe(fullHash)), ImageStoreUnavailable)
      })
    )
  )
})

describe("ImageSource", () => {
  plain.effect("fails each read where there is no store", () =>
    Effect.gen(function* () {
      const source = yield* ImageSource
      const nowhere = new ImageStoreUnavailable({ reason: "no image store here" })
      assert.deepStrictEqual(yield* Effect.flip(source.describe(fullHash)), nowhere)
      assert.deepStrictEqual(yield* Effect.flip(source.chunk(fullHash, 0, 1)), nowhere)
    })
  )
})

describe("the pieces of an image", () => {
  const missing = new ImageMissing({ sha256: fullHash })

  plain.effect("are read once when many want the same one at once, and again when that read has failed", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let reads = 0
      const load = (_sha256: string, index: number) =>
        Effect.suspend(() => {
          reads++
          return reads === 1 ? Effect.fail(missing) : Effect.as(Deferred.await(gate), patterned(10, index))
        })
      const { chunk } = makePieces(load, 1000)
      assert.deepStrictEqual(yield* refusalOf(chunk(fullHash, 0, 5)), missing)
      const first = yield* Effect.forkChild(chunk(fullHash, 0, 5), { startImmediately: true })
      const others = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 50 }, (_, offset) => chunk(fullHash, offset % 10, 3)),
          { concurrency: "unbounded" }
        ),
        { startImmediately: true }
      )
      // Who asked first goes away, and takes nothing from the others.
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual((yield* Fiber.join(others))[7], patterned(10, 0).slice(7, 10))
      assert.strictEqual(reads, 2)
      yield* chunk(fullHash, 0, 10)
      assert.strictEqual(reads, 2)
    })
  )
})

describe("ChunkCache", () => {
  plain("keeps as many bytes as it may, those that were asked for last", () => {
    const cache = new ChunkCache(100)
    for (const index of [0, 1, 2]) cache.put("a", index, new Uint8Array(40))
    assert.isUndefined(cache.get("a", 0))
    assert.isDefined(cache.get("a", 1))
    cache.put("b", 0, new Uint8Array(40))
    assert.isUndefined(cache.get("a", 2))
    assert.isDefined(cache.get("a", 1))
    assert.strictEqual(cache.bytes, 80)
    cache.put("b", 0, new Uint8Array(10))
    assert.strictEqual(cache.bytes, 50)
    cache.put("c", 0, new Uint8Array(101))
    assert.isUndefined(cache.get("c", 0))
    assert.strictEqual(cache.bytes, 50)
  })
})
