/** The manifest trailer: what a program says of itself beyond the header, as JSON behind everything else. */
import { Result } from "effect"
import { tableEnd, viewOf } from "./Header.ts"
import {
  type FramKey,
  type HxeHeader,
  type HxeManifest,
  type HxeSection,
  type Json,
  type JsonObject,
  manifestBytesMax
} from "./Hxe.ts"
import { asObject, readJson, writeJson } from "./JsonText.ts"

/** Bytes of the length in front of a manifest. */
const lengthBytes = 4

/** Where a manifest begins: behind rodata, table and every section. */
export const manifestOffset = (header: HxeHeader, sections: ReadonlyArray<HxeSection>): number =>
  sections.reduce((end, { offset, size }) => Math.max(end, offset + size), tableEnd(header))

const isText = (value: Json): value is string => typeof value === "string"
const isNatural = (value: Json | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** Of the specification of semantic versions, 2.0.0, in its own words. */
const semanticVersion =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/
const oid = /^(\d{1,3}):(\d{1,3})$/

const asVersion = (value: Json): string | undefined =>
  isText(value) && semanticVersion.test(value) ? value : undefined
const asNatural = (value: Json): number | undefined => (isNatural(value) ? value : undefined)
const asTexts = (value: Json): ReadonlyArray<string> | undefined =>
  Array.isArray(value) && value.every(isText) ? value : undefined

const isOid = (text: string): boolean => {
  const parts = oid.exec(text)
  return parts !== null && Number(parts[1]) <= 0xff && Number(parts[2]) <= 0xff
}

const asDefaults = (value: Json): { readonly [oid: string]: number } | undefined => {
  const defaults = asObject(value)
  if (defaults === undefined) return undefined
  const entries: Array<readonly [string, number]> = []
  for (const [key, number] of Object.entries(defaults)) {
    if (!isOid(key) || typeof number !== "number") return undefined
    entries.push([key, number])
  }
  return Object.fromEntries(entries)
}

const asFramKey = (value: Json): FramKey | undefined => {
  const { key, mode, length, crc } = asObject(value) ?? {}
  if (!isNatural(key) || !isNatural(length)) return undefined
  if (mode !== "load" && mode !== "save" && mode !== "loadsave") return undefined
  if (crc !== undefined && !isNatural(crc)) return undefined
  return { key, mode, length, crc }
}

const asFramKeys = (value: Json): ReadonlyArray<FramKey> | undefined => {
  if (!Array.isArray(value)) return undefined
  const keys: Array<FramKey> = []
  for (const item of value) {
    const key = asFramKey(item)
    if (key === undefined) return undefined
    keys.push(key)
  }
  return keys
}

/** Reads a manifest's document, or names the field that does not fit. Keys nobody knows are ignored. */
const manifestOf = (document: JsonObject): Result.Result<HxeManifest, string> => {
  let misfit: string | undefined
  const field = <A>(key: string, read: (value: Json) => A | undefined): A | undefined => {
    const value = Object.hasOwn(document, key) ? document[key] : undefined
    if (value === undefined || value === null) return undefined
    const found = read(value)
    if (found === undefined) misfit ??= key
    return found
  }
  const manifest: HxeManifest = {
    pid: field("pid", asNatural),
    imageName: field("image_name", (value) => (isText(value) ? value : undefined)),
    version: field("version", asVersion),
    requiredCaps: field("required_caps", asNatural),
    stackSizeBytes: field("stack_size_bytes", asNatural),
    heapSizeBytes: field("heap_size_bytes", asNatural),
    persistKeyBase: field("persist_key_base", asNatural),
    defaults: field("defaults", asDefaults),
    framKeys: field("fram_keys", asFramKeys),
    mailboxes: field("mailboxes", asTexts)
  }
  return misfit === undefined ? Result.succeed(manifest) : Result.fail(`manifest_field:${misfit}`)
}

/** Reads the manifest at the head of these bytes, which are the rest of the file, or names what is wrong with it. */
export const readManifest = (rest: Uint8Array): Result.Result<HxeManifest, string> => {
  if (rest.length < lengthBytes) return Result.fail("manifest_bounds")
  const size = viewOf(rest).getUint32(0)
  if (size > rest.length - lengthBytes) return Result.fail("manifest_bounds")
  if (size > manifestBytesMax) return Result.fail("manifest_too_large")
  const document = asObject(readJson(rest.subarray(lengthBytes, lengthBytes + size)))
  return document === undefined ? Result.fail("manifest_json") : manifestOf(document)
}

/** A manifest's bytes with its length in front. Throws `RangeError` when it is larger than a reader takes. */
export const writeManifest = (manifest: HxeManifest): Uint8Array => {
  const fields: Readonly<Record<string, Json | undefined>> = {
    pid: manifest.pid,
    image_name: manifest.imageName,
    version: manifest.version,
    required_caps: manifest.requiredCaps,
    stack_size_bytes: manifest.stackSizeBytes,
    heap_size_bytes: manifest.heapSizeBytes,
    persist_key_base: manifest.persistKeyBase,
    defaults: manifest.defaults,
    fram_keys: manifest.framKeys?.map(({ key, mode, length, crc }) =>
      crc === undefined ? { key, mode, length } : { key, mode, length, crc }
    ),
    mailboxes: manifest.mailboxes
  }
  const document: Record<string, Json> = {}
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) document[key] = value
  const text = writeJson(document)
  if (text.length > manifestBytesMax)
    throw new RangeError(`a manifest of ${text.length} bytes, the limit is ${manifestBytesMax}`)
  const bytes = new Uint8Array(lengthBytes + text.length)
  viewOf(bytes).setUint32(0, text.length)
  bytes.set(text, lengthBytes)
  return bytes
}
