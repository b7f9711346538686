/** The list of images on a card: which are to be loaded, and in which order. */
import { Result, Schema } from "effect"
import { misfitOf, sentenceOf } from "../../../src/protocol/Misfit.ts"
import type { Refused } from "../../Refused.ts"
import { compareVersions } from "../../Versions.ts"
import { refusal } from "../ErrorCodes.ts"
import { type ListSyntax, readListText } from "./ListText.ts"

const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const Entry = Schema.Struct({
  /** From the folder of the list. */
  path: Schema.NonEmptyString,
  app_name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/))
  ),
  priority: Schema.optionalKey(Schema.Int),
  autostart: Schema.optionalKey(Schema.Boolean),
  required: Schema.optionalKey(Schema.Boolean),
  pid: Schema.optionalKey(natural),
  sha256: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[0-9a-fA-F]{64}$/))),
  crc32: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[0-9a-fA-F]{8}$/))),
  persist: Schema.optionalKey(Schema.Boolean),
  fallback: Schema.optionalKey(Schema.NonEmptyString),
  fram_manifest: Schema.optionalKey(Schema.NonEmptyString)
})

const Manifest = Schema.Struct({
  version: Schema.Literal(1),
  node: Schema.optionalKey(natural),
  image: Schema.Array(Entry)
})

const FramManifest = Schema.Array(
  Schema.Struct({ key: natural, mode: Schema.Literals(["load", "save", "loadsave"]), length: natural })
)

const decodeManifest = Schema.decodeUnknownResult(Manifest)
const decodeFramManifest = Schema.decodeUnknownResult(Schema.fromJsonString(FramManifest))

/** Where the list stands on a card; paths in it begin at its folder. JSON counts where both are there. */
export const sdListPaths = { json: "/hsx/manifest.json", toml: "/hsx/manifest.toml" } as const

/** One image of the list. */
export type SdEntry = typeof Entry.Type & {
  /** Path of the list on the card. */
  readonly list: string
  /** Its place in the list, from 0. */
  readonly index: number
}

/** What is to be loaded from a card. */
export interface SdPlan {
  /** In the order of loading. Empty when the list is for another node. */
  readonly entries: ReadonlyArray<SdEntry>
  readonly warnings: ReadonlyArray<string>
}

const priorityDefault = 0

const unknownKeys = (value: unknown, known: ReadonlyArray<string>, where: string): ReadonlyArray<string> =>
  typeof value === "object" && value !== null
    ? Object.keys(value)
        .filter((key) => !known.includes(key))
        .map((key) => `unknown_key:${where}${key}`)
    : []

const isList = (value: unknown): value is { readonly image: ReadonlyArray<unknown> } =>
  typeof value === "object" && value !== null && "image" in value && Array.isArray(value.image)

/** Of several images of one name only the newest stays; one without a version is the oldest. */
const newestOf = (entries: ReadonlyArray<SdEntry>): ReadonlyArray<SdEntry> =>
  entries.filter(
    (entry) =>
      entry.app_name === undefined ||
      !entries.some((other) => {
        if (other === entry || other.app_name !== entry.app_name) return false
        const difference = compareVersions(other.version ?? "0.0.0-0", entry.version ?? "0.0.0-0")
        return difference > 0 || (difference === 0 && other.index < entry.index)
      })
  )

/**
 * Reads a list for a board of this number. One wrong entry makes the whole list EBADMSG; the detail names the line that is no
 * JSON or TOML, or the key that does not fit. Both syntaxes give the same plan.
 */
export const readSdManifest = (
  text: string,
  node: number,
  syntax: ListSyntax = "json"
): Result.Result<SdPlan, Refused> => {
  const parsed = readListText(text, syntax)
  if (Result.isFailure(parsed)) {
    const { line, reason } = parsed.failure
    return Result.fail(refusal("EBADMSG", `manifest_${syntax}:line ${line}: ${reason}`))
  }
  const decoded = decodeManifest(parsed.success)
  if (Result.isFailure(decoded)) {
    return Result.fail(refusal("EBADMSG", `manifest_shape:${sentenceOf(misfitOf(decoded.failure))}`))
  }
  const warnings = [
    ...unknownKeys(parsed.success, Object.keys(Manifest.fields), ""),
    ...(isList(parsed.success)
      ? parsed.success.image.flatMap((entry, index) => unknownKeys(entry, Object.keys(Entry.fields), `${index}:`))
      : [])
  ]
  const { image } = decoded.success
  if (decoded.success.node !== undefined && decoded.success.node !== node) {
    return Result.succeed({ entries: [], warnings: [...warnings, `other_node:${decoded.success.node}`] })
  }
  const entries = newestOf(image.map((entry, index) => ({ ...entry, index, list: sdListPaths[syntax] })))
  return Result.succeed({
    // Sorting keeps equals in their order.
    entries: [...entries].sort(
      (left, right) => (right.priority ?? priorityDefault) - (left.priority ?? priorityDefault)
    ),
    warnings
  })
}

/** Persist keys that an image is expected to have; EBADMSG when the file is none. */
export const readFramManifest = (text: string): Result.Result<ReadonlyArray<number>, Refused> => {
  const decoded = decodeFramManifest(text)
  return Result.isSuccess(decoded)
    ? Result.succeed(decoded.success.map(({ key }) => key))
    : Result.fail(refusal("EBADMSG", "fram_manifest"))
}
