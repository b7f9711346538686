/** `holon ps`, `holon program`, `holon value`: programs on boards, their output, values and mailboxes. */
import { Clock, Console, Effect, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ProgramAct } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { CommandView } from "../../protocol/Device.ts"
import { NotFound } from "../../protocol/Errors.ts"
import { OrderView, ProgramReport, ProgramView, programId } from "../../protocol/Program.ts"
import { Client } from "../Client.ts"
import { BoardRefused, type Place, sayAway, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { finiteNumber, wholeNumber } from "../Numbers.ts"
import { ago, table } from "../Table.ts"

const pageSize = 200

const device = Argument.String("device").pipe(Argument.withDescription("Id of the device, as press-1"))
const program = Argument.String("program").pipe(Argument.withDescription("Name of the program on its board"))
const placeOf = (flags: { readonly device: string; readonly program: string }): Place => ({
  kind: "program",
  id: programId(flags.device, flags.program)
})

// ------------------------------------------------------------------------------------------------------------------ ps

const Listed = Schema.Struct({ programs: Schema.Array(ProgramReport) })
interface Line extends ProgramReport {
  readonly device: string
}

const programsOf = (id: string) =>
  Effect.map(sendTo({ kind: "device", id }, "GetPrograms", {}, Listed), ({ programs }) =>
    programs.map((report): Line => ({ device: id, ...report }))
  )

const programsOfAll = Effect.gen(function* () {
  const client = yield* Client
  const lines: Array<Line> = []
  let after: string | undefined
  do {
    const page = yield* client.Look({
      kind: "device",
      message: "GetPrograms",
      limit: pageSize,
      ...(after !== undefined && { after })
    })
    for (const { id, value } of page.items) {
      const { programs } = yield* Effect.orDie(Schema.decodeUnknownEffect(Listed)(value))
      lines.push(...programs.map((report) => ({ device: id, ...report })))
    }
    after = page.next
  } while (after !== undefined)
  return lines
})

export const ps = Command.make(
  "ps",
  { ...connection, device: device.pipe(Argument.optional) },
  Effect.fn(function* (flags) {
    const lines = yield* connected(flags)(Option.isSome(flags.device) ? programsOf(flags.device.value) : programsOfAll)
    if (flags.json) return yield* Console.log(JSON.stringify(lines, null, 2))
    const rows = lines.map((line) => [
      line.device,
      line.name,
      line.state,
      line.version ?? "",
      line.sha256?.slice(0, 12) ?? "",
      line.restarts ?? 0,
      line.exit ?? "",
      line.detail ?? (line.code === undefined || line.code === 0 ? "" : `code ${line.code}`)
    ])
    yield* Console.log(
      lines.length === 0
        ? "no programs on any board yet"
        : table(["device", "program", "state", "version", "image", "restarts", "exit", "detail"], rows)
    )
  })
).pipe(Command.withDescription("List the programs of all boards, or of one"))

// -------------------------------------------------------------------------------------------------------------- orders

/** No such program on this board. Permanent until one is brought there. */
export class ProgramMissing extends Schema.TaggedError<ProgramMissing>()("ProgramMissing", {
  device: Schema.String,
  program: Schema.String,
  /** Names of those that are there. */
  others: Schema.Array(Schema.String)
}) {
  override get message() {
    const { device, others, program } = this
    const there = others.length === 0 ? "none; holon provision brings one" : others.join(", ")
    return `there is no program ${programId(device, program)}; ${device} has ${there}`
  }
}

const missing = (device: string, program: string) =>
  Effect.gen(function* () {
    const others = (yield* programsOf(device)).map(({ name }) => name)
    return yield* new ProgramMissing({ device, program, others })
  })

/** Tells a program that is none from a device that is none, and says which programs are there. */
const found =
  ({ device, program }: { readonly device: string; readonly program: string }) =>
  <A, E, R>(effect: Effect.Effect<A, E | NotFound, R>) =>
    Effect.catchIf(
      effect,
      (error): error is NotFound => error instanceof NotFound && error.what === `program ${programId(device, program)}`,
      () => missing(device, program)
    )

/** Gives an order to a program and waits for the board's answer; `absent` says what the board does not know. */
const carriedOut = (
  flags: { readonly device: string; readonly program: string },
  message: string,
  payload: Schema.Json,
  absent?: string
) =>
  Effect.gen(function* () {
    const place = placeOf(flags)
    const placed = yield* found(flags)(sendTo(place, message, payload, OrderView))
    if (placed.state !== "done") yield* sayAway(flags.device, "the order waits up to a minute for it")
    const order =
      placed.state === "done"
        ? placed
        : yield* watchUntil(
            place,
            "WatchOrder",
            { id: placed.id },
            {
              item: OrderView,
              isEnd: ({ state }) => state === "done"
            }
          )
    if (order.code !== undefined && order.code !== 0)
      return yield* new BoardRefused({
        what: `${order.what} of ${place.id}`,
        code: order.code,
        ...detailOf(order, absent)
      })
    return order
  })

/** The board's own words, but for a thing that is not there: of that it says no more than the name. */
const detailOf = (
  { code, detail }: { readonly code?: number; readonly detail?: string },
  absent: string | undefined
): { readonly detail?: string } => {
  if (code === codes.ENOENT && absent !== undefined) return { detail: absent }
  return detail === undefined ? {} : { detail }
}

/** Whether the last order of these turned off what `what` turns on: boards follow a thing for all or for nobody. */
const isOff = (orders: ReadonlyArray<OrderView>, what: string): boolean =>
  orders.findLast((order) => order.what === what || order.what === `no longer ${what}`)?.what === `no longer ${what}`

const done = (json: boolean, order: OrderView) =>
  Console.log(json ? JSON.stringify(order, null, 2) : order.value === undefined ? "done" : JSON.stringify(order.value))

const show = Command.make(
  "show",
  { ...connection, device, program },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(found(flags)(sendTo(placeOf(flags), "GetProgram", {}, ProgramView)))
    if (flags.json) return yield* Console.log(JSON.stringify(view, null, 2))
    const now = yield* Clock.currentTimeMillis
    const { report, since, lines, values } = view
    const facts = [
      `${report.name} on ${view.device}: ${report.state} for ${ago(now - since)}`,
      ...(report.version === undefined ? [] : [`version ${report.version}, image ${report.sha256 ?? "unknown"}`]),
      ...(report.detail === undefined ? [] : [report.detail]),
      ...values.map(({ id, value }) => `value ${id} = ${value}`),
      ...lines.slice(-20).map(({ text }) => `| ${text}`)
    ]
    yield* Console.log(facts.join("\n"))
  })
).pipe(Command.withDescription("Show a program: state, watched values, its last lines"))

const control = (act: ProgramAct, about: string) =>
  Command.make(
    act,
    { ...connection, device, program },
    Effect.fn(function* (flags) {
      const order = yield* connected(flags)(carriedOut(flags, "Control", { act }))
      yield* done(flags.json, order)
    })
  ).pipe(Command.withDescription(about))

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
    argument: Argument.String("argument").pipe(Argument.optional),
    ttl: wholeNumber("ttl", 1, 86_400).pipe(
      Flag.withDescription("Seconds after which it is no longer begun"),
      Flag.withDefault(30)
    )
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
          {
            item: CommandView,
            isEnd: ({ state }) => state === "done"
          }
        )
      })
    )
    if (end.code === codes.ESRCH) return yield* connected(flags)(missing(flags.device, flags.program))
    if (end.code !== undefined && end.code !== 0)
      return yield* new BoardRefused({
        what: `${flags.command} of ${flags.program} on ${flags.device}`,
        code: end.code,
        ...detailOf(end, `${flags.program} has no command ${flags.command}`)
      })
    yield* Console.log(flags.json ? JSON.stringify(end, null, 2) : JSON.stringify(end.value ?? null))
  })
).pipe(Command.withDescription("Call a command of a program and print its result"))

const target = Argument.String("mailbox").pipe(Argument.withDescription("Name of the mailbox, as app:log"))

const noMailbox = (mailbox: string): string => `there is no mailbox ${mailbox}; their names are as app:log`

const mail = Command.make(
  "send",
  { ...connection, device, program, target, text: Argument.String("text") },
  Effect.fn(function* (flags) {
    const data = Buffer.from(flags.text, "utf8").toString("base64")
    const order = yield* connected(flags)(
      carriedOut(flags, "SendMail", { target: flags.target, data }, noMailbox(flags.target))
    )
    yield* done(flags.json, order)
  })
).pipe(Command.withDescription("Put a message into a mailbox of a program"))

const tap = Command.make(
  "tap",
  { ...connection, device, program, target },
  Effect.fn(function* (flags) {
    const place = placeOf(flags)
    let seenAt = 0
    const begin = carriedOut(flags, "TapMail", { target: flags.target, on: true }, noMailbox(flags.target))
    yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        yield* begin
        seenAt = yield* Clock.currentTimeMillis
        yield* client.Watch({ ...place, message: "Watch", payload: {} }).pipe(
          Stream.mapEffect((value) => Effect.orDie(Schema.decodeUnknownEffect(ProgramView)(value))),
          // Somebody else who followed it has ended: this one goes on.
          Stream.tap(({ orders }) => (isOff(orders, `tap ${flags.target}`) ? begin : Effect.void)),
          Stream.runForEach(({ mail: messages }) => {
            const fresh = messages.filter((message) => message.target === flags.target && message.at > seenAt)
            seenAt = Math.max(seenAt, ...fresh.map(({ at }) => at))
            return Effect.forEach(fresh, (message) =>
              Console.log(flags.json ? JSON.stringify(message) : Buffer.from(message.data, "base64").toString("utf8"))
            )
          }),
          Effect.ensuring(Effect.ignore(carriedOut(flags, "TapMail", { target: flags.target, on: false })))
        )
      })
    )
  })
).pipe(Command.withDescription("Follow the messages of a mailbox until Ctrl-C"))

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
    mail,
    tap
  ])
)

// -------------------------------------------------------------------------------------------------------------- values

const valueId = Argument.String("value").pipe(
  Argument.withDescription("Name of the value, or its number (group × 256 + id)")
)
const noValue = ({ device, program }: { readonly device: string; readonly program: string }, value: string): string =>
  `there is no value ${value}; holon value get ${device} ${program} lists them`
const idOf = (text: string): number | string => (/^\d{1,5}$/.test(text) ? Number(text) : text)

const get = Command.make(
  "get",
  { ...connection, device, program, value: valueId.pipe(Argument.optional) },
  Effect.fn(function* (flags) {
    const ids = Option.isSome(flags.value) ? { ids: [idOf(flags.value.value)] } : {}
    const order = yield* connected(flags)(carriedOut(flags, "ReadValues", ids))
    const only = Array.isArray(order.value) ? order.value[0] : undefined
    // A value that was named and cannot be read is a failure; among all of them it is one line.
    if (Option.isSome(flags.value) && Array.isArray(only) && only[1] === null)
      return yield* new BoardRefused({
        what: `value ${flags.value.value} of ${programId(flags.device, flags.program)}`,
        code: Number(only[2]),
        ...(only[2] === codes.ENOENT && { detail: noValue(flags, flags.value.value) })
      })
    if (flags.json || !Array.isArray(order.value)) return yield* done(flags.json, order)
    const rows = order.value.map((row: Schema.Json) => {
      const [id, value, code] = Array.isArray(row) ? row : []
      return [String(id), value === null ? `code ${String(code)}` : String(value)]
    })
    yield* Console.log(table(["value", "is"], rows))
  })
).pipe(Command.withDescription("Ask a board for a program's values"))

const set = Command.make(
  "set",
  {
    ...connection,
    device,
    program,
    value: valueId,
    to: Argument.String("to"),
    level: wholeNumber("level", 0, 3).pipe(
      Flag.withDescription("Authorisation level: 0 public, 1 user, 2 admin, 3 factory"),
      Flag.withDefault(1)
    )
  },
  Effect.fn(function* (flags) {
    const number = Number(flags.to)
    const value = flags.to.trim() !== "" && Number.isFinite(number) ? number : flags.to
    const order = yield* connected(flags)(
      carriedOut(flags, "SetValue", { id: idOf(flags.value), value, level: flags.level }, noValue(flags, flags.value))
    )
    yield* done(flags.json, order)
  })
).pipe(Command.withDescription("Set a program's value"))

const watch = Command.make(
  "watch",
  {
    ...connection,
    device,
    program,
    value: valueId,
    epsilon: finiteNumber("epsilon", 0, 1e9).pipe(Flag.withDescription("Least change that is told"), Flag.optional),
    rate: wholeNumber("rate", 0, 3_600_000).pipe(
      Flag.withDescription("Least time between two, ms"),
      Flag.withDefault(100)
    )
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags)
    const id = idOf(flags.value)
    let shownAt = -1
    yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const limits = {
          rateMillis: flags.rate,
          ...(Option.isSome(flags.epsilon) && { epsilon: flags.epsilon.value })
        }
        const begin = carriedOut(flags, "WatchValue", { id, on: true, ...limits }, noValue(flags, flags.value))
        yield* begin
        yield* client.Watch({ ...place, message: "Watch", payload: {} }).pipe(
          Stream.mapEffect((value) => Effect.orDie(Schema.decodeUnknownEffect(ProgramView)(value))),
          Stream.tap(({ orders }) => (isOff(orders, `watch ${id}`) ? begin : Effect.void)),
          Stream.runForEach(({ values }) => {
            const told = values.find((value) => value.id === id)
            if (told === undefined || told.at <= shownAt) return Effect.void
            shownAt = told.at
            return Console.log(flags.json ? JSON.stringify(told) : `${new Date(told.at).toISOString()} ${told.value}`)
          }),
          Effect.ensuring(Effect.ignore(carriedOut(flags, "WatchValue", { id, on: false })))
        )
      })
    )
  })
).pipe(Command.withDescription("Follow a program's value until Ctrl-C"))

export const values = Command.make("value").pipe(
  Command.withDescription("Values of programs"),
  Command.withSubcommands([get, set, watch])
)
