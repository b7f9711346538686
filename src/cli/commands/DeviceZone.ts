/** `holon devices zone`: where a device is, and putting it there. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ZoneView } from "../../protocol/Device.ts"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"
import { device } from "../Programs.ts"
import { zoneArgument, zoneWords } from "../Zones.ts"

/** A zone to put it into, and the wish to take one back. */
class ZoneTwice extends Schema.TaggedError<ZoneTwice>()("ZoneTwice", {}) {
  override get message() {
    return "either name a zone or take it back with --clear"
  }
}

const zone = zoneArgument.pipe(
  Argument.withDescription("Where it is to be, as hall.line-3; without one it is said where it is"),
  Argument.optional
)

/** The command. */
export const deviceZone = Command.make(
  "zone",
  {
    ...connection,
    id: device,
    zone,
    clear: Flag.Boolean("clear").pipe(
      Flag.withDescription("Take back what people said: then the rules of the config hold, or what the board says"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* (flags) {
    const { id, clear } = flags
    if (clear && Option.isSome(flags.zone)) return yield* new ZoneTwice()
    const place = { kind: "device", id }
    const asked = Effect.flatMap(Client, (client) => Effect.map(client.Device({ id }), ({ status }) => status))
    const told = (given: string | null) => sendTo(place, "SetZone", { zone: given }, ZoneView)
    const found: ZoneView = yield* connected(flags)(
      Option.match(flags.zone, { onSome: told, onNone: () => (clear ? told(null) : asked) })
    )
    const { zone: name, zoneBy } = found
    const view = { id, ...(name !== undefined && { zone: name }), ...(zoneBy !== undefined && { zoneBy }) }
    yield* print(flags, view, () => `${id} is in ${zoneWords(view)}`)
  })
).pipe(
  Command.withDescription(
    "Put a device into a zone, or say where it is. What people say goes before the rules of the config, and those before what its board says."
  ),
  examples(
    ["press-1 hall.line-3", "It is there from now on"],
    ["press-1", "Where it is, and who says so"],
    ["press-1 --clear", "Leave it to the rules again"]
  )
)
