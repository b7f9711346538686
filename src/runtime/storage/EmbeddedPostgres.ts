/** A PostgreSQL of our own beside the data: made at the first start, found again at the next, stopped with its scope. */
import { randomBytes } from "node:crypto"
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { Deferred, Effect, Layer, Redacted, Schedule, Schema, type Scope } from "effect"
import {
  attempt,
  type DataFolderInUse,
  DataFolderUnusable,
  ownDataFolder,
  syncFolder,
  writeSecret
} from "./DataFolder.ts"
import { clearOrphan, startProgram, startServer, stopProcess, stopServer, untilReady } from "./PostgresProcess.ts"
import { EmbeddedPostgresFailed, findPrograms, findUser, type ProgramUser } from "./PostgresPrograms.ts"
import { PostgresUrl } from "./PostgresUrl.ts"

/** The major version of the programs; data of another one cannot be read. */
const majorVersion = "18"

/** What stays the same from start to start. The port is only a wish: another may have taken it. */
const Remembered = Schema.fromJsonString(Schema.Struct({ port: Schema.Int, password: Schema.NonEmptyString }))

/** Where things are in a data folder. */
export const paths = (folder: string) => ({
  data: join(folder, "postgres"),
  /** Where `initdb` works; renamed when it is done, so that a crash leaves no half-made data. */
  fresh: join(folder, "postgres.new"),
  remembered: join(folder, "postgres.json"),
  log: join(folder, "postgres.log")
})
type Paths = ReturnType<typeof paths>

/** `preferred` if nobody listens there, else any free port. */
const freePort = (preferred: number): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    const server = createServer()
    server.once("error", () => resume(freePort(0)))
    server.listen(preferred, "127.0.0.1", () => {
      const address = server.address()
      const port = address !== null && typeof address === "object" ? address.port : 0
      server.close(() => resume(Effect.succeed(port)))
    })
  })

/** The free port was taken before it was used, or backends of a crash hold the shared memory for a moment yet. */
const passesByItself = (error: EmbeddedPostgresError): boolean =>
  error._tag === "EmbeddedPostgresFailed" && /could not create any TCP\/IP sockets|shared memory/.test(error.detail)

/** Makes the data of a new server with `initdb`, whole or not at all. Its files are synced: rows acknowledged later are worth nothing if the catalog under them is lost. */
export const initialise = (
  at: Paths,
  program: string,
  user: ProgramUser | undefined,
  password: string
): Effect.Effect<void, DataFolderUnusable | EmbeddedPostgresFailed> =>
  Effect.gen(function* () {
    const secret = `${at.fresh}.password`
    yield* attempt(at.fresh, () => {
      rmSync(at.fresh, { recursive: true, force: true })
      mkdirSync(at.fresh, { mode: 0o700 })
      writeSecret(secret, `${password}\n`)
      if (user !== undefined) for (const path of [at.fresh, secret]) chownSync(path, user.uid, user.gid)
    })
    const running = yield* startProgram({
      program,
      user,
      paths: [at.fresh, secret],
      log: at.log,
      args: ([data = "", passwordFile = ""]) => [
        `--pgdata=${data}`,
        `--pwfile=${passwordFile}`,
        "--username=holon",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Built in, so that sorting is the same on every system and stays so when the system's library changes.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions"
      ]
    })
    const { isClean, why } = yield* Deferred.await(running.exited).pipe(
      Effect.onInterrupt(() => stopProcess(running.pid))
    )
    yield* attempt(at.data, () => {
      rmSync(secret, { force: true })
      if (!isClean) rmSync(at.fresh, { recursive: true, force: true })
    })
    if (!isClean) return yield* new EmbeddedPostgresFailed({ reason: "init", detail: why })
    yield* attempt(at.data, () => {
      renameSync(at.fresh, at.data)
      syncFolder(dirname(at.data))
    })
  })

const remember = (at: Paths, value: typeof Remembered.Type) =>
  attempt(at.remembered, () => writeSecret(at.remembered, JSON.stringify(value)))

const recall = (at: Paths) =>
  Effect.gen(function* () {
    const hasData = yield* attempt(at.data, () => existsSync(at.data))
    const text = yield* attempt(at.remembered, () =>
      existsSync(at.remembered) ? readFileSync(at.remembered, "utf8") : undefined
    )
    if (text === undefined && !hasData) return { port: 0, password: randomBytes(24).toString("base64url") }
    return yield* Schema.decodeUnknownEffect(Remembered)(text ?? "").pipe(
      Effect.mapError(
        () =>
          new DataFolderUnusable({
            folder: at.data,
            reason: `${at.remembered}, which holds its password, is missing or broken: restore it from a backup`
          })
      )
    )
  })

const checkVersion = (at: Paths) =>
  Effect.gen(function* () {
    const version = yield* attempt(at.data, () => readFileSync(join(at.data, "PG_VERSION"), "utf8").trim())
    if (version === majorVersion) return
    return yield* new EmbeddedPostgresFailed({
      reason: "version",
      detail: `${at.data} was written by PostgreSQL ${version}, this is ${majorVersion}`
    })
  })

/** Everything that may fail: the folder, the programs, or somebody else in the folder. */
export type EmbeddedPostgresError = DataFolderUnusable | DataFolderInUse | EmbeddedPostgresFailed

const make = (path: string): Effect.Effect<Redacted.Redacted, EmbeddedPostgresError, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* ownDataFolder(path)
    const at = paths(folder)
    const user = yield* findUser(at.data)
    const programs = yield* findPrograms(user)
    const known = yield* recall(at)
    if (yield* attempt(at.data, () => existsSync(at.data))) {
      yield* checkVersion(at)
      yield* clearOrphan(yield* attempt(at.data, () => realpathSync(at.data)))
    } else {
      // The password first: data without it could never be opened.
      yield* remember(at, known)
      yield* initialise(at, programs.initdb, user, known.password)
    }

    const ready = yield* Deferred.make<number, EmbeddedPostgresError>()
    const startOn = (port: number) =>
      Effect.gen(function* () {
        const { postgres: program } = programs
        const started = startServer({ program, user, data: at.data, log: at.log, port })
        const server = yield* Effect.acquireRelease(started, stopServer)
        yield* untilReady(at.data, server)
        return server
      })
    const serve = (port: number) =>
      Effect.gen(function* () {
        const server = yield* startOn(port)
        yield* Deferred.succeed(ready, port)
        const { why } = yield* Deferred.await(server.exited)
        yield* Effect.logWarning(`PostgreSQL ended (${why}) and is started again`)
      }).pipe(Effect.scoped)
    const serveFirst = Effect.gen(function* () {
      const port = yield* freePort(known.port)
      if (port !== known.port) yield* remember(at, { ...known, port })
      yield* serve(port)
    }).pipe(Effect.retry({ while: passesByItself, schedule: Schedule.spaced("200 millis"), times: 50 }))
    let said = ""
    const serveAgain = Effect.gen(function* () {
      yield* clearOrphan(yield* attempt(at.data, () => realpathSync(at.data)))
      // Everybody knows the url by now, so it has to be the same port, however long that takes.
      yield* serve(yield* Deferred.await(ready))
    }).pipe(
      Effect.tapError(({ message }) => {
        // Once for each cause, not for every attempt.
        const isNew = message !== said
        said = message
        return isNew ? Effect.logError(message) : Effect.void
      }),
      Effect.retry(Schedule.spaced("1 second")),
      Effect.forever
    )
    yield* serveFirst.pipe(
      Effect.tapError((error) => Deferred.fail(ready, error)),
      Effect.andThen(serveAgain),
      Effect.forkScoped
    )
    const port = yield* Deferred.await(ready)
    return Redacted.make(`postgres://holon:${known.password}@127.0.0.1:${port}/postgres`, {
      label: "embedded PostgreSQL"
    })
  })

/**
 * PostgreSQL in the data folder, for the scope. Durable: fsync is on. Works as a user and as root, which hands it to an
 * unprivileged user. A server that ends by itself is started again on the same port. After a crash of the node the next
 * start stops the server it left and recovers. Fails when another process owns the folder, the folder cannot be used,
 * or PostgreSQL does not start.
 */
export const layer = (dataFolder: string): Layer.Layer<PostgresUrl, EmbeddedPostgresError> =>
  Layer.effect(PostgresUrl, make(dataFolder))
