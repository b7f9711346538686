/** `holon condition`: what a condition reads, and its module for boards and browsers. Needs no node. */
import { writeFileSync } from "node:fs"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { compileWasm } from "../../events/condition/Wasm.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { type BoundPath, pathsOf } from "../../protocol/condition/Bound.ts"
import { formatPath } from "../../protocol/condition/Format.ts"
import { events, twins } from "../../protocol/condition/Source.ts"
import { examples } from "../Examples.ts"
import { json } from "../Globals.ts"
import { print } from "../Print.ts"
import { parameters } from "../Where.ts"

const sources = { twins, events }

const what = {
  json,
  text: Argument.String("condition").pipe(
    Argument.withDescription("The condition, such as 'reported.temp > 90 and cpu > 80%'")
  ),
  source: Flag.Literals("source", ["twins", "events"]).pipe(
    Flag.withDescription("What it speaks about (default: twins)"),
    Flag.withDefault("twins")
  ),
  parameters
}

const boundOf = (flags: {
  readonly text: string
  readonly source: keyof typeof sources
  readonly parameters: Parameters<typeof bindText>[2]
}) => Effect.fromResult(bindText(flags.text, sources[flags.source], flags.parameters))

const inputsOf = (fields: ReadonlyArray<BoundPath>): string =>
  fields.map((path, number) => `\n${String(number).padStart(4)}  ${formatPath(path)}`).join("")

const check = Command.make(
  "check",
  what,
  Effect.fn(function* (flags) {
    const fields = pathsOf(yield* boundOf(flags))
    const { source } = flags
    const count = fields.length === 1 ? "one field" : fields.length === 0 ? "no field" : `${fields.length} fields`
    yield* print(flags, { source, fields }, () => `sound over ${source}; it reads ${count}${inputsOf(fields)}`)
  })
).pipe(
  Command.withDescription("Check a condition, and say which fields it reads"),
  examples(
    ["'reported.temp > 90 and cpu > 80%'"],
    ['\'type glob "command.*" and severity == "error"\' --source events', "One over events"]
  )
)

/** The file of a module cannot be written. */
export class ModuleUnwritable extends Schema.TaggedError<ModuleUnwritable>()("ModuleUnwritable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be written (${this.reason}); name another file with --out`
  }
}

/** The condition is sound, but a board would not take its module. */
export class ModuleTooLarge extends Schema.TaggedError<ModuleTooLarge>()("ModuleTooLarge", {
  limit: Schema.Int,
  actual: Schema.Int
}) {
  override get message() {
    return `the module would need ${this.actual} bytes, and ${this.limit} are the limit; use fewer texts, or shorter patterns`
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  EISDIR: "it is a folder",
  EACCES: "access is denied"
}

const write = (file: string, bytes: Uint8Array) =>
  Effect.try({
    try: () => writeFileSync(file, bytes),
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
      return new ModuleUnwritable({ file, reason: reasons[code] ?? String(cause) })
    }
  })

const compile = Command.make(
  "compile",
  {
    ...what,
    out: Flag.String("out").pipe(Flag.withAlias("o"), Flag.withDescription("File to write, such as hot.wasm"))
  },
  Effect.fn(function* (flags) {
    const { abi, module, fields, inputAt } = yield* Effect.catchTag(
      compileWasm(yield* boundOf(flags)),
      "TooLarge",
      ({ limit, actual }) => new ModuleTooLarge({ limit, actual })
    )
    const { source, out: file } = flags
    yield* write(file, module)
    yield* print(
      flags,
      { abi, source, file, bytes: module.length, inputAt, fields },
      () =>
        `${file}: ${module.length} bytes, ${abi} over ${source}; the host's memory begins at ${inputAt}${inputsOf(fields)}`
    )
  })
).pipe(
  Command.withDescription(
    "Write the WebAssembly module of a condition, and say which fields its host passes, in order. With --json all that the host must know."
  ),
  examples(["'reported.temp > 90 and cpu > 80%' --out hot.wasm"])
)

/** `holon condition`. */
export const condition = Command.make("condition").pipe(
  Command.withDescription("Conditions over twins and events, without a cluster"),
  Command.withSubcommands([check, compile])
)
