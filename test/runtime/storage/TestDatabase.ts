/** An empty database with this node's schema, for tests of what stands on it. */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import { makePartitions } from "../../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../../src/runtime/storage/Migrations.ts"
import { Postgres } from "../../support/Postgres.ts"

/** Its address. */
export class TestDatabase extends Context.Service<TestDatabase, { readonly url: Redacted.Redacted }>()(
  "holon/test/TestDatabase"
) {
  /** A new database on the server, migrated, with a client for looking behind the code under test. */
  static readonly layer = Layer.unwrap(
    Effect.gen(function* () {
      const server = yield* Postgres
      const url = Redacted.make(yield* Effect.promise(() => server.createDatabase()))
      const client = PgClient.layer({ url, maxConnections: 5 })
      const prepared = Layer.effectDiscard(Effect.andThen(migrate(), makePartitions))
      return Layer.mergeAll(Layer.succeed(TestDatabase, { url }), Layer.provideMerge(prepared, client))
    })
  )
}
