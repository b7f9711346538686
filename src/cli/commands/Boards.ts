/** `holon board`: boards that run on this machine. A simulated one says that it is simulated. */
import { join } from "node:path"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { hostBoard } from "../../../devices/host/HostBoard.ts"
import { simulatedBoards } from "../../../devices/simulated/SimulatedBoards.ts"
import { dataFolder } from "../Files.ts"

const url = Flag.String("url").pipe(
  Flag.withDescription("Where to attach: mqtt://, mqtts://, ws:// or wss://"),
  Flag.withDefault("mqtt://127.0.0.1:1883")
)
const token = Flag.String("token").pipe(
  Flag.withDescription("Board token; none on loopback in development"),
  Flag.optional
)

const tokenOf = (given: Option.Option<string>) => (Option.isSome(given) ? { token: given.value } : {})

const host = Command.make(
  "host",
  { url, token, id: Flag.String("id").pipe(Flag.withDescription("Device id"), Flag.withDefault("host")) },
  Effect.fn(function* (flags) {
    const folder = join(yield* dataFolder, "boards", flags.id)
    const runFork = Effect.runForkWith(yield* Effect.context())
    const say = (line: string) => {
      runFork(Console.log(line))
    }
    yield* hostBoard({
      id: flags.id,
      url: flags.url,
      folder,
      showLed: (on) => say(`led ${on ? "on" : "off"}`),
      observe: ({ state, why }) => say(why === undefined ? `link ${state}` : `link ${state}: ${why}`),
      ...tokenOf(flags.token)
    })
  })
).pipe(Command.withDescription("Attach this machine as a board"))

const sim = Command.make(
  "sim",
  {
    url,
    token,
    count: Flag.Int("count").pipe(Flag.withDescription("How many"), Flag.withDefault(1)),
    prefix: Flag.String("prefix").pipe(Flag.withDescription("Ids are this and a number"), Flag.withDefault("heater-")),
    from: Flag.Int("from").pipe(Flag.withDescription("The first number"), Flag.withDefault(1)),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Same seed, same noise"), Flag.withDefault(1)),
    kind: Flag.Literals("kind", ["heater", "sensor", "press"]).pipe(Flag.withDefault("heater")),
    interval: Flag.Int("interval").pipe(Flag.withDescription("Milliseconds between reports"), Flag.withDefault(2000))
  },
  Effect.fn(function* (flags) {
    const { url, count, prefix, from, seed, kind, interval } = flags
    yield* Console.log(`${count} simulated ${kind} boards attach to ${url}`)
    yield* simulatedBoards({ url, count, prefix, from, seed, kind, intervalMillis: interval, ...tokenOf(flags.token) })
  })
).pipe(Command.withDescription("Attach simulated boards"))

export const board = Command.make("board").pipe(
  Command.withDescription("Boards on this machine"),
  Command.withSubcommands([host, sim])
)
