/** Images from a card: a folder with a list of what to load, in JSON or in TOML. */
import { posix } from "node:path"
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import type { Refused } from "../../Refused.ts"
import { refusal, refusalName } from "../ErrorCodes.ts"
import type { ServiceClock } from "../EventHub.ts"
import type { Loader } from "../Loader.ts"
import type { Caller, EndReply, LoadRequest } from "../LoaderCalls.ts"
import { source } from "../Source.ts"
import type { EndAnswer } from "../Transfers.ts"
import { fileTransport } from "./File.ts"
import type { ListSyntax } from "./ListText.ts"
import { fetchWhole, type PullRetries, pullRetries } from "./PullLoad.ts"
import { readFramManifest, readSdManifest, type SdEntry, type SdPlan, sdListPaths } from "./SdManifest.ts"
import type { PullTransport } from "./Transport.ts"

/** A mounted card. */
export const sdTransport = (mount: string): PullTransport => {
  const files = fileTransport(mount)
  return { ...files, info: { ...files.info, kind: "sd" } }
}

/** What is needed to load from a card. */
export interface SdParts {
  readonly loader: Loader
  readonly transport: PullTransport
  readonly clock: ServiceClock
  readonly retries?: PullRetries
}

/** How it went for one entry. */
export interface SdReport {
  readonly entry: SdEntry
  /** The path that was loaded, or tried last. */
  readonly path: string
  readonly result: Result.Result<EndReply, Refused>
  readonly warnings: ReadonlyArray<string>
}

/** How it went for a card. */
export interface SdOutcome {
  readonly reports: ReadonlyArray<SdReport>
  readonly warnings: ReadonlyArray<string>
  /** No entry that is required has failed. */
  readonly isUsable: boolean
}

const folder = posix.dirname(sdListPaths.json)

const fetchText = (
  { retries = pullRetries, ...parts }: SdParts,
  path: string,
  done: (text: Result.Result<string, Refused>) => void
): void =>
  fetchWhole(parts, path, (bytes) => done(Result.map(bytes, (read) => Buffer.from(read).toString("utf8"))), retries)

/** Reads the list. ENOENT without one, EBADMSG for one that is wrong. One in TOML is looked for where there is none in JSON. */
export const readSdPlan = (
  parts: SdParts,
  node: number,
  done: (plan: Result.Result<SdPlan, Refused>) => void
): void => {
  const read = (syntax: ListSyntax, otherwise: (refused: Refused) => void): void =>
    fetchText(parts, sdListPaths[syntax], (text) =>
      Result.isFailure(text) ? otherwise(text.failure) : done(readSdManifest(text.success, node, syntax))
    )
  const refuse = (refused: Refused): void => done(Result.fail(refused))
  read("json", (refused) => (refused.code === codes.ENOENT ? read("toml", refuse) : refuse(refused)))
}

const requestOf = (entry: SdEntry, path: string): Omit<LoadRequest, "bytes"> => ({
  source: source.sd(entry.list, entry.index, path),
  mode: "boot",
  label: path,
  ...(entry.app_name === undefined ? {} : { appName: entry.app_name }),
  ...(entry.pid === undefined ? {} : { pidHint: entry.pid }),
  ...(entry.autostart === undefined ? {} : { autostart: entry.autostart }),
  ...(entry.persist === undefined ? {} : { persist: entry.persist }),
  // The hashes are those of the first choice, not of what stands in for it.
  ...(entry.sha256 === undefined || path !== entry.path ? {} : { sha256: Buffer.from(entry.sha256, "hex") }),
  ...(entry.crc32 === undefined || path !== entry.path ? {} : { fileCrc32: Number.parseInt(entry.crc32, 16) })
})

/** Keys the entry expects of the image that it has not. */
const missingKeys = (bytes: Uint8Array, keys: ReadonlyArray<number>): ReadonlyArray<number> => {
  const read = readHxe(bytes)
  if (Result.isFailure(read)) return []
  const declared = new Set(read.success.metadata.values.map(({ persistKey }) => persistKey))
  return keys.filter((key) => !declared.has(key))
}

const loadPath = (
  parts: SdParts,
  entry: SdEntry,
  path: string,
  keys: ReadonlyArray<number>,
  more: Partial<LoadRequest>,
  caller: Caller,
  done: (result: Result.Result<EndReply, Refused>, warnings: ReadonlyArray<string>) => void
): void => {
  const { retries = pullRetries, ...rest } = parts
  // Joining would resolve dots before they are looked at.
  fetchWhole(
    rest,
    `${folder}/${path}`,
    (bytes) => {
      if (Result.isFailure(bytes)) return done(Result.fail(bytes.failure), [])
      const missing = missingKeys(bytes.success, keys)
      if (missing.length > 0 && entry.required === true) {
        return done(Result.fail(refusal("EBADMSG", `fram_key:${missing.join(",")}`)), [])
      }
      parts.loader.load({ ...requestOf(entry, path), ...more, bytes: bytes.success }, caller, (result) =>
        done(
          result,
          missing.map((key) => `fram_key:${key}`)
        )
      )
    },
    retries
  )
}

const keysOf = (
  parts: SdParts,
  entry: SdEntry,
  done: (keys: Result.Result<ReadonlyArray<number>, Refused>) => void
): void => {
  if (entry.fram_manifest === undefined) return done(Result.succeed([]))
  fetchText(parts, `${folder}/${entry.fram_manifest}`, (text) =>
    done(Result.isSuccess(text) ? readFramManifest(text.success) : Result.fail(text.failure))
  )
}

/** Loads an entry from one of its paths, once; `more` is said over what the entry says. */
export const loadSdPath = (
  parts: SdParts,
  entry: SdEntry,
  path: string,
  more: Partial<LoadRequest>,
  caller: Caller,
  done: EndAnswer
): void =>
  keysOf(parts, entry, (keys) =>
    Result.isFailure(keys)
      ? done(Result.fail(keys.failure))
      : loadPath(parts, entry, path, keys.success, more, caller, done)
  )

/** Loads one entry, and what stands in for it when it fails; tells each attempt. */
const loadEntry = (parts: SdParts, entry: SdEntry, caller: Caller, done: (report: SdReport) => void): void =>
  keysOf(parts, entry, (keys) => {
    if (Result.isFailure(keys))
      return done({ entry, path: entry.path, result: Result.fail(keys.failure), warnings: [] })
    const attempt = (path: string, number: number): void =>
      loadPath(parts, entry, path, keys.success, {}, caller, (result, warnings) => {
        parts.loader.tell({
          type: "provisioning.boot",
          pid: Result.isSuccess(result) ? result.success.pid : null,
          data: {
            xfer: Result.isSuccess(result) ? result.success.xfer : 0,
            phase: "boot",
            source: source.sd(entry.list, entry.index, path),
            app_name: entry.app_name ?? null,
            entry: entry.app_name ?? entry.path,
            result: Result.isSuccess(result) ? "OK" : refusalName(result.failure.code),
            attempt: number
          }
        })
        if (Result.isFailure(result) && number === 1 && entry.fallback !== undefined) return attempt(entry.fallback, 2)
        done({ entry, path, result, warnings })
      })
    attempt(entry.path, 1)
  })

/** Loads a plan, one entry after another. */
export const loadSdPlan = (parts: SdParts, plan: SdPlan, caller: Caller, done: (outcome: SdOutcome) => void): void => {
  const reports: Array<SdReport> = []
  const next = (index: number): void => {
    const entry = plan.entries[index]
    if (entry === undefined) {
      const isUsable = reports.every(({ entry: { required }, result }) => required !== true || Result.isSuccess(result))
      return done({ reports, warnings: plan.warnings, isUsable })
    }
    loadEntry(parts, entry, caller, (report) => {
      reports.push(report)
      next(index + 1)
    })
  }
  next(0)
}
