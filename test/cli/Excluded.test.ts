/** A node that can be a member no more ends by itself, with a sentence: others serve its actors then. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { end, start } from "../support/HolonProcess.ts"
import { Postgres } from "../support/Postgres.ts"
import { tempFolder } from "../support/RunningNode.ts"

const config = `export default {
  http: { port: 0 }, mqtt: { port: 0 }, peers: { runnerPort: 0, relayPort: 0 },
  demo: { isOn: false }, shards: { perGroup: 30 }
}`

/** A node in a process of its own that serves; then what happens to its database, and what it says at its end. */
const endOf = (happen: (sql: PgClient.PgClient) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const server = yield* Postgres
    const url = yield* Effect.promise(() => server.createDatabase())
    const folder = yield* tempFolder
    writeFileSync(join(folder, "cluster.config.ts"), config)
    const node = yield* start(folder, "node", "--postgres", url)
    yield* node.says("holon node is ready")
    const happened = Effect.flatMap(PgClient.PgClient, happen)
    yield* Effect.provide(happened, PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
    const code = yield* end(node)
    return { code, err: node.err }
  })

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("a node", (it) => {
  it.effect(
    "ends when another process takes its address",
    () =>
      Effect.gen(function* () {
        const { code, err } = yield* endOf(
          (sql) => sql`update cluster_node set incarnation = 'another', last_heartbeat = now() + interval '1 minute'`
        )
        assert.strictEqual(code, 1)
        assert.match(err, /another node is already running as 127\.0\.0\.1:\d+/)
      }),
    60_000
  )

  it.effect(
    "ends when the others write rows that it cannot read",
    () =>
      Effect.gen(function* () {
        const { code, err } = yield* endOf(
          (sql) => sql`update cluster_setting set value = '99' where name = 'format/device'`
        )
        assert.strictEqual(code, 1)
        assert.include(err, "rows of device are written in format 99, this release reads up to 1; start a newer one")
      }),
    60_000
  )
})
