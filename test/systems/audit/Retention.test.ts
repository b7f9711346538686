import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { archiveAuditPartitions } from "../../../src/runtime/storage/AuditPartitions.ts"
import { AuditLog } from "../../../src/systems/audit/AuditLog.ts"
import { emptyChain, Growing } from "../../../src/systems/audit/Chain.ts"
import { Postgres } from "../../support/Postgres.ts"
import { layerChains, signerOf, tamper, walked } from "./Chains.ts"

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("months of an audit chain", (it) => {
  const fresh = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, layerChains)

  it.effect("keeps a month whose records were sealed late, and misses them when somebody takes it away", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const log = yield* AuditLog
        yield* sql`create table audit_events_202401 partition of audit_events
          for values from ('2024-01-01+00') to ('2024-02-01+00')`
        const old = Date.parse("2024-01-15T00:00:00Z")
        const entry = (at: number, number: number) => ({
          id: `01990000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`,
          cursor: `1.${number}`,
          hlc: { ms: at, ctr: 0, node: "0000000000000000" },
          at,
          category: "command" as const,
          type: "command.accepted",
          severity: "info" as const,
          subject: "device/press-1",
          subjectSeq: number,
          principal: "user:anna",
          root: undefined,
          capability: undefined,
          zone: undefined,
          unit: undefined,
          causes: [],
          payload: { number }
        })
        const first = new Growing(emptyChain("root", "1.0"), [], old, yield* signerOf(old))
        for (let number = 1; number <= 4; number++) first.add(entry(old, number))
        first.seal()
        first.add(entry(old, 5))
        const before = first.end()
        yield* log.write(before)
        // The segment that it is in goes on in another month.
        const then = new Growing(before.head, before.open, Date.now(), yield* signerOf(Date.now()))
        for (let number = 6; number <= 9; number++) then.add(entry(old, number))
        then.seal()
        yield* log.write(then.end())
        assert.deepInclude(yield* walked(), { isWhole: true, first: 1, records: 9, older: 9 })
        // The second segment was sealed just now: its records are not old, whatever their month is.
        assert.deepStrictEqual(yield* archiveAuditPartitions(), [])
        yield* sql`alter table audit_events detach partition audit_events_202401`
        assert.deepInclude((yield* walked()).broken, { what: "record", number: 5 })
      })
    )
  )

  it.effect("stays whole when all that is archived is old, and the heads still hang together", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const log = yield* AuditLog
        yield* sql`create table audit_events_202401 partition of audit_events
          for values from ('2024-01-01+00') to ('2024-02-01+00')`
        yield* sql`create table audit_events_202402 partition of audit_events
          for values from ('2024-02-01+00') to ('2024-03-01+00')`
        const write = (growing: Growing) => {
          const growth = growing.end()
          return Effect.as(log.write(growth), growth)
        }
        const add = (growing: Growing, from: number, to: number) => {
          for (let number = from; number <= to; number++)
            growing.add({
              id: `01990000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`,
              cursor: `1.${number}`,
              hlc: { ms: 1, ctr: 0, node: "0000000000000000" },
              at: 1,
              category: "command",
              type: "command.accepted",
              severity: "info",
              subject: "device/press-1",
              subjectSeq: number,
              principal: "user:anna",
              root: undefined,
              capability: undefined,
              zone: undefined,
              unit: undefined,
              causes: [],
              payload: null
            })
        }
        const january = new Growing(
          emptyChain("root", "1.0"),
          [],
          Date.parse("2024-01-15T00:00:00Z"),
          yield* signerOf(Date.parse("2024-01-15T00:00:00Z"))
        )
        add(january, 1, 3)
        january.seal()
        add(january, 4, 5)
        const { head, open } = yield* write(january)
        const february = new Growing(
          head,
          open,
          Date.parse("2024-02-01T00:00:05Z"),
          yield* signerOf(Date.parse("2024-02-01T00:00:05Z"))
        )
        add(february, 6, 9)
        february.seal()
        const last = yield* write(february)
        yield* write(new Growing(last.head, last.open, Date.now(), yield* signerOf(Date.now())))
        assert.isTrue((yield* walked()).isWhole)
        yield* sql`alter table audit_events detach partition audit_events_202401`
        // The second segment is cut in its midst: the hash of its last record stands for those that are gone.
        assert.deepInclude(yield* walked(), { isWhole: true, first: 6, records: 4 })
        yield* tamper("update audit_events set payload_bytes = 7 where seq = 7")
        assert.deepInclude((yield* walked()).broken, { what: "record", number: 7 })
        yield* tamper("update audit_events set payload_bytes = 1 where seq = 7")
        assert.deepStrictEqual(yield* archiveAuditPartitions(), ["audit_events_202402"])
        assert.deepInclude(yield* walked(), { isWhole: true, first: 10, records: 0 })
        yield* tamper("update audit_segments set root = last_hash where segment = 1")
        assert.deepInclude((yield* walked()).broken, { what: "segment", number: 1 })
      })
    )
  )
})
