/** `holon image push`, `ls`, `show`, `rm` and `sign`: the images of the cluster. */
import { createReadStream } from "node:fs"
import { hostname } from "node:os"
import { resolve } from "node:path"
import { Clock, Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ImageLine, PushedView } from "../../gateways/http/ImageLibrary.ts"
import { ImageKind } from "../../protocol/image/ImageKind.ts"
import type { Manifest } from "../../protocol/image/Manifest.ts"
import { signManifest } from "../../protocol/image/SignedManifest.ts"
import { keyIdText, rawPublicKey } from "../../protocol/image/SigningKey.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { connection } from "../Globals.ts"
import { imageClient } from "../ImageClient.ts"
import {
  composeManifest,
  FileUnusable,
  type ImageFile,
  lookAt,
  manifestBytes,
  readManifestFile,
  readSigningKey,
  type Said
} from "../ImageFile.ts"
import { named, reference, short } from "../ImageNames.ts"
import { lineCount, wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { bar, makeProgress, size } from "../Progress.ts"
import { ago, table } from "../Table.ts"
import { signInside } from "./ImageSignInside.ts"

const key = Flag.String("key").pipe(
  Flag.withDescription("File of the Ed25519 private key, PEM, that signs the manifest"),
  Flag.optional
)
const version = Flag.String("version").pipe(Flag.withDescription("Version, as 1.2.3"), Flag.optional)
const secver = wholeNumber("secver", 0, 0xffff_ffff).pipe(
  Flag.withDescription("Security version: no board goes back below the highest it has taken"),
  Flag.optional
)

// ------------------------------------------------------------------------------------------------------------------ push

/** The manifest that goes with the bytes; nothing when the node shall make one of them. */
const manifestFor = Effect.fnUntraced(function* (
  file: ImageFile,
  said: Said,
  manifest: Option.Option<string>,
  keyFile: Option.Option<string>
) {
  const created = yield* Clock.currentTimeMillis
  const given = Option.isSome(manifest) ? yield* readManifestFile(manifest.value) : undefined
  const signWith = Option.isSome(keyFile) ? yield* readSigningKey(keyFile.value) : undefined
  const payload =
    given?._tag === "Travelling"
      ? given.travelling.payload
      : yield* manifestBytes(yield* composeManifest(file, said, given?.fields ?? {}, created))
  if (signWith !== undefined) return signManifest(payload, signWith)
  return given?._tag === "Travelling" ? given.bytes : payload
})

/** The file as a stream that says how far it was read. */
const bodyOf = (path: string, advance: (bytes: number) => void): ReadableStream<Uint8Array> =>
  ReadableStream.from(
    (async function* () {
      for await (const part of createReadStream(path)) {
        const bytes = new Uint8Array(Buffer.from(part))
        yield bytes
        advance(bytes.length)
      }
    })()
  )

export const push = Command.make(
  "push",
  {
    ...connection,
    file: Argument.String("file").pipe(Argument.withDescription("Image, as lamp.hxe")),
    manifest: Flag.String("manifest").pipe(
      Flag.withDescription("Its manifest: JSON, which may leave out what the image says itself, or a signed one"),
      Flag.optional
    ),
    key,
    kind: Flag.Literals("kind", ImageKind.literals).pipe(
      Flag.withDescription("Default: as the first bytes say, for HXE and WASM"),
      Flag.optional
    ),
    name: Flag.String("name").pipe(Flag.withDescription("Default: that of the HXE header"), Flag.optional),
    version,
    secver
  },
  Effect.fn(function* (flags) {
    const client = yield* imageClient(flags)
    const file = yield* lookAt(flags.file)
    const said: Said = {
      kind: Option.getOrUndefined(flags.kind),
      name: Option.getOrUndefined(flags.name),
      version: Option.getOrUndefined(flags.version),
      secver: Option.getOrUndefined(flags.secver)
    }
    const manifest = yield* manifestFor(file, said, flags.manifest, flags.key)
    const query = new URLSearchParams({
      sha256: file.sha256,
      origin: `${hostname()}:${resolve(flags.file)}`.slice(-1024)
    })
    const progress = makeProgress(flags.json || file.size < progressBytesMin)
    const runFork = Effect.runForkWith(yield* Effect.context())
    let sent = 0
    const body = bodyOf(flags.file, (bytes) => {
      sent += bytes
      runFork(progress.draw(`${flags.file} ${bar(sent / file.size)} ${size(sent)} of ${size(file.size)}`))
    })
    const pushed = yield* client.push(body, query, manifest).pipe(
      Effect.catchTag("TooLarge", ({ limit }) =>
        Effect.fail(
          new FileUnusable({
            path: flags.file,
            reason: `its ${size(file.size)} are more than the ${size(limit)} that the cluster takes; images.bytesMax of cluster.config.ts sets that`
          })
        )
      ),
      Effect.ensuring(progress.finish)
    )
    const signed = pushed.signer === undefined ? "unsigned" : `signed by ${short(pushed.signer)}`
    yield* print(flags, pushed, () =>
      [
        `${named(pushed)}: ${size(pushed.size)}, ${pushed.kind}, ${signed}${before(pushed)}`,
        `sha256 ${pushed.sha256}`
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Put an image into the library of the cluster"),
  examples(["blink.hxe --version 1.2.0"], ["blink.hxe --key ada.pem", "Signed; boards that trust that key take it"])
)

/** What the same bytes were before. */
const before = ({ isNew, renamedFrom }: PushedView): string => {
  if (isNew) return ""
  if (renamedFrom === undefined) return "; its bytes were there before"
  return `; renamed: its bytes were there before as ${renamedFrom}, and go by that name no longer`
}

/** A smaller image is there before anybody has looked. */
const progressBytesMin = 1_048_576

// ------------------------------------------------------------------------------------------------------------------ look

const pageSize = 200

export const ls = Command.make(
  "ls",
  { ...connection, limit: lineCount("limit").pipe(usually("At most this many", 1000)) },
  Effect.fn(function* (flags) {
    const client = yield* imageClient(flags)
    const found: Array<ImageLine> = []
    let after: string | undefined
    do {
      const page = yield* client.list(Math.min(pageSize, flags.limit - found.length), after)
      found.push(...page.images)
      after = page.next
    } while (after !== undefined && found.length < flags.limit)
    const now = yield* Clock.currentTimeMillis
    const rows = found.map(({ sha256, kind, name, version, size: bytes, signer, pushedAt, pushedBy }) => [
      short(sha256),
      kind,
      name,
      version,
      bytes,
      signer === undefined ? "unsigned" : short(signer),
      `${ago(now - pushedAt)} ago`,
      pushedBy
    ])
    yield* print(flags, found, () =>
      found.length === 0
        ? "no images yet"
        : table(["sha256", "kind", "name", "version", "bytes", "signer", "pushed", "by"], rows)
    )
  })
).pipe(Command.withDescription("List the images of the cluster"), examples([""]))

export const show = Command.make(
  "show",
  { ...connection, image: reference },
  Effect.fn(function* (flags) {
    const client = yield* imageClient(flags)
    yield* Console.log(JSON.stringify(yield* client.show(flags.image), null, 2))
  })
).pipe(Command.withDescription("Show one image: manifest, signature, origin and users"), examples(["blink@1.2.0"]))

export const rm = Command.make(
  "rm",
  { ...connection, image: reference },
  Effect.fn(function* (flags) {
    const client = yield* imageClient(flags)
    const removed = yield* client.remove(flags.image)
    yield* print(flags, { removed }, () => `${named(removed)} is removed`)
  })
).pipe(Command.withDescription("Remove an image that nobody uses"), examples(["blink@1.2.0"]))

// ------------------------------------------------------------------------------------------------------------------ sign

export const sign = Command.make(
  "sign",
  {
    ...connection,
    image: reference,
    key: Flag.String("key").pipe(Flag.withDescription("File of the Ed25519 private key, PEM")),
    version,
    secver,
    inside: Flag.Boolean("inside").pipe(
      Flag.withDescription(
        "Sign in the bytes of an HXE file of this machine: a card, a bus or a line carries no manifest beside them"
      ),
      Flag.withDefault(false)
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("With --inside: where the signed image goes (default: in place of the file)"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    if (flags.inside) return yield* signInside(flags)
    const signWith = yield* readSigningKey(flags.key)
    const client = yield* imageClient(flags)
    const { sha256, manifest } = yield* client.show(flags.image)
    const changed: Manifest = {
      ...manifest,
      ...(Option.isSome(flags.version) && { version: flags.version.value }),
      ...(Option.isSome(flags.secver) && { secver: flags.secver.value })
    }
    const signed = yield* client.sign(sha256, signManifest(yield* manifestBytes(changed), signWith))
    yield* print(flags, signed, () => `${named(signed)} is signed by ${short(keyIdText(rawPublicKey(signWith)))}`)
  })
).pipe(
  Command.withDescription("Sign the manifest of an image, or a file inside; a signature that it had is replaced"),
  examples(
    ["blink@1.2.0 --key ada.pem"],
    ["blink.hxe --inside --key ada.pem --secver 2", "For boards on a bus or a line, and for cards"]
  )
)
