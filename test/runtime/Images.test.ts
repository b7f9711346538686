import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References, Result, Schema, Stream } from "effect"
import { Actors } from "../../src/actors/Actors.ts"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import { ImageSource } from "../../src/actors/ImageSource.ts"
import * as Registry from "../../src/actors/Registry.ts"
import { ImageLibrary } from "../../src/gateways/http/ImageLibrary.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { sha256Of } from "../../src/protocol/image/HxeImageManifest.ts"
import { imageKindBit } from "../../src/protocol/image/ImageKind.ts"
import { newKeyPair, rawPublicKey, readPublicKey } from "../../src/protocol/image/SigningKey.ts"
import { ClusterConfig, type ClusterInput, portsOf } from "../../src/runtime/Config.ts"
import { readImageTrust } from "../../src/runtime/ImageTrust.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { full } from "../protocol/hxe/Golden.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, tempFolder, until } from "../support/RunningNode.ts"

const operator: Asker = { kind: "user", id: "ada", role: "operator" }
const fullHash = sha256Of(full)

/** An actor that reads an image as a session does: by an effect. */
const Reader = Contract.make("reader", {
  state: Schema.Struct({ found: Schema.String }),
  messages: {
    Look: Contract.once({ payload: { sha256: Schema.String }, audience: "operator" }),
    Found: Contract.query({ success: Schema.String, audience: "operator" })
  },
  events: {}
})

const look = (input: unknown) =>
  Effect.gen(function* () {
    const sha256 = String(input)
    const images = yield* ImageSource
    const record = yield* images.describe(sha256)
    yield* images.use(sha256, "session/s-1")
    const bytes = yield* images.chunk(sha256, 0, 4)
    return `${record?.name}: ${Buffer.from(bytes).toString("latin1")}`
  }).pipe(Effect.catch((error) => Effect.succeed(error.message)))

const reader = Behaviour.make(Reader, {
  initial: () => ({ found: "" }),
  Look: (_state, { sha256 }) => ({ effects: [{ name: "look", id: sha256, input: sha256 }] }),
  Found: (state) => ({ reply: state.found }),
  completed: (_state, { outcome }) => ({ state: { found: String(outcome) } }),
  effects: { look }
})

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("a node with images", (it) => {
  it.effect("lets effects of actors read and hold them", () =>
    Effect.gen(function* () {
      const server = yield* Postgres
      const database = yield* Effect.promise(() => server.createDatabase())
      const data = yield* tempFolder
      const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data }
      const node = Node.layer({ config, ports: portsOf(config, 0), registry: Registry.make([reader]) })
      const built = yield* Layer.build(node.pipe(Layer.provide(PostgresUrl.layer(Redacted.make(database)))))
      const actors = Context.get(built, Actors)
      const library = Context.get(built, ImageLibrary)
      const send = (message: string, payload: unknown) =>
        actors.send({ kind: "reader", id: "r" }, message, payload, { asker: operator })
      yield* send("Look", { sha256: fullHash })
      assert.strictEqual(yield* until(send("Found", {}), (found) => found !== ""), `there is no image ${fullHash}`)
      yield* library.put(Stream.make(full), { by: "ada", origin: "test" })
      yield* send("Look", { sha256: fullHash })
      yield* until(send("Found", {}), (found) => found === "gold full: HSXE")
      assert.deepStrictEqual(yield* library.users(fullHash), ["session/s-1"])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
  )
})

describe("the config of images", () => {
  const trustOf = (config: ClusterInput) =>
    Effect.flatMap(Schema.decodeUnknownEffect(ClusterConfig)(config), readImageTrust)
  const refusalOf = (config: ClusterInput) => Effect.map(Effect.flip(trustOf(config)), ({ message }) => message)
  const far = { host: "192.0.2.1" }

  plain.effect("takes unsigned images on loopback only, unless it is told who signs", () =>
    Effect.gen(function* () {
      const policyOf = (config: ClusterInput) => Effect.map(trustOf(config), ({ policy }) => policy)
      assert.strictEqual(yield* policyOf({}), "none")
      assert.strictEqual(yield* policyOf({ http: far }), "any")
      assert.strictEqual(yield* policyOf({ mqtt: far }), "any")
      assert.strictEqual(yield* policyOf({ images: { signatures: "any" } }), "any")
      assert.deepStrictEqual(yield* policyOf({ images: { signatures: ["0a".repeat(16)] } }), ["0a".repeat(16)])
      assert.match(
        yield* refusalOf({ http: far, images: { signatures: "none" } }),
        /^images\.signatures cannot be used: "none" is for nodes that only this machine reaches/
      )
    })
  )

  plain.effect("reads the keys of signers, and refuses a file that is none", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const path = join(folder, "ada.pub.pem")
      const { publicPem } = newKeyPair()
      writeFileSync(path, publicPem)
      const { signers } = yield* trustOf({
        images: { signers: [{ key: path }, { key: path, kinds: ["hxe", "wasm"] }] }
      })
      const key = rawPublicKey(Result.getOrThrow(readPublicKey(publicPem)))
      assert.deepStrictEqual(signers, [{ key }, { key, kinds: imageKindBit("hxe") | imageKindBit("wasm") }])
      writeFileSync(path, "no key")
      assert.include(yield* refusalOf({ images: { signers: [{ key: path }] } }), `signers cannot be used: ${path}: `)
      assert.include(yield* refusalOf({ images: { signers: [{ key: join(folder, "none") }] } }), "ENOENT")
    })
  )
})
