/** `holon program`: programs on boards, started and stopped, called and written to. */
import { Effect, Option, type Schema } from "effect"
import { Argument, Command } from "effect/cli"
import type { ProgramAct } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { CommandView } from "../../protocol/Device.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { BoardRefused, type Place, sayAway, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { carriedOut, detailOf, sayDone } from "../Orders.ts"
import { print } from "../Print.ts"
import { device, missing, program } from "../Programs.ts"
import { send, tap } from "./Mailboxes.ts"
import { show } from "./ProgramShow.ts"

const control = (act: ProgramAct, about: string) =>
  Command.make(
    act,
    { ...connection, device, program },
    Effect.fn(function* (flags) {
      const order = yield* connected(flags)(carriedOut(flags, { message: "Control", payload: { act } }))
      yield* sayDone(flags, order)
    })
  ).pipe(Command.withDescription(about), examples(["press-1 blink"]))

const argumentOf = (text: string): Schema.Json => {
  const number = Number(text)
  if (text.trim() !== "" && Number.isFinite(number)) return number
  return text === "true" ? true : text === "false" ? false : text
}

const call = Command.make(
  "call",
  {
    ...connection,
    device,
    program,
    command: Argument.String("command").pipe(Argument.withDescription("Name of the command, or its group:id")),
    argument: Argument.String("argument").pipe(
      Argument.withDescription("What it is given: a number, true, false, or text"),
      Argument.optional
    ),
    ttl: wholeNumber("ttl", 1, 86_400).pipe(usually("Seconds after which it is no longer begun", 30))
  },
  Effect.fn(function* (flags) {
    const place: Place = { kind: "device", id: flags.device }
    const end = yield* connected(flags)(
      Effect.gen(function* () {
        const placed = yield* sendTo(
          place,
          "Invoke",
          {
            name: flags.command,
            program: flags.program,
            ttlMillis: flags.ttl * 1000,
            ...(Option.isSome(flags.argument) && { args: argumentOf(flags.argument.value) })
          },
          CommandView
        )
        if (placed.state === "done") return placed
        yield* sayAway(flags.device, `the command waits up to ${flags.ttl} s for it`)
        return yield* watchUntil(
          place,
          "WatchCommand",
          { id: placed.id },
          { item: CommandView, isEnd: ({ state }) => state === "done" }
        )
      })
    )
    if (end.code === codes.ESRCH) return yield* connected(flags)(missing(flags))
    if (end.code !== undefined && end.code !== 0)
      return yield* new BoardRefused({
        what: `${flags.command} of ${flags.program} on ${flags.device}`,
        code: end.code,
        ...detailOf(end, `${flags.program} has no command ${flags.command}`)
      })
    yield* print(flags, end, () => {
      const returned = end.value === undefined || end.value === null ? "" : `; it returned ${JSON.stringify(end.value)}`
      return `${flags.command} of ${flags.program} on ${flags.device} is done${returned}`
    })
  })
).pipe(Command.withDescription("Call a command of a program and print its result"), examples(["press-1 blink reset"]))

export const programs = Command.make("program").pipe(
  Command.withDescription("Programs on boards"),
  Command.withSubcommands([
    show,
    control("start", "Start a program that is stopped"),
    control("stop", "Stop a program in order"),
    control("pause", "Pause a program"),
    control("resume", "Let a paused program go on"),
    control("kill", "End a program at once"),
    control("restart", "Start a program anew"),
    control("remove", "Take a program off its board"),
    call,
    send,
    tap
  ])
)
