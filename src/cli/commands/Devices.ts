/** `holon devices`: the fleet as it is stored, without waking anybody. */
import { Clock, Console, Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import type { DeviceLine } from "../../gateways/http/Control.ts"
import { CommandView, TwinDocument } from "../../protocol/Device.ts"
import { Client } from "../Client.ts"
import { usually } from "../Defaults.ts"
import { deviceReport } from "../DeviceReport.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { devicesUpTo } from "../Pages.ts"
import { print } from "../Print.ts"
import { device, programsOf } from "../Programs.ts"
import { unknownFields } from "../SearchedFields.ts"
import { ago, fields, table } from "../Table.ts"
import { ageLine, parameters, searched } from "../Where.ts"
import { deviceZone } from "./DeviceZone.ts"

const limit = wholeNumber("limit", 1, 1_000_000).pipe(usually("At most this many", 1000))

/** Zones have a column where one of the devices is in one. */
const tableOf = (devices: ReadonlyArray<DeviceLine>, now: number): string => {
  const hasZones = devices.some(({ status }) => status.zone !== undefined)
  return table(
    ["id", "state", "seen", "profile", ...(hasZones ? ["zone"] : []), "reported"],
    devices.map(({ id, status, reported }) => [
      id,
      status.connection.state,
      status.connection.lastSeen === 0 ? "never" : `${ago(now - status.connection.lastSeen)} ago`,
      status.profile,
      ...(hasZones ? [status.zone ?? ""] : []),
      fields(reported)
    ])
  )
}

const ls = Command.make(
  "ls",
  { ...connection, limit },
  Effect.fn(function* (flags) {
    const devices = yield* connected(flags)(devicesUpTo(flags.limit))
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, devices, () => (devices.length === 0 ? "no devices yet" : tableOf(devices, now)))
  })
).pipe(Command.withDescription("List devices"), examples([""], ["--json --limit 10", "The first ten, for a script"]))

const search = Command.make(
  "search",
  {
    ...connection,
    where: Argument.String("where").pipe(
      Argument.withDescription("Condition over id, zone, profile, state, reported and desired; a bare name is reported")
    ),
    parameters,
    limit
  },
  Effect.fn(function* (flags) {
    const { found, said } = yield* connected(flags)(
      Effect.gen(function* () {
        const found = yield* searched(flags.where, flags.parameters, flags.limit)
        if (found.devices.length > 0) return { found, said: undefined }
        return { found, said: yield* unknownFields(flags.where, flags.parameters) }
      })
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, found, () =>
      found.devices.length === 0 ? ageLine(found) : `${tableOf(found.devices, now)}\n${ageLine(found)}`
    )
    if (said !== undefined) yield* Console.error(said)
  })
).pipe(
  Command.withDescription(
    "Find devices by a condition over their twins. What is searched is a second or so behind, and the answer says how much."
  ),
  examples(
    ["'reported.temp > 60 and state == \"online\"'", "What is hot and there"],
    ["'zone inside \"hall\"'", "All that is in hall"],
    ["'profile == $profile and not exists led' --parameter profile=sim-press", "With a parameter"],
    ["'desired.target != reported.target' --json", "What has not arrived, for a script"]
  )
)

const show = Command.make(
  "show",
  { ...connection, id: device },
  Effect.fn(function* (flags) {
    const shown = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const place = { kind: "device", id: flags.id }
        const { status } = yield* client.Device({ id: flags.id })
        const twin = yield* sendTo(place, "GetTwin", {}, TwinDocument)
        const { commands } = yield* sendTo(place, "ListCommands", {}, CommandList)
        return { id: flags.id, status, twin, commands, programs: yield* programsOf(flags.id) }
      })
    )
    const now = yield* Clock.currentTimeMillis
    const { id, status, twin } = shown
    yield* print(flags, { id, status, twin }, () => deviceReport(shown, now))
  })
).pipe(
  Command.withDescription(
    "Show one device: connection, what it reports and is to be, commands under way, programs and failures. With --json status and twin with the history of each field."
  ),
  examples(["press-1"], ["press-1 --json", "When each field was set by whom or what"])
)

const CommandList = Schema.Struct({ commands: Schema.Array(CommandView) })

export const devices = Command.make("devices").pipe(
  Command.withDescription("The fleet"),
  Command.withSubcommands([ls, search, show, deviceZone])
)
