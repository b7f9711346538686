/** The `holon` command in the process of the test, with what it printed. */
import { PassThrough } from "node:stream"
import { NodeServices } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Console, Effect, Exit, Fiber, Logger } from "effect"
import { Command } from "effect/cli"
import { holon, report, version } from "../../src/cli/Holon.ts"
import * as Misuse from "../../src/cli/Misuse.ts"
import { Keyboard, type Keys } from "../../src/cli/repl/Keyboard.ts"
import { until } from "./RunningNode.ts"

/** What a command printed, and how it ended. */
export interface Ran {
  readonly out: string
  readonly err: string
  readonly isSuccess: boolean
}

/** What a command printed, which must have ended well. */
export const printed = (argv: ReadonlyArray<string>, { out, err, isSuccess }: Ran): string => {
  assert.isTrue(isSuccess, `${argv.join(" ")}: ${err}`)
  return out
}

/** What a command complained of, which must have failed. */
export const complaint = (argv: ReadonlyArray<string>, { out, err, isSuccess }: Ran): string => {
  assert.isFalse(isSuccess, `${argv.join(" ")} went well: ${out}`)
  return err
}

/** A console that keeps what is printed. */
const recording = (heard: (line: string) => void) => {
  const lines = { out: "", err: "" }
  const to =
    (side: "out" | "err") =>
    (...values: ReadonlyArray<unknown>) => {
      const line = values.join(" ")
      lines[side] += `${line}\n`
      heard(line)
    }
  const recorded: Console.Console = {
    ...globalThis.console,
    log: to("out"),
    info: to("out"),
    error: to("err"),
    warn: to("err")
  }
  return { lines, recorded }
}

/** Runs `holon` with these arguments to its end; `heard` hears what it prints while it runs. */
export const run = (
  argv: ReadonlyArray<string>,
  keys?: Keys,
  heard: (line: string) => void = () => {}
): Effect.Effect<Ran> => {
  const { lines, recorded } = recording(heard)
  const command = Command.runWith(holon, { version })(argv).pipe(Effect.tapCause(report))
  const typed = keys === undefined ? command : Effect.provideService(command, Keyboard, keys)
  return typed.pipe(
    Effect.provide(Logger.layer([])),
    Effect.provide(NodeServices.layer),
    Effect.provide(Misuse.layer),
    Effect.provideService(Console.Console, recorded),
    Effect.exit,
    Effect.map((exit) => ({ ...lines, isSuccess: Exit.isSuccess(exit) }))
  )
}

/** A `holon` that runs until the test stops it, or ends. */
export const running = (argv: ReadonlyArray<string>) => {
  const lines: Array<string> = []
  const command = run(argv, undefined, (line) => lines.push(line))
  return Effect.map(Effect.forkScoped(command), (fiber) => ({
    /** What it has printed so far. */
    lines,
    stop: Fiber.interrupt(fiber),
    /** The first line with this text, once it is there. */
    says: (text: string) =>
      until(
        Effect.sync(() => lines.find((line) => line.includes(text))),
        (line) => line !== undefined
      )
  }))
}

/** A script of the REPL: lines from a pipe. */
export const piped = (text: string): Keys => {
  const input = new PassThrough()
  input.end(text)
  return { input, output: new PassThrough(), isTerminal: false }
}

/** A terminal at which the test types. What the REPL prints and what the terminal shows stand in one text. */
export class Typist {
  readonly input = new PassThrough()
  readonly output = new PassThrough()
  readonly keys: Keys = { input: this.input, output: this.output, isTerminal: true }
  #text = ""
  readonly #changed = new Set<() => void>()

  constructor() {
    this.output.setEncoding("utf8").on("data", (chunk: string) => this.#append(chunk))
  }

  /** For {@link Console.Console}. */
  readonly console: Console.Console = {
    ...globalThis.console,
    log: (...values: ReadonlyArray<unknown>) => this.#append(`${values.join(" ")}\n`),
    error: (...values: ReadonlyArray<unknown>) => this.#append(`${values.join(" ")}\n`)
  }

  /** Presses keys and waits until `text` has appeared since. */
  type(keys: string, text: string): Effect.Effect<string> {
    return Effect.callback((resume) => {
      const from = this.#text.length
      const look = (): void => {
        const shown = this.#text.slice(from)
        if (!shown.includes(text)) return
        this.#changed.delete(look)
        resume(Effect.succeed(shown))
      }
      this.#changed.add(look)
      if (keys !== "") this.input.write(keys)
      look()
    })
  }

  #append(chunk: string): void {
    this.#text += chunk
    for (const look of [...this.#changed]) look()
  }
}

/** Runs `holon` at the terminal at which `typist` types. */
export const atTerminal = (typist: Typist, argv: ReadonlyArray<string>) =>
  Command.runWith(holon, { version })(argv).pipe(
    Effect.provideService(Keyboard, typist.keys),
    Effect.provide(NodeServices.layer),
    Effect.provideService(Console.Console, typist.console)
  )
