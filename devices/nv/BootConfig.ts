/** The boot configuration file: what a board on a computer starts, from where and in which order. JSON. */
import { Result, Schema } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type Refused, refuse } from "../Refused.ts"

/** Places a list of programs may come from. The names stand in files: they are for ever. */
export const bootPlaces = ["host", "sd", "can", "nv"] as const

/** One of them. */
export type BootPlace = (typeof bootPlaces)[number]

/** What carries an image. */
const entryCarriers = ["file", "can", "sd", "uart", "rpc", "nv"] as const

/** One of them. */
export type EntryCarrier = (typeof entryCarriers)[number]

const count = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Entry = Schema.Struct({
  name: Schema.NonEmptyString.check(Schema.isMaxLength(31)),
  source: Schema.optionalKey(Schema.Literals(entryCarriers)),
  path: Schema.optionalKey(Schema.NonEmptyString),
  priority: Schema.optionalKey(count(255)),
  autostart: Schema.optionalKey(Schema.Boolean),
  required: Schema.optionalKey(Schema.Boolean),
  retries: Schema.optionalKey(count(255)),
  fallback: Schema.optionalKey(Schema.NonEmptyString),
  persist: Schema.optionalKey(Schema.Boolean),
  pid: Schema.optionalKey(count(0xffff))
})

const File = Schema.Struct({
  version: Schema.Literal(1),
  sources: Schema.optionalKey(Schema.Array(Schema.Literals(bootPlaces))),
  merge: Schema.optionalKey(Schema.Boolean),
  can_listen_ms: Schema.optionalKey(count(600_000)),
  confirm_timeout_s: Schema.optionalKey(count(0xffff)),
  max_boot_failures: Schema.optionalKey(count(255).check(Schema.isGreaterThan(0))),
  entries: Schema.optionalKey(Schema.Array(Entry))
})

/** One program to start. */
export interface BootEntry {
  readonly name: string
  /** Who listed it. */
  readonly place: BootPlace
  readonly carrier: EntryCarrier
  /** Where its carrier finds it; undefined in a store, where the name does. */
  readonly path: string | undefined
  /** Higher ones first; among equals, as listed. */
  readonly priority: number
  readonly autostart: boolean
  /** Without it the start has failed. */
  readonly required: boolean
  /** Further attempts after one that failed. */
  readonly retries: number
  /** Taken when all attempts failed. */
  readonly fallback: string | undefined
  /** Kept in the store after a good load. */
  readonly persist: boolean
  /** 0 for any. */
  readonly pidHint: number
}

/** What the file says. Undefined is left to the configuration in the store. */
export interface BootConfig {
  /** Enabled places, the first one first. */
  readonly places: ReadonlyArray<BootPlace> | undefined
  /** Lists of all places count, the first one to name a program wins; else the first list does. */
  readonly merge: boolean
  /** How long a list may take to come. */
  readonly listenMillis: number
  readonly confirmSeconds: number | undefined
  readonly bootFailuresMax: number | undefined
  readonly entries: ReadonlyArray<BootEntry>
}

/** What holds without a file. */
export const defaultBootConfig: BootConfig = {
  places: undefined,
  merge: false,
  listenMillis: 2000,
  confirmSeconds: undefined,
  bootFailuresMax: undefined,
  entries: []
}

const decodeFile = Schema.decodeUnknownResult(Schema.fromJsonString(File))

/** Reads the text of the file. EBADMSG when it is no JSON or says what no file may say. Keys nobody knows are left out. */
export const readBootConfig = (text: string): Result.Result<BootConfig, Refused> => {
  const decoded = decodeFile(text)
  if (Result.isFailure(decoded)) return refuse(codes.EBADMSG, `boot_config: ${String(decoded.failure)}`)
  const { success: file } = decoded
  const names = (file.entries ?? []).map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return refuse(codes.EBADMSG, `boot_config: ${twice} stands there twice`)
  return Result.succeed({
    places: file.sources,
    merge: file.merge ?? defaultBootConfig.merge,
    listenMillis: file.can_listen_ms ?? defaultBootConfig.listenMillis,
    confirmSeconds: file.confirm_timeout_s,
    bootFailuresMax: file.max_boot_failures,
    entries: (file.entries ?? []).map((entry) => ({
      name: entry.name,
      place: "host",
      carrier: entry.source ?? "file",
      path: entry.path,
      priority: entry.priority ?? 0,
      autostart: entry.autostart ?? true,
      required: entry.required ?? false,
      retries: entry.retries ?? 0,
      fallback: entry.fallback,
      persist: entry.persist ?? false,
      pidHint: entry.pid ?? 0
    }))
  })
}
