/** `holon board`: boards that run on this machine. A simulated one says that it is simulated. */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { hostBoard } from "../../../devices/host/HostBoard.ts"
import { simulatedBoards } from "../../../devices/simulated/SimulatedBoards.ts"
import { usually } from "../Defaults.ts"
import { deviceId, devicePrefix } from "../DeviceIds.ts"
import { examples } from "../Examples.ts"
import { formats } from "../Format.ts"
import { data, dataFolder } from "../Globals.ts"
import { here } from "../Here.ts"
import { ownHostBoardFolder } from "../HostBoardFolder.ts"
import { boardCount, wholeNumber } from "../Numbers.ts"
import { zoneFlag } from "../Zones.ts"

const url = Flag.String("url").pipe(
  Flag.withDescription(
    "Where to attach: mqtt://, mqtts://, ws:// or wss:// (default: MQTT of cluster.config.ts, else mqtt://127.0.0.1:1883)"
  ),
  Flag.optional
)
const token = Flag.String("token").pipe(
  Flag.withDescription("Board token; none on loopback in development"),
  Flag.optional
)

const zone = zoneFlag.pipe(
  Flag.withDescription(
    "What the board says of its zone; people and the rules of the config know better (default: nothing)"
  ),
  Flag.optional
)

const zoneOf = (given: Option.Option<string>) => (Option.isSome(given) ? { zone: given.value } : {})

const tokenOf = (given: Option.Option<string>) => (Option.isSome(given) ? { token: given.value } : {})

const addressOf = (given: Option.Option<string>) =>
  Option.isSome(given) ? Effect.succeed(given.value) : Effect.map(here, ({ boards }) => boards)

const host = Command.make(
  "host",
  {
    url,
    data,
    token,
    zone,
    id: deviceId("id").pipe(Flag.withDescription("Id of the device (default: host)"), Flag.withDefault("host")),
    format: formats
  },
  Effect.fn(function* (flags) {
    const { id } = flags
    const address = yield* addressOf(flags.url)
    const folder = yield* ownHostBoardFolder(yield* dataFolder(flags.data), id)
    const runFork = Effect.runForkWith(yield* Effect.context())
    const say = (line: string) => {
      runFork(Console.log(line))
    }
    yield* Console.log(`board ${id} attaches to ${address}`)
    yield* hostBoard({
      id,
      url: address,
      folder,
      formats: flags.format,
      showLed: (on) => say(`led ${on ? "on" : "off"}`),
      observe: ({ state, why }) => say(why === undefined ? `link ${state}` : `link ${state}: ${why}`),
      ...tokenOf(flags.token),
      ...zoneOf(flags.zone)
    })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Attach this machine as a board"),
  examples([""], ["--id press-1 --url wss://cluster.example/attach --token TOKEN", "To a cluster elsewhere"])
)

const sim = Command.make(
  "sim",
  {
    url,
    token,
    zone,
    count: boardCount("count", 1).pipe(usually("How many", 1)),
    prefix: devicePrefix("prefix").pipe(
      Flag.withDescription("Ids are this and a number (default: heater-)"),
      Flag.withDefault("heater-")
    ),
    from: wholeNumber("from", 0, 1_000_000_000).pipe(usually("The first number", 1)),
    seed: Flag.Int("seed").pipe(usually("Same seed, same noise", 1)),
    kind: Flag.Literals("kind", ["heater", "oven", "sensor", "press", "tank", "board"]).pipe(
      Flag.withDescription("What they simulate (default: heater)"),
      Flag.withDefault("heater")
    ),
    interval: wholeNumber("interval", 100, 3_600_000).pipe(usually("Milliseconds between reports", 2000))
  },
  Effect.fn(function* (flags) {
    const { count, prefix, from, seed, kind, interval } = flags
    const address = yield* addressOf(flags.url)
    yield* Console.log(`${count} simulated ${kind} board${count === 1 ? " attaches" : "s attach"} to ${address}`)
    yield* simulatedBoards({
      url: address,
      count,
      prefix,
      from,
      seed,
      kind,
      intervalMillis: interval,
      ...tokenOf(flags.token),
      ...zoneOf(flags.zone)
    })
  })
).pipe(
  Command.withDescription("Attach simulated boards"),
  examples(["--kind sensor --prefix cell- --count 12", "Boards cell-1 to cell-12"])
)

export const board = Command.make("board").pipe(
  Command.withDescription("Boards on this machine"),
  Command.withSubcommands([host, sim])
)
