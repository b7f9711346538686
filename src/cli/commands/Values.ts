/** `holon value`: values of programs. */
import { Console, Effect, Option, type Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { codes } from "../../protocol/Codes.ts"
import { programId } from "../../protocol/Program.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { BoardRefused } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { finiteNumber, wholeNumber } from "../Numbers.ts"
import { carriedOut, followed, sayDone } from "../Orders.ts"
import { device, type ProgramName, program } from "../Programs.ts"
import { table } from "../Table.ts"

const valueId = Argument.String("value").pipe(
  Argument.withDescription("Name of the value, or its number (group × 256 + id)")
)
const noValue = ({ device, program }: ProgramName, value: string): string =>
  `there is no value ${value}; holon value get ${device} ${program} lists them`
const idOf = (text: string): number | string => (/^\d{1,5}$/.test(text) ? Number(text) : text)

const get = Command.make(
  "get",
  { ...connection, device, program, value: valueId.pipe(Argument.optional) },
  Effect.fn(function* (flags) {
    const payload = Option.isSome(flags.value) ? { ids: [idOf(flags.value.value)] } : {}
    const order = yield* connected(flags)(carriedOut(flags, { message: "ReadValues", payload }))
    const only = Array.isArray(order.value) ? order.value[0] : undefined
    // A value that was named and cannot be read is a failure; among all of them it is one line.
    if (Option.isSome(flags.value) && Array.isArray(only) && only[1] === null)
      return yield* new BoardRefused({
        what: `value ${flags.value.value} of ${programId(flags.device, flags.program)}`,
        code: Number(only[2]),
        ...(only[2] === codes.ENOENT && { detail: noValue(flags, flags.value.value) })
      })
    if (flags.json || !Array.isArray(order.value)) return yield* sayDone(flags, order)
    const rows = order.value.map((row: Schema.Json) => {
      const [id, value, code] = Array.isArray(row) ? row : []
      return [String(id), value === null ? `code ${String(code)}` : String(value)]
    })
    yield* Console.log(table(["value", "is"], rows))
  })
).pipe(
  Command.withDescription("Ask a board for a program's values"),
  examples(["press-1 blink", "All of them"], ["press-1 blink blinks"])
)

const set = Command.make(
  "set",
  {
    ...connection,
    device,
    program,
    value: valueId,
    to: Argument.String("to").pipe(Argument.withDescription("What it shall be, as 21.5")),
    level: wholeNumber("level", 0, 3).pipe(usually("Authorisation level: 0 public, 1 user, 2 admin, 3 factory", 1))
  },
  Effect.fn(function* (flags) {
    const number = Number(flags.to)
    const value = flags.to.trim() !== "" && Number.isFinite(number) ? number : flags.to
    const order = yield* connected(flags)(
      carriedOut(flags, {
        message: "SetValue",
        payload: { id: idOf(flags.value), value, level: flags.level },
        absent: noValue(flags, flags.value)
      })
    )
    yield* sayDone(flags, order, `${flags.value} of ${flags.program} on ${flags.device} is set to ${value}`)
  })
).pipe(Command.withDescription("Set a program's value"), examples(["press-1 thermostat target 21.5"]))

const watch = Command.make(
  "watch",
  {
    ...connection,
    device,
    program,
    value: valueId,
    epsilon: finiteNumber("epsilon", 0, 1e9).pipe(
      Flag.withDescription("Least change that is told (default: the program's own)"),
      Flag.optional
    ),
    rate: wholeNumber("rate", 0, 3_600_000).pipe(usually("Least time between two, ms", 100))
  },
  Effect.fn(function* (flags) {
    const id = idOf(flags.value)
    const absent = noValue(flags, flags.value)
    const limits = { rateMillis: flags.rate, ...(Option.isSome(flags.epsilon) && { epsilon: flags.epsilon.value }) }
    let shownAt = -1
    yield* connected(flags)(
      followed(
        flags,
        {
          what: `watch ${id}`,
          begin: { message: "WatchValue", payload: { id, on: true, ...limits }, absent },
          end: { message: "WatchValue", payload: { id, on: false } }
        },
        ({ values }) => {
          const told = values.find((value) => value.id === id)
          if (told === undefined || told.at <= shownAt) return Effect.void
          shownAt = told.at
          return Console.log(flags.json ? JSON.stringify(told) : `${new Date(told.at).toISOString()} ${told.value}`)
        }
      )
    )
  })
).pipe(
  Command.withDescription("Follow a program's value until Ctrl-C"),
  examples(["press-1 thermostat level"], ["press-1 thermostat level --epsilon 0.5 --rate 1000"])
)

export const values = Command.make("value").pipe(
  Command.withDescription("Values of programs"),
  Command.withSubcommands([get, set, watch])
)
