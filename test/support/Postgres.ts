/** One PostgreSQL for tests: the embedded binaries on a temp folder and a free loopback port. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import { initialise, paths } from "../../src/runtime/storage/EmbeddedPostgres.ts"
import { startServer, stopServer, untilReady } from "../../src/runtime/storage/PostgresProcess.ts"
import { findPrograms, findUser } from "../../src/runtime/storage/PostgresPrograms.ts"
import { freePort } from "./Ports.ts"

/** What a test may change about its server. */
export interface PostgresOptions {
  /** Settings of this server, `name=value`. The defaults keep fsync on, as in production. */
  readonly settings?: ReadonlyArray<string>
}

/** A running server. Every method returns once it is done. */
export interface PostgresServer {
  /** Of the database `postgres`. */
  readonly url: string
  readonly port: number
  readonly dataDirectory: string
  /** Makes an empty database and returns its url: cheaper than a server for each test. */
  readonly createDatabase: () => Promise<string>
  /** Stops every process of the server with SIGSTOP: a stall of storage or of the machine. */
  readonly freeze: () => void
  /** Lets them run again. */
  readonly thaw: () => void
  /** Ends the server with its connections; it starts again, on the same port with what was durable, by {@link start}. */
  readonly end: () => Promise<void>
  /** Starts what {@link end} has ended. */
  readonly start: () => Promise<void>
  /** Stops the server and deletes its folder. */
  readonly stop: () => Promise<void>
}

/** `name=value` apart. */
const pairOf = (setting: string): readonly [name: string, value: string] => {
  const at = setting.indexOf("=")
  return [setting.slice(0, at), setting.slice(at + 1)]
}

const password = "holon"

/** Who the servers run as, and the programs where that user can reach them. Found once: the answer does not change. */
const findOwner = Effect.gen(function* () {
  const user = yield* findUser(tmpdir())
  return { user, programs: yield* findPrograms(user) }
})

/** `initdb` takes most of a second, so its result is kept beside the temp folders and copied. */
const template = join(tmpdir(), `holon-pg-template-18-2-${process.getuid?.() ?? 0}`)

const prepareTemplate = async ({ programs, user }: Effect.Success<typeof findOwner>) => {
  for (let attempt = 0; !existsSync(template); attempt++) {
    const folder = mkdtempSync(join(tmpdir(), "holon-pg-init-"))
    try {
      await Effect.runPromise(initialise(paths(folder), programs.initdb, user, password))
      // Only one of several test processes wins the name; the others use its copy.
      renameSync(folder, template)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      if (attempt === 3) throw error
    }
  }
}

/** Starts a server. Stop it yourself; inside Effect use {@link Postgres.layer}. */
export const startPostgres = async (options: PostgresOptions = {}): Promise<PostgresServer> => {
  const owner = await Effect.runPromise(findOwner)
  await prepareTemplate(owner)
  const folder = mkdtempSync(join(tmpdir(), "holon-pg-"))
  execFileSync("cp", ["-a", `${template}/.`, folder])
  const { data: dataDirectory, log } = paths(folder)
  const port = await freePort()
  const run = Effect.gen(function* () {
    const running = yield* startServer({
      program: owner.programs.postgres,
      user: owner.user,
      data: dataDirectory,
      log,
      port,
      settings: { shared_buffers: "32MB", ...Object.fromEntries(options.settings?.map(pairOf) ?? []) }
    })
    yield* untilReady(dataDirectory, running)
    return running
  })
  let server = await Effect.runPromise(run)
  const urlOf = (database: string) => `postgres://holon:${password}@127.0.0.1:${port}/${database}`
  const signal = (name: "SIGSTOP" | "SIGCONT") => {
    const postmaster = String(server.pid)
    // The postmaster goes first, so that no backend is started that the list misses.
    process.kill(Number(postmaster), name)
    const children = execFileSync("pgrep", ["-P", postmaster], { encoding: "utf8" })
    for (const pid of children.split("\n").filter((line) => line !== "")) {
      try {
        process.kill(Number(pid), name)
      } catch {
        // It ended by itself since it was listed.
      }
    }
  }
  let databases = 0
  let frozen = false
  return {
    url: urlOf("postgres"),
    port,
    dataDirectory,
    createDatabase: async () => {
      const name = `test_${++databases}`
      await Effect.runPromise(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* sql`create database ${sql(name)}`
        }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(urlOf("postgres")), maxConnections: 1 })))
      )
      return urlOf(name)
    },
    freeze: () => {
      frozen = true
      signal("SIGSTOP")
    },
    thaw: () => {
      frozen = false
      signal("SIGCONT")
    },
    end: () => Effect.runPromise(stopServer(server)),
    start: async () => {
      server = await Effect.runPromise(run)
    },
    stop: async () => {
      if (frozen) signal("SIGCONT")
      await Effect.runPromise(stopServer(server))
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** A server for the scope of a test file. */
export class Postgres extends Context.Service<Postgres, PostgresServer>()("holon/test/Postgres") {
  /** Starts one server and stops it with the scope. */
  static readonly layer = (options: PostgresOptions = {}): Layer.Layer<Postgres> =>
    Layer.effect(
      Postgres,
      Effect.acquireRelease(
        Effect.promise(() => startPostgres(options)),
        (server) => Effect.promise(() => server.stop())
      )
    )

  /** A client of a new, empty database on the server. */
  static readonly client = (maxConnections = 10) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const server = yield* Postgres
        const url = yield* Effect.promise(() => server.createDatabase())
        return PgClient.layer({ url: Redacted.make(url), maxConnections })
      })
    )
}
