/** Brings the schema of the database up to this node's, in order, each migration once. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { actors } from "./migrations/0001_actors.ts"
import { sampleMinutes } from "./migrations/0002_sample_minutes.ts"
import { images } from "./migrations/0003_images.ts"
import { journalTime } from "./migrations/0004_journal_time.ts"
import { patterns } from "./migrations/0005_patterns.ts"
import { deviceSearch } from "./migrations/0006_device_search.ts"
import { zones } from "./migrations/0007_zones.ts"
import { journalChains } from "./migrations/0008_journal_chains.ts"
import { audit } from "./migrations/0009_audit.ts"
import { policies } from "./migrations/0010_policies.ts"
import { auditSeals } from "./migrations/0011_audit_seals.ts"

/** One step of the schema. Numbers grow; a step that was released never changes. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

/** The database was migrated by a newer release. Permanent for this node: start the release that knows the schema. */
export class SchemaTooNew extends Schema.TaggedError<SchemaTooNew>()("SchemaTooNew", {
  /** Highest migration in the database. */
  found: Schema.Int,
  /** Highest migration this node knows. */
  known: Schema.Int
}) {
  override get message() {
    return `the database was migrated by a newer release (step ${this.found}, this one knows ${this.known}); start that release, or take another database`
  }
}

/** All steps of this release. Those of one release only add, so that the one before runs beside it. */
export const migrations: ReadonlyArray<Migration> = [
  actors,
  sampleMinutes,
  images,
  journalTime,
  patterns,
  deviceSearch,
  zones,
  journalChains,
  audit,
  policies,
  auditSeals
]

/** Any number will do, as long as no other lock of the database has it. */
const advisoryLock = 7_455_966

/**
 * Applies what is missing, in one transaction: all of it or nothing. Nodes that start together wait for each other.
 * Answers the names of what was applied. Fails with {@link SchemaTooNew} when the database is ahead of `steps`.
 */
export const migrate = (
  steps: ReadonlyArray<Migration> = migrations
): Effect.Effect<ReadonlyArray<string>, SqlError | SchemaTooNew, PgClient.PgClient> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
        yield* sql`create table if not exists holon_migration (
          number integer primary key, name text not null, applied_at timestamptz not null default now())`
        const rows = yield* sql<{
          readonly found: number
        }>`select coalesce(max(number), 0) as found from holon_migration`
        const found = rows[0]?.found ?? 0
        const known = steps.at(-1)?.number ?? 0
        if (found > known) return yield* new SchemaTooNew({ found, known })
        const missing = steps.filter((step) => step.number > found)
        for (const { number, name, statements } of missing) {
          for (const statement of statements) yield* sql.unsafe(statement)
          yield* sql`insert into holon_migration (number, name) values (${number}, ${name})`
        }
        return missing.map((step) => step.name)
      })
    )
  })
