/** `holon image build`, `disasm` and `run`: programs as files of this machine, without a cluster. */
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { build as buildImage } from "../../../devices/hxe/assembler/Build.ts"
import { diagnosticLine } from "../../../devices/hxe/assembler/Diagnostic.ts"
import { disassemble } from "../../../devices/hxe/assembler/Disassembler.ts"
import type { Include } from "../../../devices/hxe/assembler/Source.ts"
import type { HxeImage } from "../../protocol/hxe/Hxe.ts"
import { readHxe } from "../../protocol/hxe/HxeReader.ts"
import { json } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"

/** A file cannot be read or written. */
export class ProgramFileUnusable extends Schema.TaggedError<ProgramFileUnusable>()("ProgramFileUnusable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.reason}`
  }
}

/** Sources are not a program. What is wrong with them was printed. */
export class SourcesFaulty extends Schema.TaggedError<SourcesFaulty>()("SourcesFaulty", { faults: Schema.Int }) {
  override get message() {
    return `${this.faults === 1 ? "one fault" : `${this.faults} faults`}; no image was written`
  }
}

/** The image would overwrite one of its sources. */
export class SourceWouldBeLost extends Schema.TaggedError<SourceWouldBeLost>()("SourceWouldBeLost", {
  file: Schema.String
}) {
  override get message() {
    return `${this.file} is a source; name another file with --out`
  }
}

/** A file is no image that a board would take. */
export class ImageFileRefused extends Schema.TaggedError<ImageFileRefused>()("ImageFileRefused", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} is not a sound image: ${this.detail}`
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "is a folder",
  EACCES: "access is denied"
}

const unusable = (file: string, cause: unknown): ProgramFileUnusable => {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new ProgramFileUnusable({ file, reason })
}

const readBytes = (file: string) =>
  Effect.try({ try: () => readFileSync(file), catch: (cause) => unusable(file, cause) })

const writeBytes = (file: string, bytes: Uint8Array) =>
  Effect.try({ try: () => writeFileSync(file, bytes), catch: (cause) => unusable(file, cause) })

/** Names are meant from the folder of the file that includes. */
const include: Include = (name, from) => {
  const file = isAbsolute(name) ? name : join(dirname(from), name)
  try {
    return { file, text: readFileSync(file, "utf8") }
  } catch {
    return undefined
  }
}

const stem = (file: string): string => basename(file, extname(file))

const readImage = Effect.fnUntraced(function* (file: string, strict: boolean) {
  const read = readHxe(yield* readBytes(file), { strict })
  if (Result.isFailure(read)) return yield* new ImageFileRefused({ file, detail: read.failure.detail })
  return read.success
})

/** What people want to know of an image. */
const factsOf = ({ header, code, rodata, metadata }: HxeImage) => ({
  name: header.appName ?? null,
  code: code.length,
  data: rodata.length,
  values: metadata.values.length,
  commands: metadata.commands.length,
  mailboxes: metadata.mailboxes.length
})

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

/** `holon image build`: sources to an image. */
export const build = Command.make(
  "build",
  {
    files: Argument.String("file").pipe(
      Argument.withDescription("Sources (.mvasm), linked in this order"),
      Argument.variadic({ min: 1 })
    ),
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withDescription("File to write (default: as the first source, with .hxe, in this folder)"),
      Flag.optional
    ),
    name: Flag.String("name").pipe(
      Flag.withDescription("Name of the program, at most 31 letters (default: as the file)"),
      Flag.optional
    ),
    singleInstance: Flag.Boolean("single-instance").pipe(
      Flag.withDescription("A board runs it once at a time"),
      Flag.withDefault(false)
    ),
    capabilities: wholeNumber("capabilities", 0, 0xffff).pipe(
      Flag.withDescription("What it needs of a board, as the bits of the image's header"),
      Flag.withDefault(0)
    ),
    json
  },
  Effect.fn(function* (flags) {
    const [first = ""] = flags.files
    const out = Option.getOrElse(flags.out, () => `${stem(first)}.hxe`)
    if (flags.files.some((file) => resolve(file) === resolve(out))) return yield* new SourceWouldBeLost({ file: out })
    const sources = yield* Effect.forEach(flags.files, (file) =>
      Effect.map(readBytes(file), (bytes) => ({ file, text: bytes.toString("utf8") }))
    )
    const built = buildImage(sources, include, {
      name: Option.getOrElse(flags.name, () => stem(out)),
      allowsMultiple: !flags.singleInstance,
      requiredCaps: flags.capabilities
    })
    if (Result.isFailure(built)) {
      const faults = built.failure
      if (flags.json) yield* Console.log(JSON.stringify({ faults }, null, 2))
      else yield* Console.error(faults.map(diagnosticLine).join("\n"))
      return yield* new SourcesFaulty({ faults: faults.length })
    }
    const bytes = built.success
    // What boards would refuse is refused here first.
    const read = readHxe(bytes)
    if (Result.isFailure(read)) return yield* new ImageFileRefused({ file: out, detail: read.failure.detail })
    yield* writeBytes(out, bytes)
    const facts = factsOf(read.success)
    const sha256 = createHash("sha256").update(bytes).digest("hex")
    if (flags.json)
      return yield* Console.log(JSON.stringify({ file: out, bytes: bytes.length, sha256, ...facts }, null, 2))
    const { code, data, values, commands, mailboxes } = facts
    const declared = [
      counted(values, "value", "values"),
      counted(commands, "command", "commands"),
      counted(mailboxes, "mailbox", "mailboxes")
    ]
    yield* Console.log(
      `${out}: ${bytes.length} bytes (code ${code}, data ${data}), ${declared.join(", ")}\nsha256 ${sha256}`
    )
  })
).pipe(Command.withDescription("Assemble and link sources into an image"))

/** `holon image disasm`: an image as a source. */
export const disasm = Command.make(
  "disasm",
  {
    file: Argument.String("file").pipe(Argument.withDescription("Image (.hxe)")),
    plain: Flag.Boolean("plain").pipe(
      Flag.withDescription("Leave out the comments with offsets and words"),
      Flag.withDefault(false)
    ),
    json
  },
  Effect.fn(function* (flags) {
    // A listing is wanted most of an image that boards refuse.
    const image = yield* readImage(flags.file, false)
    const source = disassemble(image, { hasOffsets: !flags.plain })
    if (!flags.json) return yield* Console.log(source.trimEnd())
    const { header, metadata } = image
    yield* Console.log(JSON.stringify({ header, metadata, source }, null, 2))
  })
).pipe(Command.withDescription("Show an image as the source it can be built from again"))
