import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { ImageView, PushedView } from "../../../src/gateways/http/ImageLibrary.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { manifestOfHxe, sha256Of } from "../../../src/protocol/image/HxeImageManifest.ts"
import { encodeManifest, type Manifest } from "../../../src/protocol/image/Manifest.ts"
import { signManifest } from "../../../src/protocol/image/SignedManifest.ts"
import { keyIdText, newKeyPair, rawPublicKey, readPrivateKey } from "../../../src/protocol/image/SigningKey.ts"
import { described, full, smallest } from "../../protocol/hxe/Golden.ts"
import { freePorts, RunningNode, until } from "../../support/RunningNode.ts"

const key = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))
const kid = keyIdText(rawPublicKey(key))
const fullHash = sha256Of(full)
const bytesMax = 2_000_000

const octets = { "content-type": "application/octet-stream" }
const cose = { "content-type": "application/cose" }

const signedManifest = (bytes: Uint8Array, change: Partial<Manifest> = {}): Uint8Array => {
  const manifest = Result.getOrThrow(manifestOfHxe(bytes, { version: "1.0.0" }))
  return signManifest(Result.getOrThrow(encodeManifest({ ...manifest, ...change })), key)
}

const pushedOf = Schema.decodeUnknownSync(PushedView)
const viewOf = Schema.decodeUnknownSync(ImageView)
const tagOf = (json: unknown): unknown =>
  typeof json === "object" && json !== null && "_tag" in json ? json._tag : json

layer(RunningNode.layer({ config: { ...freePorts, images: { bytesMax } } }), {
  timeout: "60 seconds",
  excludeTestServices: true
})("images over HTTP", (it) => {
  const push = (bytes: Uint8Array<ArrayBuffer>, query = "", headers: Readonly<Record<string, string>> = {}) =>
    Effect.flatMap(RunningNode, ({ get }) =>
      get(`/api/images${query}`, { method: "POST", headers: { ...octets, ...headers }, body: bytes })
    )
  const call = (path: string, init: RequestInit = {}) => Effect.flatMap(RunningNode, ({ get }) => get(path, init))
  const body = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

  /** Rows of the tables: what a refused push must leave as it was. */
  const rows = Effect.gen(function* () {
    const { sql } = yield* RunningNode
    return yield* sql`select (select count(*)::float8 from image) as images,
      (select count(*)::float8 from image_upload) as uploads, (select count(*)::float8 from image_chunk) as chunks`
  })

  it.effect("takes an image, says what it is, and gives the same bytes back", () =>
    Effect.gen(function* () {
      const pushed = yield* push(body(full), "?origin=bench")
      assert.strictEqual(pushed.status, 200, pushed.text)
      assert.deepInclude(pushedOf(pushed.json), {
        sha256: fullHash,
        kind: "hxe",
        name: "gold full",
        size: 376,
        pushedBy: "user:local",
        origin: "bench",
        isNew: true
      })
      const shown = viewOf((yield* call(`/api/images/${fullHash}`)).json)
      assert.deepInclude(shown, { trust: "unsigned", users: [] })
      assert.strictEqual(shown.manifest.requires?.hxeCaps, 0x43)
      const { url } = yield* RunningNode
      const content = yield* Effect.promise(() => fetch(`${url}/api/images/${fullHash.slice(0, 8)}/content`))
      assert.strictEqual(content.headers.get("content-type"), "application/octet-stream")
      assert.deepStrictEqual(new Uint8Array(yield* Effect.promise(() => content.arrayBuffer())), full)
      assert.isFalse(pushedOf((yield* push(body(full))).json).isNew)
    })
  )

  it.effect("lists images, and says of each what is not in its bytes", () =>
    Effect.gen(function* () {
      yield* push(body(full))
      yield* push(body(smallest), "?version=3.1.4&secver=7")
      const { json, text } = yield* call("/api/images?limit=1")
      assert.include(text, '"next"')
      assert.deepNestedInclude(json, { "images[0].name": "gold full" })
      const all = (yield* call("/api/images")).text
      assert.include(all, '"version":"3.1.4"')
      assert.include(all, '"secver":7')
      assert.notInclude(all, '"manifest"')
    })
  )

  it.effect("takes a manifest with the image, and another one later", () =>
    Effect.gen(function* () {
      const header = { "holon-manifest": Buffer.from(signedManifest(described, { secver: 5 })).toString("base64url") }
      const pushed = yield* push(body(described), "", header)
      assert.deepInclude(pushedOf(pushed.json), { version: "1.0.0", secver: 5, signer: kid, signedBy: "user:local" })
      const path = `/api/images/${sha256Of(described)}`
      assert.strictEqual(viewOf((yield* call(path)).json).trust, "unknown")
      const later = signedManifest(described, { version: "1.0.1" })
      const put = yield* call(`${path}/manifest`, { method: "PUT", headers: cose, body: body(later) })
      assert.strictEqual(put.status, 200, put.text)
      const shown = viewOf((yield* call(path)).json)
      assert.strictEqual(shown.version, "1.0.1")
      assert.strictEqual(shown.signedManifest, Buffer.from(later).toString("base64url"))
      const foreign = yield* call(`${path}/manifest`, {
        method: "PUT",
        headers: cose,
        body: body(signedManifest(full))
      })
      assert.deepStrictEqual([foreign.status, tagOf(foreign.json)], [422, "ImageRejected"])
      const tampered = body(later)
      tampered[tampered.length - 100] = (tampered.at(-100) ?? 0) ^ 1
      const refused = yield* call(`${path}/manifest`, { method: "PUT", headers: cose, body: tampered })
      assert.strictEqual(refused.status, 422)
      assert.strictEqual(viewOf((yield* call(path)).json).version, "1.0.1")
    })
  )

  it.effect("refuses what is no image with the reason, and keeps nothing of it", () =>
    Effect.gen(function* () {
      yield* push(body(full))
      const before = yield* rows
      const damaged = body(full)
      damaged[0x62] = 1
      const refused = yield* push(damaged)
      assert.strictEqual(refused.status, 422)
      assert.deepInclude(refused.json, { _tag: "ImageRejected", code: codes.EBADMSG, detail: "crc_mismatch" })
      for (const [bytes, query, status] of [
        [body(full.subarray(0, 100)), "", 422],
        [body(new Uint8Array(10)), "", 422],
        [body(full), "?kind=exe", 400],
        [body(full), "?secver=-1", 400],
        [body(full), "?comment=x", 400],
        [body(full), `?sha256=${"0".repeat(64)}`, 422]
      ] as const)
        assert.strictEqual((yield* push(bytes, query)).status, status, query)
      assert.strictEqual((yield* push(body(full), "", { "holon-manifest": "a b" })).status, 400)
      assert.strictEqual((yield* push(body(full), "", { "holon-manifest": "AAAA" })).status, 422)
      assert.deepStrictEqual(yield* rows, before)
    })
  )

  it.effect("refuses an image that is too large, whether it says so or not", () =>
    Effect.gen(function* () {
      const { url } = yield* RunningNode
      yield* push(body(full))
      const before = yield* rows
      const query = "?kind=firmware&name=boot&version=1.0.0"
      const large = yield* push(new Uint8Array(bytesMax + 1), query)
      assert.strictEqual(large.status, 413)
      assert.deepInclude(large.json, { _tag: "TooLarge", limit: bytesMax, actual: bytesMax + 1 })
      // Chunked, without a length.
      const parts = Array.from({ length: 31 }, () => new Uint8Array(65_536))
      const streamed = yield* Effect.promise(() =>
        fetch(`${url}/api/images${query}`, {
          method: "POST",
          headers: octets,
          body: ReadableStream.from(parts),
          duplex: "half"
        }).then(({ status }) => status)
      )
      assert.strictEqual(streamed, 413)
      assert.deepStrictEqual(yield* rows, before)
      const fits = yield* push(new Uint8Array(bytesMax), query)
      assert.strictEqual(fits.status, 200)
      const elsewhere = yield* call("/api/images/boot/manifest", {
        method: "PUT",
        headers: cose,
        body: new Uint8Array(1_100_000)
      })
      assert.strictEqual(elsewhere.status, 413)
    })
  )

  it.effect("keeps nothing of a body that breaks off", () =>
    Effect.gen(function* () {
      const { url, sql } = yield* RunningNode
      yield* push(body(full))
      const before = yield* rows
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      const head = [
        "POST /api/images?kind=firmware&name=cut&version=1.0.0 HTTP/1.1",
        `host: ${hostname}:${port}`,
        "content-type: application/octet-stream",
        "content-length: 500000"
      ]
      socket.write(`${head.join("\r\n")}\r\n\r\n`)
      socket.write(new Uint8Array(200_000))
      const uploads = sql<{
        readonly count: number
      }>`select count(*)::float8 from image_chunk where bytes = ${new Uint8Array(65_536)}::bytea`
      yield* until(uploads, ([row]) => (row?.count ?? 0) >= 3)
      socket.destroy()
      yield* until(rows, (now) => JSON.stringify(now) === JSON.stringify(before))
      assert.strictEqual((yield* call("/api/images/cut")).status, 404)
    })
  )

  it.effect("removes an image, unless somebody uses it", () =>
    Effect.gen(function* () {
      const { sql } = yield* RunningNode
      yield* push(body(full))
      yield* sql`insert into image_use (sha256, holder) values (${fullHash}, 'session/s-1')`
      const path = `/api/images/${fullHash}`
      const refused = yield* call(path, { method: "DELETE" })
      assert.strictEqual(refused.status, 409)
      assert.deepInclude(refused.json, { _tag: "ImageInUse", sha256: fullHash, users: ["session/s-1"] })
      assert.deepStrictEqual(viewOf((yield* call(path)).json).users, ["session/s-1"])
      yield* sql`delete from image_use`
      assert.strictEqual((yield* call(path, { method: "DELETE" })).status, 200)
      for (const init of [{ method: "DELETE" }, { method: "GET" }]) {
        const gone = yield* call(path, init)
        assert.deepStrictEqual([gone.status, tagOf(gone.json)], [404, "NotFound"])
      }
      assert.strictEqual((yield* call(`${path}/content`)).status, 404)
    })
  )

  it.effect("asks for the same credential as the rest of the API", () =>
    Effect.gen(function* () {
      const authorization = { authorization: "Bearer wrong" }
      assert.strictEqual((yield* push(body(full), "", authorization)).status, 401)
      for (const [path, method] of [
        ["/api/images", "GET"],
        [`/api/images/${fullHash}`, "GET"],
        [`/api/images/${fullHash}/content`, "GET"],
        [`/api/images/${fullHash}`, "DELETE"]
      ] as const)
        assert.strictEqual((yield* call(path, { method, headers: authorization })).status, 401, path)
    })
  )

  it.effect("stands in the OpenAPI document", () =>
    Effect.gen(function* () {
      const { text } = yield* call("/openapi.json")
      for (const path of [
        "/api/images",
        "/api/images/{image}",
        "/api/images/{image}/content",
        "/api/images/{image}/manifest"
      ])
        assert.include(text, `"${path}"`)
      assert.include(text, "application/octet-stream")
    })
  )
})
