import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import { checkProof } from "../../../src/protocol/audit/Proof.ts"
import { sqlReason } from "../../../src/runtime/storage/SqlReason.ts"
import { AuditLog } from "../../../src/systems/audit/AuditLog.ts"
import { prove } from "../../../src/systems/audit/Prove.ts"
import { Postgres } from "../../support/Postgres.ts"
import { chained, layerChains, put, tamper, walked, wished } from "./Chains.ts"

const auditor = { kind: "auditor", id: "root" }

/** An operator has the payload of a record taken away. */
const erase = (version: number, seq: number) =>
  Effect.andThen(
    put(version, [{ type: "audit.erased", data: { seq, reason: "request 4711" } }], undefined, auditor),
    chained()
  )

const payloadOf = (seq: number) =>
  Effect.gen(function* () {
    const [row] = yield* (yield* AuditLog).records("root", seq, 1)
    return row?.isKept === true ? row.payload : undefined
  })

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("what a record says", (it) => {
  const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, layerChains)

  it.effect("is taken away by a record of the chain, which stays whole, and nothing beside it", () =>
    fresh(
      Effect.gen(function* () {
        yield* put(1, [wished(1), wished(2)])
        yield* chained()
        assert.deepStrictEqual(yield* payloadOf(3), { version: 2, patch: { target: 2 } })
        assert.strictEqual(yield* erase(1, 3), 1)
        assert.isUndefined(yield* payloadOf(3))
        assert.deepStrictEqual(yield* payloadOf(2), { version: 1, patch: { target: 1 } })
        assert.deepInclude(yield* walked(), { isWhole: true, records: 4, compared: 3, erased: 1 })
      })
    )
  )

  it.effect("is missed when nobody has had it taken away, and may not come back as something else", () =>
    fresh(
      Effect.gen(function* () {
        yield* put(1, [wished(1), wished(2)])
        yield* chained()
        yield* tamper("update audit_events set payload = null where seq = 2")
        assert.deepInclude((yield* walked()).broken, { what: "record", number: 2, reason: "its payload is gone" })
        // Nor does a record that nobody chained excuse it.
        yield* tamper(`insert into audit_events select gen_random_uuid(), vsm_id, 1000000, hlc_ms, hlc_ctr, hlc_node, wall,
          'audit.erased', 'policy', severity, 'auditor/root', 1, user_id, root, capability_name, zone, unit, at_ms, cursor,
          '{"seq":2,"reason":"x"}', payload_hash, payload_bytes, causes, prev_hash, hash, segment from audit_events where seq = 3`)
        assert.deepInclude((yield* walked()).broken, { what: "record", number: 2, reason: "its payload is gone" })
        yield* tamper("delete from audit_events where seq = 1000000")
        yield* erase(1, 2)
        assert.isTrue((yield* walked()).isWhole)
        yield* tamper(`update audit_events set payload = '{"version":1,"patch":{"target":9}}' where seq = 2`)
        assert.deepInclude((yield* walked()).broken, {
          what: "record",
          number: 2,
          reason: "its payload is another one"
        })
      })
    )
  )

  it.effect(
    "is not taken away by who may write to the tables, unless a record says so, and nothing else is changed then",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* put(1, [wished(1), wished(2)])
          yield* chained()
          const refused = (statement: string) => Effect.map(Effect.flip(sql.unsafe(statement)), sqlReason)
          const final = /what was audited is not changed/
          for (const statement of [
            "select audit_erase('root', '{2}')",
            "update audit_events set payload = null where seq = 2",
            "delete from audit_keys",
            "truncate audit_keys",
            "update audit_keys set until_ms = until_ms + 1"
          ])
            assert.match(yield* refused(statement), final, statement)
          yield* erase(1, 2)
          for (const change of [
            "payload = '{}'",
            "payload = null, hash = prev_hash",
            "wall = wall + interval '1 microsecond'"
          ])
            assert.match(yield* refused(`update audit_events set ${change} where seq in (2, 3)`), final, change)
          assert.isTrue((yield* walked()).isWhole)
        })
      )
  )

  it.effect("stays where it says which records there are, or whose payload is gone", () =>
    fresh(
      Effect.gen(function* () {
        yield* put(1, [wished(1)])
        yield* chained()
        yield* erase(1, 1)
        yield* erase(2, 3)
        assert.isDefined(yield* payloadOf(1))
        assert.deepStrictEqual(yield* payloadOf(3), { seq: 1, reason: "request 4711" })
        assert.deepInclude(yield* walked(), { isWhole: true, erased: 0 })
      })
    )
  )

  it.effect("is no part of a proof any more, which proves as before that the record was there", () =>
    fresh(
      Effect.gen(function* () {
        const log = yield* AuditLog
        for (let version = 1; version <= 11; version++)
          yield* put(
            version,
            Array.from({ length: 100 }, (_, at) => wished(version * 1000 + at))
          )
        yield* chained()
        const [key] = yield* log.keys
        if (key === undefined) return assert.fail("no key")
        const before = yield* prove({ vsm: "root", seq: 700 })
        assert.isDefined(Result.getOrThrow(checkProof(before, key.publicKey)).payload)
        yield* erase(1, 700)
        const after = Result.getOrThrow(checkProof(yield* prove({ vsm: "root", seq: 700 }), key.publicKey))
        assert.isUndefined(after.payload)
        assert.deepStrictEqual(after.record, before.record)
      })
    )
  )
})
