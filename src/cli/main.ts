/** The `holon` command. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Effect, Layer, Logger, References } from "effect"
import { CliError, Command } from "effect/cli"
import { SqlError } from "effect/sql"
import { sqlReason } from "../runtime/storage/SqlReason.ts"
import { board } from "./commands/Boards.ts"
import { chaos } from "./commands/Chaos.ts"
import { devices } from "./commands/Devices.ts"
import { actors, dead, nodes, quarantine } from "./commands/Operators.ts"
import { simulate } from "./commands/Simulate.ts"
import { send } from "./commands/Send.ts"
import { node, up } from "./commands/Up.ts"
import { log } from "./Log.ts"
import { repl } from "./repl/Repl.ts"

const version = "0.1.0"

const holon = Command.make("holon").pipe(
  Command.withDescription("Runs fleets of physical boards as one living system"),
  Command.withSubcommands([up, node, repl, send, devices, nodes, actors, quarantine, dead, board, chaos, simulate])
)

/** One clear line for people; the exit code says the rest. A defect shows its whole cause. */
const report = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  if (Cause.hasInterruptsOnly(cause) || CliError.isCliError(error)) return Effect.void
  if (SqlError.isSqlError(error)) return Console.error(`holon: PostgreSQL: ${sqlReason(error)}`)
  if (Cause.hasDies(cause) || !(error instanceof Error)) return Console.error(Cause.pretty(cause))
  return Console.error(`holon: ${error.message}`)
}

Command.run(holon, { version }).pipe(
  Effect.tapCause(report),
  Effect.provide(Layer.merge(NodeServices.layer, Logger.layer([log]))),
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
