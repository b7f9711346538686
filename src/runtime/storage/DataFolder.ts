/** The folder a cluster keeps on one machine, and the lock that gives it to one owner at a time. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { dirname, join } from "node:path"
import { Effect, Option, Schema, type Scope } from "effect"
import { identityOf } from "./ProcessIdentity.ts"

/** The data folder cannot be made, read or written. Permanent until somebody changes it. */
export class DataFolderUnusable extends Schema.TaggedError<DataFolderUnusable>()("DataFolderUnusable", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot use the data folder ${this.folder}: ${this.reason}. Mend that, or take another folder with --data.`
  }
}

/** A living process owns the folder. */
export class DataFolderInUse extends Schema.TaggedError<DataFolderInUse>()("DataFolderInUse", {
  folder: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return (
      `another holon (process ${this.pid}) runs in the data folder ${this.folder}. ` +
      "Stop it, or take another folder with --data."
    )
  }
}

/** What the system says went wrong, without its stack. */
export const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "EACCES" || code === "EPERM") return "this user may not write there (permission denied)"
  if (code === "EROFS") return "its file system is read-only"
  if (code === "ENOSPC") return "its disk is full"
  if (code === "ENOTDIR" || code === "EEXIST") return "a file is in its place"
  return cause instanceof Error ? cause.message : String(cause)
}

/**
 * Makes a folder and those above it. Node's own recursion never ends where a file system takes no folder in one that is
 * there, as `/proc`.
 */
export const makeFolder = (path: string): void => {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new Error("a file is in its place")
    return
  }
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  try {
    mkdirSync(path)
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) throw new Error(`the file system takes no new folder in ${above}`)
    // Another process was faster.
    if (!hasCode(cause, "EEXIST")) throw cause
  }
}

/** Runs file operations; what they throw becomes `DataFolderUnusable`. */
export const attempt = <A>(folder: string, operation: () => A): Effect.Effect<A, DataFolderUnusable> =>
  Effect.try({ try: operation, catch: (cause) => new DataFolderUnusable({ folder, reason: reasonOf(cause) }) })

/** Makes renames and new files in a folder durable. */
export const syncFolder = (path: string): void => {
  const fd = openSync(path, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Replaces a file by one that only this user may read. Durable when it returns, whole at any moment. */
export const writeSecret = (path: string, text: string): void => {
  const next = `${path}.${process.pid}`
  const fd = openSync(next, "w", 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(next, path)
  syncFolder(dirname(path))
}

const Owner = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, identity: Schema.String }))
const decodeOwner = Schema.decodeUnknownOption(Owner)

/** Reads who owns a lock, if that process still lives. A lock that cannot be read belongs to nobody. */
const livingOwner = (text: string): Option.Option<number> =>
  decodeOwner(text).pipe(
    Option.filter(({ identity, pid }) => identityOf(pid) === identity),
    Option.map(({ pid }) => pid)
  )

/** Whether the system failed with this code. */
export const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code

/**
 * Takes the lock or tells who has it. A link appears whole or not at all, so nobody reads half a lock. A stale one is
 * moved away under a name of our own: if it was changed meanwhile, it goes back.
 */
const takeLock = (lock: string): Option.Option<number> => {
  const mine = `${lock}.${process.pid}`
  rmSync(mine, { force: true })
  writeSecret(mine, JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) ?? "" }))
  try {
    for (;;) {
      try {
        linkSync(mine, lock)
        return Option.none()
      } catch (cause) {
        if (!hasCode(cause, "EEXIST")) throw cause
      }
      const owner = readOwner(lock)
      if (Option.isSome(owner)) return owner
      const stale = `${mine}.stale`
      try {
        renameSync(lock, stale)
      } catch (cause) {
        if (!hasCode(cause, "ENOENT")) throw cause
        continue
      }
      const thief = readOwner(stale)
      if (Option.isSome(thief)) linkSync(stale, lock)
      rmSync(stale, { force: true })
      if (Option.isSome(thief)) return thief
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

const readOwner = (lock: string): Option.Option<number> => {
  try {
    return livingOwner(readFileSync(lock, "utf8"))
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return Option.none()
    throw cause
  }
}

/**
 * Makes the folder if need be and owns it for the scope; returns its real path. A lock whose owner died, however it
 * died, is taken over. Fails with `DataFolderInUse` while another process, or this one, owns it.
 */
export const ownDataFolder = (path: string): Effect.Effect<string, DataFolderUnusable | DataFolderInUse, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* attempt(path, () => {
      makeFolder(path)
      return realpathSync(path)
    })
    const lock = join(folder, "holon.lock")
    yield* Effect.acquireRelease(
      Effect.gen(function* () {
        const owner = yield* attempt(folder, () => takeLock(lock))
        if (Option.isSome(owner)) return yield* new DataFolderInUse({ folder, pid: owner.value })
      }),
      () => Effect.sync(() => rmSync(lock, { force: true }))
    )
    return folder
  })
