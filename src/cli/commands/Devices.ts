/** `holon devices`: the fleet as it is stored, without waking anybody. */
import { Clock, Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { DeviceLine } from "../../gateways/http/Control.ts"
import { Client } from "../Client.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { ago, fields, table } from "../Table.ts"

const pageSize = 200

/** All devices, page by page, at most `limit`. */
const list = (limit: number) =>
  Effect.gen(function* () {
    const client = yield* Client
    const found: Array<DeviceLine> = []
    let after: string | undefined
    do {
      const page = yield* client.Devices({
        limit: Math.min(pageSize, limit - found.length),
        ...(after !== undefined && { after })
      })
      found.push(...page.devices)
      after = page.next
    } while (after !== undefined && found.length < limit)
    return found
  })

const ls = Command.make(
  "ls",
  {
    ...connection,
    limit: wholeNumber("limit", 1, 1_000_000).pipe(Flag.withDescription("At most this many"), Flag.withDefault(1000))
  },
  Effect.fn(function* (flags) {
    const devices = yield* connected(flags)(list(flags.limit))
    if (flags.json) return yield* Console.log(JSON.stringify(devices, null, 2))
    const now = yield* Clock.currentTimeMillis
    const rows = devices.map(({ id, status, reported }) => [
      id,
      status.connection.state,
      status.connection.lastSeen === 0 ? "never" : `${ago(now - status.connection.lastSeen)} ago`,
      status.profile,
      fields(reported)
    ])
    yield* Console.log(
      devices.length === 0 ? "no devices yet" : table(["id", "state", "seen", "profile", "reported"], rows)
    )
  })
).pipe(Command.withDescription("List devices"))

const show = Command.make(
  "show",
  { ...connection, id: Argument.String("id") },
  Effect.fn(function* (flags) {
    const twin = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const { status } = yield* client.Device({ id: flags.id })
        const document = yield* client.Send({ kind: "device", id: flags.id, message: "GetTwin", payload: {} })
        return { id: flags.id, status, twin: document }
      })
    )
    yield* Console.log(JSON.stringify(twin, null, 2))
  })
).pipe(Command.withDescription("Show one device: status, twin and its history"))

export const devices = Command.make("devices").pipe(
  Command.withDescription("The fleet"),
  Command.withSubcommands([ls, show])
)
