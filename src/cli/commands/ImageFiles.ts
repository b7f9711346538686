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
import { toggle, usually } from "../Defaults.ts"
import { explained } from "../Details.ts"
import { examples } from "../Examples.ts"
import { json } from "../Globals.ts"
import { type LocalRun, runHere } from "../LocalRun.ts"
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
    return `${this.file} is not a sound image: ${explained(this.detail)}`
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

// As plain bytes: slices of a Buffer are views of memory that others use too.
const readBytes = (file: string) =>
  Effect.try({ try: () => new Uint8Array(readFileSync(file)), catch: (cause) => unusable(file, cause) })

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
    singleInstance: toggle("single-instance", "A board runs it once at a time"),
    capabilities: wholeNumber("capabilities", 0, 0xffff).pipe(
      usually("What it needs of a board, as the bits of the image's header", 0)
    ),
    json
  },
  Effect.fn(function* (flags) {
    const [first = ""] = flags.files
    const out = Option.getOrElse(flags.out, () => `${stem(first)}.hxe`)
    const image = flags.files.find((file) => extname(file) === ".hxe")
    if (image !== undefined)
      return yield* new ProgramFileUnusable({
        file: image,
        reason: "an image is built already; name sources, as lamp.mvasm"
      })
    if (flags.files.some((file) => resolve(file) === resolve(out))) return yield* new SourceWouldBeLost({ file: out })
    const sources = yield* Effect.forEach(flags.files, (file) =>
      Effect.map(readBytes(file), (bytes) => ({ file, text: new TextDecoder().decode(bytes) }))
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
).pipe(
  Command.withDescription("Assemble and link sources into an image"),
  examples(["examples/blink.mvasm", "Writes blink.hxe"])
)

/** `holon image disasm`: an image as a source. */
export const disasm = Command.make(
  "disasm",
  {
    file: Argument.String("file").pipe(Argument.withDescription("Image (.hxe)")),
    plain: toggle("plain", "Leave out the comments with offsets and words"),
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
).pipe(Command.withDescription("Show an image as the source it can be built from again"), examples(["blink.hxe"]))

/** A program did not end well. */
export class ProgramFailed extends Schema.TaggedError<ProgramFailed>()("ProgramFailed", {
  file: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `${this.file} ${this.why}`
  }
}

const stepsMaxDefault = 1_000_000

const instructions = (retired: number): string => counted(retired, "instruction", "instructions")

/** What is wrong with the end of a run; nothing when it is as it was asked for. */
const failureOf = ({ end, exit, detail, pc, retired }: LocalRun, isLimited: boolean): string | undefined => {
  const after = `after ${instructions(retired)}`
  if (end === "trap") return `trapped ${after}: ${explained(detail ?? "trap")}`
  if (end === "break") return `stands at a BRK before 0x${pc.toString(16).toUpperCase()}, ${after}`
  if (end === "limit" && !isLimited) return `still runs ${after}; --max-steps says how many are enough`
  return exit === null || exit === 0 ? undefined : `ended with ${exit} ${after}`
}

/** The end of a run, as people say it. */
const endOf = ({ end, retired, millis, values, messages }: LocalRun): ReadonlyArray<string> => {
  const how = end === "returned" ? "returned 0" : end === "waiting" ? "waits for messages" : "stopped"
  const time = millis === 0 ? "" : `, ${millis / 1000} s of its time`
  return [
    ...messages.map(({ target, text }) => `${target}: ${text.replace(/\n$/, "")}`),
    ...Object.entries(values).map(([name, value]) => `${name} = ${value}`),
    `${how} after ${instructions(retired)}${time}`
  ]
}

/** `holon image run`: an image on this machine. */
export const run = Command.make(
  "run",
  {
    file: Argument.String("file").pipe(Argument.withDescription("Image (.hxe)")),
    maxSteps: wholeNumber("max-steps", 1, 1_000_000_000).pipe(
      Flag.withDescription(`Stop after so many instructions (without it: fail after ${stepsMaxDefault})`),
      Flag.optional
    ),
    callMode: Flag.Literals("call-mode", ["auto", "relative", "absolute"]).pipe(
      Flag.withDescription("How CALL is read in images of version 1 (default: auto)"),
      Flag.withDefault("auto")
    ),
    send: Flag.KeyValuePair("send").pipe(
      Flag.withDescription("Mail for the program, as app:echo=hello; may be given for several mailboxes"),
      Flag.withDefault({})
    ),
    json
  },
  Effect.fn(function* (flags) {
    const { file } = flags
    const image = yield* readImage(file, true)
    const ran = runHere(image, {
      stepsMax: Option.getOrElse(flags.maxSteps, () => stepsMaxDefault),
      callMode: flags.callMode,
      mail: flags.send
    })
    if (Result.isFailure(ran)) return yield* new ProgramFailed({ file, why: `cannot run: ${ran.failure.detail}` })
    const report = ran.success
    const failure = failureOf(report, Option.isSome(flags.maxSteps))
    if (flags.json) yield* Console.log(JSON.stringify(report, null, 2))
    else {
      if (report.stderr !== "") yield* Console.error(report.stderr.replace(/\n$/, ""))
      const lines = [...(report.stdout === "" ? [] : [report.stdout.replace(/\n$/, "")])]
      lines.push(...(failure === undefined ? endOf(report) : []))
      if (lines.length > 0) yield* Console.log(lines.join("\n"))
    }
    if (failure !== undefined) return yield* new ProgramFailed({ file, why: failure })
  })
).pipe(
  Command.withDescription("Run an image on this machine, without a board; sleeping takes no time"),
  examples(["blink.hxe --max-steps 200"], ["echo.hxe --send app:echo=hello --json", "A message is waiting for it"])
)
