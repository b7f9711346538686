/** Images from files below one folder. What lies outside cannot be named, not by `..` and not by a link. */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs"
import { isAbsolute, resolve, sep } from "node:path"
import { Result } from "effect"
import type { Refused } from "../../Refused.ts"
import { refusal } from "../ErrorCodes.ts"
import type { PullHandle, PullTransport } from "./Transport.ts"

/** Bytes read at once. */
const chunkBytesMax = 4096

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")

/** What the operating system says, as a refusal. */
const fault = (cause: unknown): Refused =>
  isMissing(cause)
    ? refusal("ENOENT", "file")
    : refusal("EIO", cause instanceof Error && "code" in cause ? `${cause.code}` : "file")

/** The file itself, behind all links. EPERM when it lies outside. */
const insideOf = (root: string, path: string): Result.Result<string, Refused> => {
  // Refused before it is resolved, so that the answer tells nothing of what lies outside.
  if (path.split(/[/\\]/).includes("..") || path.includes("\0")) return Result.fail(refusal("EPERM", "path"))
  try {
    const folder = realpathSync(root)
    const relative = isAbsolute(path) ? `.${path}` : path
    const file = realpathSync(resolve(folder, relative))
    return file.startsWith(folder.endsWith(sep) ? folder : folder + sep)
      ? Result.succeed(file)
      : Result.fail(refusal("EPERM", "path"))
  } catch (cause) {
    return Result.fail(fault(cause))
  }
}

const openInside = (root: string, path: string): Result.Result<PullHandle, Refused> => {
  const inside = insideOf(root, path)
  if (Result.isFailure(inside)) return Result.fail(inside.failure)
  try {
    const file = openSync(inside.success, "r")
    const stat = fstatSync(file)
    if (!stat.isFile()) {
      closeSync(file)
      return Result.fail(refusal("ENOENT", "no_file"))
    }
    return Result.succeed({
      totalBytes: stat.size,
      read: (bytesMax) => {
        try {
          const bytes = new Uint8Array(bytesMax)
          return Result.succeed(bytes.subarray(0, readSync(file, bytes)))
        } catch (cause) {
          return Result.fail(fault(cause))
        }
      },
      close: () => closeSync(file)
    })
  } catch (cause) {
    return Result.fail(fault(cause))
  }
}

/** Files below `root`; a path that begins with a slash begins there, too. */
export const fileTransport = (root: string): PullTransport => ({
  mode: "pull",
  info: { kind: "file", mtu: chunkBytesMax, chunkBytesMax, isOrdered: true, isBroadcast: false },
  open: (uri) => openInside(root, uri)
})
