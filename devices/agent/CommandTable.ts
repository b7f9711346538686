/** Commands by name, for applications that know a fixed set of them. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap, TwinValue } from "../../src/protocol/TwinValue.ts"
import type { Application, Cancellable, Command, Execution, Outcome } from "./Application.ts"

/** One command: its end at once, or nothing when it ends by `finish` later. */
export type CommandRun = (command: Command, execution: Execution) => Outcome | Cancellable | undefined

const isOutcome = (run: Outcome | Cancellable): run is Outcome => "code" in run

const isMap = (value: TwinValue | undefined): value is TwinMap => typeof value === "object" && !Array.isArray(value)

/** A field of a command's arguments; none when the arguments are no map. */
export const argument = (args: TwinValue | undefined, name: string): TwinValue | undefined =>
  isMap(args) && Object.hasOwn(args, name) ? args[name] : undefined

/** An application's `execute` from a table of commands. An unknown name ends with 2, a program's command with 3. */
export const executeFrom =
  (table: Readonly<Record<string, CommandRun>>): Application["execute"] =>
  (command, execution) => {
    if (command.program !== undefined) {
      execution.finish({ code: codes.ESRCH, detail: `no program ${command.program}` })
      return undefined
    }
    const run = Object.hasOwn(table, command.name) ? table[command.name] : undefined
    if (run === undefined) {
      execution.finish({ code: codes.ENOENT, detail: `no command ${command.name}` })
      return undefined
    }
    const ran = run(command, execution)
    if (ran === undefined || !isOutcome(ran)) return ran
    execution.finish(ran)
    return undefined
  }
