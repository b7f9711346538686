/**
 * The manifest of an image: what it is, what it needs of a board, and how it is to run there. It travels as deterministic
 * CBOR with numbered keys, which is what is signed; people read and write the same fields by name, as JSON.
 */
import { Result, Schema } from "effect"
import { faultOf } from "../Cbor.ts"
import { CborWriter } from "../CborWriter.ts"
import { codeEntry, codes } from "../Codes.ts"
import {
  boolean,
  type Kind,
  list,
  numberOrName,
  optional,
  required,
  share,
  text,
  u,
  u8,
  u32,
  unsigned
} from "../FrameFields.ts"
import { TwinMapSchema } from "../TwinSchema.ts"
import { indeterminacyOf } from "./Deterministic.ts"
import { ImageKind, imageKinds } from "./ImageKind.ts"
import type { ImageRefused } from "./ImageRefused.ts"
import { KeepingReader, openRecord, sha256Digits, texts, values, word } from "./ManifestFields.ts"

/** Bytes of a manifest as CBOR, so that on small boards an offer fits one frame. */
export const manifestBytesMax = 4096

/** UTF-8 bytes of an image's name: what an HXE header holds. */
const nameBytesMax = 31

/** Semantic version 2.0.0: `1.2.3`, `1.2.3-rc.1+build`. */
const versionPattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/

/** 1 to 31 bytes without control characters; the wire's limit is in bytes, which the codec checks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const namePattern = /^[^\u0000-\u001f\u007f]{1,31}$/

const U32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const U8 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xff }))
/** Milliseconds, or steps: an unsigned integer of the wire. */
const Whole = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const Texts = Schema.Record(Schema.String, Schema.String)

/** Fields that this version does not know, by number: their CBOR in hexadecimal digits. Kept, and otherwise ignored. */
const UnknownFields = Schema.Record(
  Schema.String.check(Schema.isPattern(/^(0|[1-9]\d*)$/)),
  Schema.String.check(Schema.isPattern(/^([0-9a-f]{2})+$/))
)
const unknown = Schema.optionalKey(UnknownFields)

/** What a board must have. */
const Requirements = Schema.Struct({
  /** Capabilities by name. */
  caps: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Bytes. */
  ram: Schema.optionalKey(U32),
  storage: Schema.optionalKey(U32),
  stack: Schema.optionalKey(U32),
  heap: Schema.optionalKey(U32),
  /** Board profiles; `*` stands for anything. */
  profiles: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Least version of the runtime that runs it. */
  runtime: Schema.optionalKey(Schema.String),
  /** Capability bits of an HXE header. */
  hxeCaps: Schema.optionalKey(U32),
  /** Firmware: the running version must be at least this, of the same major. */
  compat: Schema.optionalKey(Schema.String),
  unknown
})

/** What a program may use. */
const Limits = Schema.Struct({
  /** Steps a slice. */
  fuel: Schema.optionalKey(Whole),
  /** Run time, ms; 0 for no end. */
  time: Schema.optionalKey(Whole),
  /** Bytes. */
  memory: Schema.optionalKey(U32),
  /** Part of the processor, 0 to 1. */
  share: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  unknown
})

const restartPolicies = { never: 0, "on-failure": 1, always: 2, "unless-stopped": 3 } as const

/** When a program that has ended starts again. */
const Restart = Schema.Struct({
  policy: Schema.optionalKey(Schema.Literals(["never", "on-failure", "always", "unless-stopped"])),
  /** Restarts within the window; 3 when absent. */
  max: Schema.optionalKey(U8),
  /** Ms; 600,000 when absent. */
  window: Schema.optionalKey(Whole),
  /** Ms before the first restart, doubled each time up to a minute; 1000 when absent. */
  backoff: Schema.optionalKey(Whole),
  unknown
})

/** How a program starts. */
const Start = Schema.Struct({
  /** At every start of the board. */
  auto: Schema.optionalKey(Schema.Boolean),
  /** Whether several instances may run on one board. */
  multiple: Schema.optionalKey(Schema.Boolean),
  priority: Schema.optionalKey(U8),
  /** Whether the board's health depends on it. */
  required: Schema.optionalKey(Schema.Boolean),
  args: Schema.optionalKey(Schema.Array(Schema.String)),
  env: Schema.optionalKey(Texts),
  unknown
})

/** Another image that must be there first. */
const Dependency = Schema.Struct({
  name: Schema.String,
  /** Range of versions, as `^1.2`. */
  range: Schema.optionalKey(Schema.String),
  optional: Schema.optionalKey(Schema.Boolean),
  unknown
})

/** A manifest by names: its JSON form. */
export const Manifest = Schema.Struct({
  v: Schema.Literal(1),
  kind: ImageKind,
  /** Of the image's bytes, 64 lower-case hexadecimal digits. */
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  /** Bytes of the image. */
  size: U32,
  /** For HXE the same as in the header. */
  name: Schema.String.check(
    Schema.isPattern(namePattern, { expected: "1 to 31 characters without control characters" })
  ),
  version: Schema.String.check(Schema.isPattern(versionPattern, { expected: "a semantic version such as 1.2.3" })),
  /** Never below the highest that a board has accepted for this kind and name. */
  secver: U32,
  /** WASM: the export that starts it; firmware: the load address; nothing else has one. */
  entry: Schema.optionalKey(Schema.Union([Schema.String, U32])),
  requires: Schema.optionalKey(Requirements),
  limits: Schema.optionalKey(Limits),
  restart: Schema.optionalKey(Restart),
  start: Schema.optionalKey(Start),
  /** Values it starts with. */
  values: Schema.optionalKey(TwinMapSchema),
  /** Ms of health before a trial is confirmed; 30,000 when absent, firmware 60,000. */
  confirm: Schema.optionalKey(Whole),
  /** Description, author, license, commit, built, origin, and whatever else people want to know. */
  about: Schema.optionalKey(Texts),
  /** Ms since 1970. */
  created: Schema.optionalKey(Whole),
  depends: Schema.optionalKey(Schema.Array(Dependency)),
  unknown
})
/** See the schema. */
export type Manifest = typeof Manifest.Type

const words = list(text())

const requirements = openRecord<typeof Requirements.Type>({
  caps: optional(1, words),
  ram: optional(2, u32),
  storage: optional(3, u32),
  stack: optional(4, u32),
  heap: optional(5, u32),
  profiles: optional(6, words),
  runtime: optional(7, text()),
  hxeCaps: optional(8, u32),
  compat: optional(9, text())
})

const limits = openRecord<typeof Limits.Type>({
  fuel: optional(1, u),
  time: optional(2, u),
  memory: optional(3, u32),
  share: optional(4, share)
})

const restart = openRecord<typeof Restart.Type>({
  policy: optional(1, word(restartPolicies)),
  max: optional(2, u8),
  window: optional(3, u),
  backoff: optional(4, u)
})

const start = openRecord<typeof Start.Type>({
  auto: optional(1, boolean),
  multiple: optional(2, boolean),
  priority: optional(3, u8),
  required: optional(4, boolean),
  args: optional(5, words),
  env: optional(6, texts)
})

const dependency = openRecord<typeof Dependency.Type>({
  name: required(1, text()),
  range: optional(2, text()),
  optional: optional(3, boolean)
})

// A literal of the schema that the kind for numbers cannot name.
const version1 = unsigned(1, 1) as Kind<1>

const manifest = openRecord<Manifest>({
  v: required(1, version1),
  kind: required(2, word(imageKinds)),
  sha256: required(3, sha256Digits),
  size: required(4, u32),
  name: required(5, text(nameBytesMax, namePattern)),
  version: required(6, text(nameBytesMax * 4, versionPattern)),
  secver: required(7, u32),
  entry: optional(8, numberOrName(0xffff_ffff)),
  requires: optional(9, requirements),
  limits: optional(10, limits),
  restart: optional(11, restart),
  start: optional(12, start),
  values: optional(13, values),
  confirm: optional(14, u),
  about: optional(15, texts),
  created: optional(16, u),
  depends: optional(17, list(dependency))
})

const refused = (code: number, detail: string): Result.Result<never, ImageRefused> => Result.fail({ code, detail })

/**
 * Reads a manifest. Refused are more than {@link manifestBytesMax} bytes with `EMSGSIZE`, and with `EBADMSG` what is no
 * CBOR, not deterministic, or lacks or misuses a field. Never throws.
 */
export const decodeManifest = (bytes: Uint8Array): Result.Result<Manifest, ImageRefused> => {
  if (bytes.length > manifestBytesMax)
    return refused(codes.EMSGSIZE, `a manifest of ${bytes.length} bytes, the limit is ${manifestBytesMax}`)
  const fault = faultOf(bytes) ?? indeterminacyOf(bytes)
  if (fault !== undefined) return refused(codes.EBADMSG, `manifest: ${fault}`)
  const reader = new KeepingReader(bytes)
  const found = manifest.read(reader)
  if (found !== undefined) return Result.succeed(found)
  const path = ["manifest", ...(reader.path?.reverse() ?? [])].join(".")
  return refused(codes.EBADMSG, `${path}: ${reader.detail || codeEntry(reader.code).sentence}`)
}

const writer = new CborWriter()

/** Writes a manifest with its keys in order. Refused is what {@link decodeManifest} would refuse, and text that no UTF-8 can say. */
export const encodeManifest = (value: Manifest): Result.Result<Uint8Array, ImageRefused> =>
  Result.try({
    try: () => {
      writer.begin()
      manifest.write(writer, value)
      return writer.take()
    },
    catch: (cause): ImageRefused => ({ code: codes.EINVAL, detail: `manifest: ${String(cause)}` })
  }).pipe(Result.flatMap((bytes) => Result.map(decodeManifest(bytes), () => bytes)))
