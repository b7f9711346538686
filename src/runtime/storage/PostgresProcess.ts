/** The processes of the embedded PostgreSQL: how one is started, known to be ready, and stopped. */
import { type ChildProcess, spawn } from "node:child_process"
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync
} from "node:fs"
import { join } from "node:path"
import { Deferred, Duration, Effect, Option, Schedule } from "effect"
import { attempt, type DataFolderUnusable } from "./DataFolder.ts"
import { leash } from "./Leash.ts"
import { EmbeddedPostgresFailed, type ProgramUser } from "./PostgresPrograms.ts"
import { identityOf } from "./ProcessIdentity.ts"

/** Recovery after a crash replays at most a gigabyte of log. */
const readyWithin = Duration.seconds(60)

/** How long a stop waits for the shutdown checkpoint before it stops without one. */
const stopWithin = Duration.seconds(10)

/** The log is begun anew at a start when it has grown past this. */
const logBytesMax = 4 * 1024 * 1024

/** Settings of every server. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  fsync: "on",
  synchronous_commit: "on",
  TimeZone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] ",
  log_checkpoints: "off",
  // Statements here are short and known: compiling them to machine code costs more than it gives.
  jit: "off",
  cluster_name: "holon"
}

/** A program to run and the files it gets. */
interface Launch {
  readonly program: string
  readonly user: ProgramUser | undefined
  /** Files and folders it needs. */
  readonly paths: ReadonlyArray<string>
  /** Its arguments, given the paths as it sees them. */
  readonly args: (seen: ReadonlyArray<string>) => ReadonlyArray<string>
  /** Where what it prints goes. */
  readonly log: string
  /** It does not outlive this process. */
  readonly isLeashed?: boolean
}

/** How a program ended. */
interface Ended {
  readonly isClean: boolean
  /** The fatal line it wrote, or else its exit code or signal. */
  readonly why: string
}

/** A program that was started. */
export interface Running {
  /** 0 when it could not be started at all; then it has ended already. */
  readonly pid: number
  readonly exited: Deferred.Deferred<Ended>
}

/**
 * Starts a program that may not be able to walk to its files: for another user they are opened here and handed over as
 * descriptors, since `/proc/self/fd` leads to them past closed parents such as `/root` or a temp folder of root.
 * It gets a session of its own, because Ctrl-C in a terminal must reach the node only, which then stops it last.
 */
const spawnProgram = ({ args, paths, program, user }: Launch, log: number): ChildProcess => {
  const isHandedOver = user !== undefined && process.platform === "linux"
  const handed = isHandedOver ? paths.map((path) => openSync(path, "r")) : []
  try {
    return spawn(program, args(isHandedOver ? paths.map((_, index) => `/proc/self/fd/${index + 3}`) : paths), {
      stdio: ["ignore", log, log, ...handed],
      // Nothing of the user's environment, such as PGPORT or PGOPTIONS, may change what runs.
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      cwd: "/",
      detached: true,
      ...user
    })
  } finally {
    for (const fd of handed) closeSync(fd)
  }
}

const openLog = (path: string): number => {
  if (existsSync(path) && statSync(path).size > logBytesMax) rmSync(path)
  return openSync(path, "a+", 0o600)
}

/** The first fatal line a program wrote after `from`, or the last line. */
const lastWords = (log: number, from: number): string => {
  const buffer = Buffer.alloc(Math.min(fstatSync(log).size - from, 64 * 1024))
  readSync(log, buffer, 0, buffer.length, from)
  const lines = buffer
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
  const line = lines.find((text) => /FATAL|PANIC|error:/.test(text)) ?? lines.at(-1) ?? ""
  return line.replace(/^.*?(?:FATAL|PANIC|error):\s*/, "").trim()
}

/** Starts a program. Nothing stops it but its end, {@link stopProcess} or its leash. */
export const startProgram = (launch: Launch): Effect.Effect<Running, DataFolderUnusable> =>
  attempt(launch.log, () => {
    const exited = Deferred.makeUnsafe<Ended>()
    const log = openLog(launch.log)
    const from = fstatSync(log).size
    const child = spawnProgram(launch, log)
    const release = launch.isLeashed === true && child.pid !== undefined ? leash(child.pid) : undefined
    const end = (isClean: boolean, how: string) => {
      const words = lastWords(log, from)
      closeSync(log)
      Deferred.doneUnsafe(exited, Effect.succeed({ isClean, why: isClean || words === "" ? how : words }))
    }
    child.once("error", (cause) => end(false, cause.message))
    child.once("exit", (code, signal) => {
      const ended = () =>
        end(code === 0, signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`)
      if (release === undefined) ended()
      else release(ended)
    })
    return { pid: child.pid ?? 0, exited }
  })

/**
 * The living processes that work in a folder, as every process of a PostgreSQL does in its data. Elsewhere than on
 * Linux nobody tells, so the answer is `undefined`.
 */
export const processesIn = (folder: string): ReadonlyArray<number> | undefined => {
  if (process.platform !== "linux") return undefined
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && workingFolder(pid) === folder)
}

const workingFolder = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // Dead, or of another user, and then not a server on this user's data.
    return undefined
  }
}

/** The lines of `postmaster.pid`: 1 the process, 8 its state ("Lock File Contents" in PostgreSQL's miscadmin.h). */
const readPostmaster = (data: string): { readonly pid: number; readonly status: string } | undefined => {
  const path = join(data, "postmaster.pid")
  if (!existsSync(path)) return undefined
  const lines = readFileSync(path, "utf8").split("\n")
  return { pid: Number(lines[0]), status: (lines[7] ?? "").trim() }
}

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself meanwhile.
  }
}

const everyFewMillis = Schedule.spaced("10 millis")

const untilGone = (pid: number) =>
  Effect.sync(() => identityOf(pid) === undefined).pipe(
    Effect.repeat({ schedule: everyFewMillis, until: (isGone) => isGone })
  )

/** Stops a server: with a checkpoint if it can in time, else without one, which costs a recovery at the next start. */
export const stopProcess = (pid: number): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (const signal of ["SIGINT", "SIGQUIT"] as const) {
      kill(pid, signal)
      // A frozen process sees the signal only when it goes on.
      kill(pid, "SIGCONT")
      const gone = yield* untilGone(pid).pipe(Effect.timeoutOption(stopWithin))
      if (Option.isSome(gone)) return true
    }
    return false
  })

/**
 * What a crash left behind. A server that was frozen when its node died goes on alone: it is stopped, since its settings are those
 * of the last start. Then its lock is removed, once nobody works in the data: it names a process that is dead, never
 * buried (a container without an init), or somebody else by now, and PostgreSQL would refuse to start over each of them.
 */
export const clearOrphan = (data: string): Effect.Effect<void, EmbeddedPostgresFailed | DataFolderUnusable> =>
  Effect.gen(function* () {
    const left = yield* attempt(data, () => readPostmaster(data))
    if (left === undefined) return
    const isRunning = processesIn(data)?.includes(left.pid) ?? identityOf(left.pid) !== undefined
    if (isRunning) {
      yield* Effect.logInfo(`stopping a PostgreSQL that an earlier start left behind (process ${left.pid})`)
      yield* stopProcess(left.pid)
    }
    // Backends end by themselves when their server is gone; a late one would write behind the next server's back.
    const rest = yield* Effect.sync(() => processesIn(data) ?? []).pipe(
      Effect.repeat({ schedule: everyFewMillis, until: (pids) => pids.length === 0 }),
      Effect.timeoutOrElse({ duration: stopWithin, orElse: () => Effect.sync(() => processesIn(data) ?? []) })
    )
    if (rest.length > 0) {
      return yield* new EmbeddedPostgresFailed({
        reason: "orphan",
        detail: `process ${rest.join(", ")} of an earlier start does not stop`
      })
    }
    yield* attempt(data, () => rmSync(join(data, "postmaster.pid"), { force: true }))
  })

/** Starts the server on data that exists. It accepts connections some time later: {@link untilReady}. */
export const startServer = (options: {
  readonly program: string
  readonly user: ProgramUser | undefined
  readonly data: string
  readonly log: string
  readonly port: number
  /** Settings besides, or instead of, the usual ones. */
  readonly settings?: Readonly<Record<string, string>>
}): Effect.Effect<Running, DataFolderUnusable> =>
  startProgram({
    program: options.program,
    user: options.user,
    paths: [options.data],
    log: options.log,
    isLeashed: true,
    args: ([data = ""]) => [
      "-D",
      data,
      "-p",
      String(options.port),
      ...Object.entries({ ...settings, ...options.settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ]
  })

/** Stops a server that was started here. */
export const stopServer = (server: Running): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (yield* Deferred.isDone(server.exited)) return
    if (yield* stopProcess(server.pid)) yield* Deferred.await(server.exited)
    else yield* Effect.logError(`PostgreSQL (process ${server.pid}) does not stop`)
  })

/**
 * Waits until the server says `ready` in its own lock: a socket that accepts may still be in recovery. Fails with
 * `EmbeddedPostgresFailed` when it ends before.
 */
export const untilReady = (
  data: string,
  server: Running
): Effect.Effect<void, EmbeddedPostgresFailed | DataFolderUnusable> =>
  attempt(data, () => readPostmaster(data)).pipe(
    Effect.repeat({
      schedule: everyFewMillis,
      until: (postmaster) => postmaster?.pid === server.pid && postmaster.status === "ready"
    }),
    Effect.timeoutOrElse({
      duration: readyWithin,
      orElse: () =>
        Effect.fail(
          new EmbeddedPostgresFailed({
            reason: "start",
            detail: `it was not ready within ${Duration.format(readyWithin)}`
          })
        )
    }),
    Effect.raceFirst(
      Deferred.await(server.exited).pipe(
        Effect.flatMap(({ why }) => Effect.fail(new EmbeddedPostgresFailed({ reason: "start", detail: why })))
      )
    ),
    Effect.asVoid
  )
