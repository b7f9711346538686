import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { KeyRing, keyMillis, sealFault } from "../../src/protocol/audit/AuditKey.ts"
import { isSameHash } from "../../src/protocol/audit/Hash.ts"
import { headContext } from "../../src/protocol/audit/Sealed.ts"
import * as OwnKeys from "../../src/runtime/AuditKeys.ts"
import * as OwnHeads from "../../src/runtime/HeldHeads.ts"
import { layerPgAuditLog } from "../../src/runtime/storage/PgAuditLog.ts"
import { AuditKeys } from "../../src/systems/audit/AuditKeys.ts"
import { AuditLog } from "../../src/systems/audit/AuditLog.ts"
import { HeldHeads } from "../../src/systems/audit/HeldHeads.ts"
import { Postgres } from "../support/Postgres.ts"
import { tempFolder, until } from "../support/RunningNode.ts"
import { chained, layerChains, put, tamper, walked, wished } from "../systems/audit/Chains.ts"
import { TestDatabase } from "./storage/TestDatabase.ts"

const payload = new TextEncoder().encode("a head")

/** A node with this data folder. */
const nodeOf = (data: string) =>
  Effect.map(Layer.build(OwnKeys.layer(data)), (context) => Context.get(context, AuditKeys))

const pemOf = (data: string): string =>
  JSON.parse(readFileSync(OwnKeys.auditKeyPath(data), "utf8")).privatePem as string

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("keys of nodes", (it) => {
  const database = Layer.provideMerge(layerPgAuditLog, TestDatabase.layer)
  const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, database)

  it.effect("are followed by others after a day, which they certify, and are gone; nodes with one folder agree", () =>
    fresh(
      Effect.gen(function* () {
        const data = yield* tempFolder
        const [one, other] = [yield* nodeOf(data), yield* nodeOf(data)]
        const now = Date.now()
        const first = yield* one.at(now)
        assert.deepStrictEqual((yield* other.at(now)).keyId, first.keyId)
        const pem = pemOf(data)
        const [later, also] = yield* Effect.all([one.at(now + keyMillis), other.at(now + keyMillis)], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(later.keyId, also.keyId)
        assert.isFalse(isSameHash(first.keyId, later.keyId))
        assert.notInclude(readFileSync(OwnKeys.auditKeyPath(data), "utf8"), pem.split("\n")[1] ?? pem)
        const keys = yield* (yield* AuditLog).keys
        assert.deepStrictEqual(
          keys.map(({ epoch }) => epoch),
          [1, 2]
        )
        const ring = new KeyRing(keys, keys[0]?.publicKey)
        const seal = { keyId: later.keyId, signature: later.sign(payload, headContext) }
        assert.isUndefined(sealFault(ring, seal, payload, headContext, now + keyMillis))
        // Not as of yesterday.
        assert.match(sealFault(ring, seal, payload, headContext, now) ?? "", /a key of another time/)
      })
    )
  )

  it.effect("out of a backup sign nothing: who has an old one begins anew", () =>
    fresh(
      Effect.gen(function* () {
        const data = yield* tempFolder
        yield* nodeOf(data)
        // Behind the node's: its key begins at its own.
        const now = Date.now()
        copyFileSync(OwnKeys.auditKeyPath(data), `${data}/backup`)
        yield* (yield* nodeOf(data)).at(now + keyMillis)
        copyFileSync(`${data}/backup`, OwnKeys.auditKeyPath(data))
        const restored = yield* (yield* nodeOf(data)).at(now + 2 * keyMillis)
        const keys = yield* (yield* AuditLog).keys
        const found = new KeyRing(keys).find(restored.keyId)
        assert.strictEqual(found?.certificate.epoch, 1)
        assert.strictEqual(keys.length, 3)
      })
    )
  )

  it.effect("that cannot be read stop the node with a sentence that says what to do", () =>
    fresh(
      Effect.gen(function* () {
        const data = yield* tempFolder
        writeFileSync(OwnKeys.auditKeyPath(data), "{}")
        const refusal = yield* Effect.flip(nodeOf(data))
        assert.match(refusal.message, /audit-key\.json is no key that signs the audit .*take it away/)
      })
    )
  )
})

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("heads that a node holds", (it) => {
  it.effect(
    "are not given up for others, though these be signed, when what is held is not in the chain any more",
    () => {
      const said: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => {
        said.push(String(message))
      })
      return Effect.gen(function* () {
        const data = yield* tempFolder
        yield* put(
          1,
          Array.from({ length: 1100 }, (_, at) => wished(at))
        )
        yield* chained()
        const { held } = Context.get(yield* Layer.build(OwnHeads.layer(data)), HeldHeads)
        yield* until(
          Effect.sync(() => held("root")),
          (head) => head?.segment === 1
        )
        yield* tamper("update audit_segments set hlc_ms = hlc_ms + 1")
        yield* put(
          2,
          Array.from({ length: 1100 }, (_, at) => wished(at))
        )
        yield* chained()
        yield* until(
          Effect.sync(() => said.join()),
          (lines) => /chain of root does not go on behind segment 1/.test(lines)
        )
        assert.strictEqual(held("root")?.segment, 1)
      }).pipe(Effect.provide(layerChains), Effect.provide(Logger.layer([logger])))
    }
  )

  it.effect("are there after a restart, and tell when the end of a chain was cut off in all tables", () =>
    Effect.gen(function* () {
      const data = yield* tempFolder
      const built = Effect.map(Layer.build(OwnHeads.layer(data)), (context) => Context.get(context, HeldHeads))
      for (let version = 1; version <= 22; version++)
        yield* put(
          version,
          Array.from({ length: 100 }, (_, at) => wished(version * 1000 + at))
        )
      yield* chained()
      yield* Effect.scoped(
        Effect.flatMap(built, ({ held }) =>
          until(
            Effect.sync(() => held("root")),
            (head) => head?.segment === 2
          )
        )
      )
      const sql = yield* PgClient.PgClient
      const [head] = yield* sql<{ readonly hash: Uint8Array }>`
        select last_hash as hash from audit_segments where segment = 1`
      assert.isDefined(head)
      // Whoever rules the database knows how to: records, heads and the row of the chain end with the first segment.
      const [second] = yield* sql<{ readonly before: Uint8Array }>`
        select prev_head as before from audit_segments where segment = 2`
      yield* tamper("delete from audit_events where seq > 1024")
      yield* tamper("delete from audit_segments where segment > 1")
      const { cursor } = (yield* (yield* AuditLog).records("root", 1024, 1))[0]?.record ?? { cursor: "" }
      yield* sql`update audit_heads set seq = 1024, hash = ${head?.hash}, segments = 1, sealed_seq = 1024,
        prev_head = ${second?.before}, opened_at = null, cursor = ${cursor}`
      assert.isTrue((yield* walked()).isWhole)
      const kept = yield* built
      const { broken, isHeld } = yield* Effect.provideService(walked(), HeldHeads, kept)
      assert.isTrue(isHeld)
      assert.deepStrictEqual(broken, {
        what: "segment",
        number: 2,
        reason: "is missing: the node that walks it remembers 2 segments"
      })
    }).pipe(Effect.provide(layerChains))
  )
})
