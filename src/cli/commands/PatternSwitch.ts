/** `holon pattern on` and `off`: everywhere, or in some zones. */
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { patternLine } from "../PatternWords.ts"
import { print } from "../Print.ts"
import { zoneFlag } from "../Zones.ts"

/** Some zones and all of them. */
class EverywhereAndSome extends Schema.TaggedError<EverywhereAndSome>()("EverywhereAndSome", {}) {
  override get message() {
    return "either name zones or say --everywhere"
  }
}

const name = Argument.String("name").pipe(Argument.withDescription("Name of the pattern"))

const switching = Effect.fnUntraced(function* (
  flags: Parameters<typeof connected>[0] & Parameters<typeof print>[0] & { readonly name: string },
  isOn: boolean,
  zones: ReadonlyArray<string> | undefined
) {
  const asked = { name: flags.name, isOn, ...(zones !== undefined && { zones }) }
  const stored = yield* connected(flags)(Effect.flatMap(Client, (client) => client.PatternSwitch(asked)))
  yield* print(flags, stored, () => patternLine(stored))
})

const someOf = (zones: ReadonlyArray<string>): ReadonlyArray<string> | undefined =>
  zones.length === 0 ? undefined : zones

/** Lets it look. */
export const patternOn = Command.make(
  "on",
  {
    ...connection,
    name,
    zone: zoneFlag.pipe(
      Flag.withDescription(
        "Look at events in this zone, too, and below it; where none was named before, in no others. May be repeated (default: where it looked before)"
      ),
      Flag.atLeast(0)
    ),
    everywhere: Flag.Boolean("everywhere").pipe(
      Flag.withDescription("Look at events of all zones and of none"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* (flags) {
    const { zone, everywhere } = flags
    if (everywhere && zone.length > 0) return yield* new EverywhereAndSome()
    yield* switching(flags, true, everywhere ? [] : someOf(zone))
  })
).pipe(
  Command.withDescription("Let a pattern look at events again, or at those of some zones"),
  examples(["hot"], ["hot --zone hall.line-3", "In this zone, besides those it is enabled in"], ["hot --everywhere"])
)

/** Lets it look no more. */
export const patternOff = Command.make(
  "off",
  {
    ...connection,
    name,
    zone: zoneFlag.pipe(
      Flag.withDescription(
        "Look no more at events in this zone, which it was switched on for; with the last one it is off. May be repeated (default: it is off)"
      ),
      Flag.atLeast(0)
    )
  },
  (flags) => switching(flags, false, someOf(flags.zone))
).pipe(
  Command.withDescription("Let a pattern look at no events, or at none of some zones; it keeps its place in the list"),
  examples(["hot"], ["hot --zone hall.line-3", "In the other zones it goes on"])
)
