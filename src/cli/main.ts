/** Runs the `holon` command. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer, Logger, References } from "effect"
import { Command } from "effect/cli"
import { holon, report, version } from "./Holon.ts"
import { log } from "./Log.ts"
import * as Misuse from "./Misuse.ts"

// Whoever read the output has gone, as `head` does: end in order, as for Ctrl-C.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.kill(process.pid, "SIGINT")
})

Command.run(holon, { version }).pipe(
  Effect.tapCause(report),
  Effect.provide(Layer.mergeAll(NodeServices.layer, Misuse.layer, Logger.layer([log]))),
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
