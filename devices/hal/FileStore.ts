/** The store group on files: one file a key, for the owner alone. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { codes } from "../../src/protocol/Codes.ts"
import type { HalResult, Store } from "./Hal.ts"

const keyBytesMax = 256
const valueBytesMax = 65_536

/** Ending of a file that holds a value; one that is being written has another. */
const ending = ".dat"

const isErrno = (cause: unknown): cause is NodeJS.ErrnoException => cause instanceof Error && "code" in cause

/** A store in this folder, which is made when absent, mode 0700, its files 0600. Values lie there unencrypted. */
export const fileStore = (folder: string): Store => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const pathOf = (key: string): HalResult<string> => {
    const bytes = Buffer.from(key, "utf8")
    if (bytes.length === 0 || bytes.length > keyBytesMax) return { code: codes.EINVAL }
    // 256 bytes as base64url would pass the 255 bytes a file name may have.
    const name = bytes.toString("base64url")
    return name.length + ending.length > 255 ? { code: codes.EMSGSIZE } : { value: join(folder, `${name}${ending}`) }
  }
  const guarded = <A>(run: () => A): HalResult<A> => {
    try {
      return { value: run() }
    } catch (cause) {
      return { code: isErrno(cause) && cause.code === "ENOSPC" ? codes.ENOSPC : codes.EIO }
    }
  }
  return {
    get: (key) => {
      const path = pathOf(key)
      if ("code" in path) return path
      try {
        return { value: new Uint8Array(readFileSync(path.value)) }
      } catch (cause) {
        return isErrno(cause) && cause.code === "ENOENT" ? { value: undefined } : { code: codes.EIO }
      }
    },
    put: (key, value) => {
      const path = pathOf(key)
      if ("code" in path) return path
      if (value.length > valueBytesMax) return { code: codes.EMSGSIZE }
      return guarded(() => replaceFile(path.value, value))
    },
    delete: (key) => {
      const path = pathOf(key)
      if ("code" in path) return path
      try {
        rmSync(path.value)
        return { value: true }
      } catch (cause) {
        return isErrno(cause) && cause.code === "ENOENT" ? { value: false } : { code: codes.EIO }
      }
    },
    list: (prefix) =>
      guarded(() =>
        readdirSync(folder)
          .filter((name) => name.endsWith(ending))
          .map((name) => Buffer.from(name.slice(0, -ending.length), "base64url").toString("utf8"))
          .filter((key) => key.startsWith(prefix))
          .sort()
      )
  }
}

/** Writes beside, makes it durable, and only then takes the old one's place: a power cut leaves one of the two. */
export const replaceFile = (path: string, bytes: Uint8Array): void => {
  const beside = `${path}.new`
  const file = openSync(beside, "w", 0o600)
  try {
    writeFileSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(beside, path)
  syncFolder(dirname(path))
}

/** The name is part of the folder: without this a power cut could bring the old file back, after more was added to the new. */
const syncFolder = (path: string): void => {
  const folder = openSync(path, "r")
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
