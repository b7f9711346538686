/** The `holon` command: what it knows, and how it says that something failed. */
import { Cause, Console, Effect } from "effect"
import { CliError, Command } from "effect/cli"
import { ask } from "./commands/Ask.ts"
import { audit } from "./commands/Audit.ts"
import { board } from "./commands/Boards.ts"
import { can } from "./commands/Can.ts"
import { chaos } from "./commands/Chaos.ts"
import { claims } from "./commands/Claims.ts"
import { condition } from "./commands/Conditions.ts"
import { deliveries } from "./commands/Deliveries.ts"
import { devices } from "./commands/Devices.ts"
import { events } from "./commands/Events.ts"
import { image } from "./commands/Image.ts"
import { nodes } from "./commands/Nodes.ts"
import { actors, dead, quarantine } from "./commands/Operators.ts"
import { ops } from "./commands/Ops.ts"
import { pattern } from "./commands/Patterns.ts"
import { policy } from "./commands/Policies.ts"
import { programs } from "./commands/Programs.ts"
import { provision, sessions } from "./commands/Provision.ts"
import { ps } from "./commands/Ps.ts"
import { rollout } from "./commands/Rollouts.ts"
import { rpc } from "./commands/Rpc.ts"
import { send } from "./commands/Send.ts"
import { serial } from "./commands/Serial.ts"
import { session } from "./commands/Sessions.ts"
import { signals } from "./commands/Signals.ts"
import { simulate } from "./commands/Simulate.ts"
import { subscription } from "./commands/Subscriptions.ts"
import { threats } from "./commands/Threats.ts"
import { node, up } from "./commands/Up.ts"
import { values } from "./commands/Values.ts"
import { vsm } from "./commands/Vsms.ts"
import { repl } from "./repl/Repl.ts"
import { sentenceOf } from "./Sentence.ts"

/** As in package.json. */
export const version = "0.1.0"

/** The whole command. */
export const holon = Command.make("holon").pipe(
  Command.withDescription("Runs fleets of physical boards as one living system"),
  Command.withSubcommands([
    { group: "RUN", commands: [up, node, board] },
    { group: "TALK TO ACTORS", commands: [repl, send, devices, events, pattern, condition, subscription, deliveries] },
    { group: "PROGRAMS", commands: [image, provision, session, sessions, rollout, ps, programs, values] },
    { group: "GOVERN THE FLEET", commands: [ask, vsm, signals, policy, audit, threats, claims, ops] },
    { group: "LOOK AFTER THE CLUSTER", commands: [nodes, actors, quarantine, dead] },
    { group: "BOARDS WITHOUT A CLUSTER", commands: [can, serial, rpc] },
    { group: "PROVE IT", commands: [chaos, simulate] }
  ])
)

/** One clear line for people; the exit code says the rest. A defect shows its whole cause. */
export const report = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  if (Cause.hasInterruptsOnly(cause) || CliError.isCliError(error)) return Effect.void
  if (Cause.hasDies(cause) || !(error instanceof Error)) return Console.error(Cause.pretty(cause))
  return Console.error(`holon: ${sentenceOf(error)}`)
}
