import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { hashOfRecord, recordAt } from "../../../src/protocol/audit/AuditRecord.ts"
import { hexOf } from "../../../src/protocol/audit/Hash.ts"
import { hashOfHead } from "../../../src/protocol/audit/Segment.ts"
import { sqlReason } from "../../../src/runtime/storage/SqlReason.ts"
import { AuditLog } from "../../../src/systems/audit/AuditLog.ts"
import { AuditWatch } from "../../../src/systems/audit/AuditWatch.ts"
import { Growing } from "../../../src/systems/audit/Chain.ts"
import { Postgres } from "../../support/Postgres.ts"
import { chained, layerChains, put, signerOf, tamper, walked, wished } from "./Chains.ts"

/** As one byte of a value of this type of column is another one; absent values are there. */
const flips: Readonly<Record<string, (column: string) => string>> = {
  uuid: (column) =>
    `translate(left(${column}::text, 1), '0123456789abcdef', '1032547698badcfe') || substr(${column}::text, 2)`,
  text: (column) =>
    `coalesce(translate(left(${column}, 1), '0123456789abcdefghijklmnopqrstuvwxyz', '1032547698badcfehgjilknmporqtsvuxwzy') || substr(${column}, 2), 'x')`,
  bigint: (column) => `${column} + 1048576`,
  integer: (column) => `coalesce(${column}, 0) + 1`,
  "double precision": (column) => `${column} + 1`,
  bytea: (column) => `coalesce(set_byte(${column}, 3, get_byte(${column}, 3) # 1), '\\x01')`,
  "timestamp with time zone": (column) => `${column} + interval '1 microsecond'`,
  jsonb: (column) => `coalesce(jsonb_build_object('was', ${column}), '{}')`,
  ARRAY: (column) => `array_append(${column}, '01990000-0000-7000-8000-000000000099'::uuid)`
}

const columnsOf = (table: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql<{ readonly name: string; readonly type: string }>`
      select column_name as name, data_type as type from information_schema.columns where table_name = ${table}`
  )

const cast = (type: string, value: string): string => (type === "uuid" ? `(${value})::uuid` : value)

/** Records 1 to 1103: a catalogue and 1102 wishes, of which 1024 are sealed. */
const someRecords = Effect.gen(function* () {
  for (let version = 1; version <= 11; version++)
    yield* put(
      version,
      Array.from({ length: version === 11 ? 102 : 100 }, (_, at) => wished(version * 1000 + at))
    )
  assert.strictEqual(yield* chained(), 1102)
})

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("an audit chain", (it) => {
  const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, layerChains)

  it.effect("is whole, says what the journal says, and names the tail that is not sealed", () =>
    fresh(
      Effect.gen(function* () {
        yield* someRecords
        const verdict = yield* walked()
        const { signers, ...said } = verdict
        assert.strictEqual(signers.length, 1)
        assert.deepStrictEqual(said, {
          vsm: "root",
          isWhole: true,
          records: 1103,
          first: 1,
          last: 1103,
          segments: 1,
          unsealed: { first: 1025, last: 1103 },
          compared: 1102,
          older: 0,
          erased: 0,
          signedFrom: 1,
          isWitnessed: false,
          isHeld: false
        })
        const [segment] = yield* (yield* AuditLog).segments("root", 1, 1)
        if (segment === undefined) return assert.fail("no segment")
        assert.isTrue((yield* walked({ segment: 1, head: hexOf(hashOfHead(segment.head)) })).isWhole)
        const other = yield* walked({ segment: 1, head: "00".repeat(32) })
        assert.deepStrictEqual(other.broken, {
          what: "segment",
          number: 1,
          reason: "is not the one that the auditor remembers"
        })
        assert.strictEqual((yield* walked({ segment: 2, head: "00" })).broken?.number, 2)
      })
    )
  )

  it.effect(
    "names the record when a byte of any column of it is another one, sealed or not",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* someRecords
          const columns = yield* columnsOf("audit_events")
          assert.isAbove(columns.length, 25)
          for (const victim of [500, 1100])
            for (const { name, type } of columns) {
              const flip = flips[type]
              if (flip === undefined) return assert.fail(`no way to flip a ${type}`)
              yield* sql`drop table if exists saved`
              yield* sql`create table saved as select * from audit_events where seq = ${victim}`
              yield* tamper(
                `update audit_events set ${name} = ${cast(type, flip(name))} where vsm_id = 'root' and seq = ${victim}`
              )
              const { broken } = yield* walked()
              assert.deepInclude(broken, { what: "record", number: victim }, `${name} of ${victim}: ${broken?.reason}`)
              yield* tamper(`delete from audit_events where seq in (${victim}, ${victim + 1048576})`)
              yield* tamper("insert into audit_events select * from saved")
              assert.isTrue((yield* walked()).isWhole, `${name} of ${victim} put back`)
            }
        })
      ),
    120_000
  )

  it.effect("names the segment when a byte of any column of its head is another one", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* someRecords
        for (const { name, type } of yield* columnsOf("audit_segments")) {
          const flip = flips[type]
          if (flip === undefined) return assert.fail(`no way to flip a ${type}`)
          yield* sql`drop table if exists saved`
          yield* sql`create table saved as select * from audit_segments`
          yield* tamper(`update audit_segments set ${name} = ${flip(name)}`)
          const { broken } = yield* walked()
          assert.deepInclude(broken, { number: 1 }, `${name}: ${broken?.what} ${broken?.reason}`)
          yield* tamper("delete from audit_segments")
          yield* tamper("insert into audit_segments select * from saved")
        }
        assert.isTrue((yield* walked()).isWhole)
      })
    )
  )

  it.effect(
    "names the first record that is gone, stands twice, has another place or another payload, or was cut off",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* someRecords
          yield* sql`create table saved as select * from audit_events`
          const attempts: ReadonlyArray<readonly [what: string, number: number]> = [
            ["delete from audit_events where seq = 700", 700],
            ["delete from audit_events where seq < 3", 1],
            ["delete from audit_events where seq > 1090", 1091],
            [
              `insert into audit_events select (jsonb_populate_record(e, jsonb_build_object('wall', wall + interval '1 second'))).*
              from audit_events e where seq = 640`,
              640
            ],
            ["update audit_events set seq = 2000641 - seq where seq in (320, 321)", 320],
            [
              `update audit_events a set payload = b.payload from audit_events b
              where a.seq in (20, 21) and b.seq = 41 - a.seq`,
              20
            ]
          ]
          for (const [attempt, number] of attempts) {
            yield* tamper(attempt)
            const { broken } = yield* walked()
            assert.deepInclude(broken, { what: "record", number }, `${attempt}: ${broken?.reason}`)
            yield* tamper("delete from audit_events")
            yield* tamper("insert into audit_events select * from saved")
          }
        })
      )
  )

  it.effect("is found out by the journal when a record and its hash are rewritten together, to the very end", () =>
    fresh(
      Effect.gen(function* () {
        const log = yield* AuditLog
        yield* put(1, [wished(1), wished(2), wished(3)])
        yield* chained()
        const head = yield* log.head("root")
        if (head === undefined) return assert.fail("no chain")
        let prevHash = new Uint8Array(32)
        for (const row of yield* log.records("root", 1, 10)) {
          const { seq, wall } = row.record
          const payload = seq === 3 ? { version: 2, patch: { target: 99 } } : row.payload
          const record = recordAt({ ...row.record, payload }, { vsm: "root", seq, wall, prevHash })
          prevHash = new Uint8Array(hashOfRecord(record))
          yield* tamper(`update audit_events set payload = '${JSON.stringify(payload)}', payload_hash = '\\x${hexOf(record.payloadHash)}',
            payload_bytes = ${record.payloadBytes}, prev_hash = '\\x${hexOf(record.prevHash)}', hash = '\\x${hexOf(prevHash)}' where seq = ${seq}`)
        }
        yield* tamper(`update audit_heads set hash = '\\x${hexOf(prevHash)}'`)
        const { broken } = yield* walked()
        assert.deepInclude(broken, { what: "record", number: 3 })
        assert.match(broken?.reason ?? "", /the journal says another thing of it: payloadHash/)
      })
    )
  )

  it.effect("says when an event of the journal was left out", () =>
    fresh(
      Effect.gen(function* () {
        yield* put(1, [wished(1)])
        yield* chained()
        yield* put(2, [wished(2)])
        const log = yield* AuditLog
        const head = yield* log.head("root")
        if (head === undefined) return assert.fail("no chain")
        // What is behind the end of the chain is not chained yet, and no fault.
        assert.isTrue((yield* walked()).isWhole)
        yield* tamper(`update audit_heads set cursor = '9999999999.1'`)
        assert.deepInclude((yield* walked()).broken, { what: "record", number: 3 })
      })
    )
  )

  it.effect("is not changed by who may only write to the tables", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* put(1, [wished(1)])
        yield* chained()
        for (const statement of [
          "update audit_events set payload = null",
          "delete from audit_events",
          "truncate audit_events",
          "truncate audit_segments"
        ])
          assert.match(sqlReason(yield* Effect.flip(sql.unsafe(statement))), /what was audited is not changed/)
        assert.isTrue((yield* walked()).isWhole)
      })
    )
  )

  it.effect("is written by one: who was overtaken adds nothing, and goes on behind the other", () =>
    fresh(
      Effect.gen(function* () {
        const log = yield* AuditLog
        const watch = yield* AuditWatch
        yield* put(1, [wished(1)])
        yield* chained()
        const head = yield* log.head("root")
        if (head === undefined) return assert.fail("no chain")
        // Another node has chained the next event, while this one still holds the head from before.
        yield* put(2, [wished(2)])
        const growing = new Growing(head, [], Date.now(), yield* signerOf(Date.now()))
        growing.seal()
        assert.isTrue(yield* log.write({ ...growing.end(), head: { ...head, version: head.version + 1 } }))
        assert.isFalse(yield* log.write({ ...growing.end(), head: { ...head, version: head.version + 1 } }))
        assert.deepStrictEqual(yield* watch.look({ vsm: "root", since: 0, begun: undefined }), { _tag: "Unavailable" })
        assert.strictEqual(yield* chained(), 1)
        assert.deepInclude(yield* walked(), { isWhole: true, records: 3, compared: 2 })
      })
    )
  )

  it.effect("has what the units of its VSM did, and nothing of others", () =>
    fresh(
      Effect.gen(function* () {
        yield* put(1, [wished(1)])
        yield* put(2, [wished(2), wished(3)], "line-1")
        yield* put(3, [{ type: "device.online", data: {} }])
        assert.strictEqual(yield* chained("root"), 1)
        assert.strictEqual(yield* chained("line-1"), 2)
        assert.deepInclude(yield* walked(undefined, "root"), { isWhole: true, compared: 1 })
        assert.deepInclude(yield* walked(undefined, "line-1"), { isWhole: true, compared: 2 })
      })
    )
  )
})
