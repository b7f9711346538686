import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope } from "effect"
import { layer } from "../../../src/runtime/storage/EmbeddedPostgres.ts"
import { PostgresUrl } from "../../../src/runtime/storage/PostgresUrl.ts"
import { identityOf } from "../../../src/runtime/storage/ProcessIdentity.ts"

/** A folder that only its owner can enter, as `mktemp -d` makes them, gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-embedded-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Runs statements on the PostgreSQL of a data folder, started for that and stopped after. */
const withPostgres = <A, E>(data: string, use: Effect.Effect<A, E, PgClient.PgClient>) =>
  use.pipe(Effect.provide(Layer.unwrap(clientLayer).pipe(Layer.provide(layer(data)))))

const clientLayer = Effect.gen(function* () {
  return PgClient.layer({ url: yield* PostgresUrl, maxConnections: 1 })
})

/** The process of the server on a data folder, 0 while there is none. */
const postmasterOf = (data: string): number => {
  const lock = join(data, "postgres", "postmaster.pid")
  return existsSync(lock) ? Number(readFileSync(lock, "utf8").split("\n")[0]) : 0
}

const isGone = (pid: number) => identityOf(pid) === undefined
const untilGone = (pid: number) =>
  Effect.sync(() => isGone(pid)).pipe(Effect.repeat({ until: (gone) => gone, schedule: Schedule.spaced("5 millis") }))

/** A process that owns the data folder; it has started PostgreSQL when this returns, with the url it printed. */
const owner = (data: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly process: ChildProcess; readonly url: string }>((resume) => {
      const script = fileURLToPath(new URL("./postgresOwner.ts", import.meta.url))
      const child = spawn(process.execPath, [script, data], { stdio: ["ignore", "pipe", "inherit"] })
      child.stdout.once("data", (line) => resume(Effect.succeed({ process: child, url: String(line).trim() })))
    }),
    ({ process }) => Effect.sync(() => process.kill("SIGKILL"))
  )

const select = (statement: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql.unsafe<Record<string, unknown>>(statement)
  })

describe("the embedded PostgreSQL", () => {
  it.live("keeps its data, password and port from start to start, durably", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "deep", ".holon")
      yield* withPostgres(data, select("create table kept as select 'ä' as word"))
      assert.isFalse(existsSync(join(data, "postgres", "postmaster.pid")))
      const before = readFileSync(join(data, "postgres.json"), "utf8")
      const rows = yield* withPostgres(
        data,
        select(`select word, current_setting('fsync') as fsync, current_setting('server_encoding') as encoding,
          current_setting('max_connections') as connections from kept`)
      )
      assert.deepStrictEqual(rows, [{ word: "ä", fsync: "on", encoding: "UTF8", connections: "100" }])
      assert.strictEqual(readFileSync(join(data, "postgres.json"), "utf8"), before)
      assert.isFalse(existsSync(join(data, "holon.lock")))
    }).pipe(Effect.scoped)
  )

  it.live("lets nobody in without its password, and nobody read it", () =>
    Effect.gen(function* () {
      const data = yield* folder
      yield* Effect.gen(function* () {
        const url = new URL(Redacted.value(yield* PostgresUrl))
        assert.strictEqual(url.hostname, "127.0.0.1")
        assert.isAtLeast(url.password.length, 32)
        url.password = "wrong"
        const refusal = yield* select("select 1").pipe(
          Effect.provide(PgClient.layer({ url: Redacted.make(url.href), maxConnections: 1 })),
          Effect.flip
        )
        assert.strictEqual(refusal._tag, "SqlError")
        for (const name of ["postgres.json", "postgres.log"]) {
          assert.strictEqual(statSync(join(data, name)).mode & 0o077, 0, name)
        }
      }).pipe(Effect.provide(layer(data)))
    }).pipe(Effect.scoped)
  )

  it.live("ends with its node, also when that is killed", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const { process: first } = yield* owner(data)
      const server = postmasterOf(data)
      assert.isFalse(isGone(server))
      first.kill("SIGKILL")
      yield* untilGone(server)
    }).pipe(Effect.scoped)
  )

  it.live("recovers after its node was killed, and stops the server that went on alone", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const { process: first, url } = yield* owner(data)
      const sql = PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })
      yield* select("create table kept as select 1 as n").pipe(Effect.provide(sql))
      const orphan = postmasterOf(data)
      // One that is frozen goes on when its node is gone.
      process.kill(orphan, "SIGSTOP")
      first.kill("SIGKILL")
      yield* untilGone(first.pid ?? 0)
      assert.isFalse(isGone(orphan))

      const rows = yield* withPostgres(data, select("select n from kept"))
      assert.deepStrictEqual(rows, [{ n: 1 }])
      assert.isTrue(isGone(orphan))
    }).pipe(Effect.scoped)
  )

  it.live(
    "recovers when node and server were killed at once, as in a power cut",
    () =>
      Effect.gen(function* () {
        const data = yield* folder
        const { process: first, url } = yield* owner(data)
        const sql = PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })
        yield* select("create table kept as select 1 as n").pipe(Effect.provide(sql))
        const server = postmasterOf(data)
        first.kill("SIGKILL")
        process.kill(server, "SIGKILL")
        yield* untilGone(server)
        yield* untilGone(first.pid ?? 0)
        assert.deepStrictEqual(yield* withPostgres(data, select("select n from kept")), [{ n: 1 }])
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("is not fooled by a lock whose process number belongs to somebody else by now", () =>
    Effect.gen(function* () {
      const data = yield* folder
      yield* withPostgres(data, select("create table kept as select 1 as n"))
      const stranger = spawn("sleep", ["60"], { stdio: "ignore" })
      yield* Effect.addFinalizer(() => Effect.sync(() => stranger.kill("SIGKILL")))
      writeFileSync(join(data, "postgres", "postmaster.pid"), `${stranger.pid}\n/x\n0\n1\n127.0.0.1\n0 0\nready\n`)
      writeFileSync(join(data, "holon.lock"), JSON.stringify({ pid: stranger.pid, identity: "another life" }))
      assert.deepStrictEqual(yield* withPostgres(data, select("select n from kept")), [{ n: 1 }])
      assert.isFalse(isGone(stranger.pid ?? 0))
    }).pipe(Effect.scoped)
  )

  it.live("takes another port when somebody took its own", () =>
    Effect.gen(function* () {
      const data = yield* folder
      yield* withPostgres(data, select("select 1"))
      const { port } = JSON.parse(readFileSync(join(data, "postgres.json"), "utf8"))
      yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer()
          server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const rows = yield* withPostgres(data, select("select current_setting('port')::int as port"))
      assert.notStrictEqual(rows[0]?.port, port)
    }).pipe(Effect.scoped)
  )

  it.live("tells a second owner of the folder who has it, and stops with its own", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const { process: first } = yield* owner(data)
      const refusal = yield* withPostgres(data, select("select 1")).pipe(Effect.flip)
      assert.strictEqual(refusal._tag, "DataFolderInUse")
      assert.strictEqual(
        refusal.message,
        `another holon (process ${first.pid}) runs in the data folder ${data}. Stop it, or take another folder with --data.`
      )
      const server = postmasterOf(data)
      first.kill("SIGTERM")
      yield* untilGone(first.pid ?? 0)
      assert.isTrue(isGone(server))
    }).pipe(Effect.scoped)
  )

  it.live("is started again on the same port when it dies under a living node", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.unwrap(clientLayer).pipe(Layer.provide(layer(data))), scope)
      yield* select("create table kept as select 1 as n").pipe(Effect.provide(context))
      const before = postmasterOf(data)
      process.kill(before, "SIGKILL")
      const after = yield* Effect.sync(() => postmasterOf(data)).pipe(
        Effect.repeat({ until: (pid) => pid > 0 && pid !== before, schedule: Schedule.spaced("5 millis") })
      )
      const rows = yield* select("select n from kept").pipe(
        Effect.retry(Schedule.spaced("20 millis")),
        Effect.provide(context)
      )
      assert.deepStrictEqual(rows, [{ n: 1 }])
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(isGone(after))
    }).pipe(Effect.scoped)
  )

  it.live("leaves nothing half-made when its first start is interrupted", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const start = yield* Effect.forkChild(withPostgres(data, select("select 1")))
      yield* Effect.sync(() => existsSync(join(data, "postgres.new", "base"))).pipe(
        Effect.repeat({ until: (exists) => exists, schedule: Schedule.spaced("1 millis") })
      )
      yield* Fiber.interrupt(start)
      assert.isFalse(existsSync(join(data, "postgres")))
      assert.deepStrictEqual(yield* withPostgres(data, select("select 1 as n")), [{ n: 1 }])
    }).pipe(Effect.scoped)
  )

  it.live("says what is wrong with the folder in one line", () =>
    Effect.gen(function* () {
      const parent = yield* folder
      const file = join(parent, "file")
      writeFileSync(file, "")
      const messageOf = (data: string) =>
        withPostgres(data, select("select 1")).pipe(
          Effect.flip,
          Effect.map((error) => error.message)
        )
      assert.strictEqual(
        yield* messageOf(file),
        `cannot use the data folder ${file}: a file is in its place. Mend that, or take another folder with --data.`
      )
      // A file system that takes no folder where there is one: Node's own way to make it would never end.
      if (process.platform === "linux")
        assert.include(yield* messageOf("/proc/holon/data"), "takes no new folder in /proc")

      const old = join(parent, "old")
      yield* withPostgres(old, select("select 1"))
      writeFileSync(join(old, "postgres", "PG_VERSION"), "17\n")
      assert.match(
        yield* messageOf(old),
        /^cannot run the embedded PostgreSQL: .+ was written by PostgreSQL 17, this is 18\./
      )
      writeFileSync(join(old, "postgres.json"), "{")
      assert.match(yield* messageOf(old), /postgres\.json, which holds its password, is missing or broken/)

      const broken = join(parent, "broken")
      yield* withPostgres(broken, select("select 1"))
      rmSync(join(broken, "postgres", "global"), { recursive: true })
      assert.match(
        yield* messageOf(broken),
        /^cannot run the embedded PostgreSQL: .+ The log beside the data says more\.$/
      )
    }).pipe(Effect.scoped)
  )

  it.live.runIf(process.getuid?.() === 0)("gives its data to a user that cannot even enter the folder above", () =>
    Effect.gen(function* () {
      const parent = yield* folder
      chmodSync(parent, 0o700)
      const data = join(parent, "data")
      mkdirSync(data, { mode: 0o700 })
      const rows = yield* withPostgres(data, select("select current_setting('data_directory') as at"))
      assert.deepStrictEqual(rows, [{ at: "/proc/self/fd/3" }])
      const { uid, mode } = statSync(join(data, "postgres"))
      assert.notStrictEqual(uid, 0)
      assert.strictEqual(mode & 0o077, 0)
    }).pipe(Effect.scoped)
  )
})
