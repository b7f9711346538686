/** `holon serial`: boards at the other end of a serial line, and images for them. They need no cluster. */
import { basename, join } from "node:path"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { realClock } from "../../../devices/agent/RealTime.ts"
import { openSerial, type SerialLine } from "../../../devices/provisioning/transports/SerialLine.ts"
import { UartChannel } from "../../../devices/provisioning/transports/UartFraming.ts"
import { uartClient } from "../../../devices/provisioning/transports/UartLoad.ts"
import { examples } from "../Examples.ts"
import { boardFlags, fieldBoard } from "../FieldBoards.ts"
import { firstXfer, imageToPush, proofFlags, pushedLine, pushFlags, pushThrough } from "../FieldPush.ts"
import { wholeNumber } from "../Numbers.ts"

/** The line cannot be opened. */
export class LineRefused extends Schema.TaggedError<LineRefused>()("LineRefused", {
  port: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the serial line ${this.port} cannot be opened: ${this.reason}`
  }
}

/** The line went away while it was in use. */
export class LineGone extends Schema.TaggedError<LineGone>()("LineGone", {
  port: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the serial line ${this.port} has gone (${this.reason})`
  }
}

const lineFlags = {
  port: Argument.String("port").pipe(Argument.withDescription("The line, as /dev/ttyUSB0")),
  baud: wholeNumber("baud", 50, 4_000_000).pipe(
    Flag.withDescription("Bits in a second, the same at both ends"),
    Flag.withDefault(115_200)
  ),
  rtscts: Flag.Boolean("rtscts").pipe(
    Flag.withDescription("RTS and CTS say who may send; both ends and the cable must know them"),
    Flag.withDefault(false)
  )
}

interface LineFlags {
  readonly port: string
  readonly baud: number
  readonly rtscts: boolean
}

/** What was written may hang on a line that takes nothing; the end of a command does not wait for that. */
const closeMillis = 1000

/** The line for as long as the scope is open, and the error of the moment it goes away. */
const opened = Effect.fnUntraced(function* ({ baud, port, rtscts }: LineFlags) {
  const settings = { path: port, baudRate: baud, isFlowControlled: rtscts }
  const line = yield* Effect.acquireRelease(
    Effect.flatMap(
      Effect.promise(() => openSerial(settings)),
      (result) =>
        Result.isSuccess(result)
          ? Effect.succeed(result.success)
          : Effect.fail(new LineRefused({ port, reason: result.failure }))
    ),
    (open) =>
      Effect.callback<void>((resume) => open.close(() => resume(Effect.void))).pipe(Effect.timeoutOption(closeMillis))
  )
  return { line, gone: goneOf(line, port) }
})

const goneOf = (line: SerialLine, port: string) =>
  Effect.callback<never, LineGone>((resume) => {
    line.onGone((reason) => resume(Effect.fail(new LineGone({ port, reason }))))
  })

const board = Command.make(
  "board",
  {
    ...lineFlags,
    node: wholeNumber("node", 0, 126).pipe(
      Flag.withDescription("Number of the board, by which the list of a card may mean it"),
      Flag.withDefault(0)
    ),
    ...boardFlags(".holon/serial-PORT")
  },
  Effect.fn(function* (flags) {
    const name = basename(flags.port)
    const { gone, line } = yield* opened(flags)
    yield* fieldBoard({
      folder: Option.getOrElse(flags.memories, () => join(".holon", `serial-${name}`)),
      flags,
      ways: { node: flags.node, line: { channel: new UartChannel(line), name } }
    })
    yield* Console.log(`simulated board is on the line ${flags.port}; Ctrl-C ends it`)
    return yield* gone
  }, Effect.scoped)
).pipe(
  Command.withDescription("Put a simulated board on a serial line; its programs come over the line or a card"),
  examples(["/dev/ttyUSB0"], ["/dev/ttyUSB0 --baud 9600 --memories my-board", "Slower, with its memories there"])
)

const push = Command.make(
  "push",
  { ...lineFlags, ...pushFlags, ...proofFlags },
  Effect.fn(function* (flags) {
    const image = yield* imageToPush(flags)
    const { gone, line } = yield* opened(flags)
    const client = uartClient(new UartChannel(line), yield* realClock, firstXfer(), flags.baud)
    const name = `the board on ${flags.port}`
    const pushed = yield* Effect.raceFirst(pushThrough(client, image, flags, name), gone)
    yield* Console.log(flags.json ? JSON.stringify({ port: flags.port, ...pushed }) : pushedLine(name, pushed))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Bring an image to the board at the other end of a serial line"),
  examples(["/dev/ttyUSB0 blink.hxe"], ["/dev/ttyUSB0 blink.hxe --key ada.pem", "Signed inside"])
)

export const serial = Command.make("serial").pipe(
  Command.withDescription("A board at the other end of a serial line, and images for it"),
  Command.withSubcommands([board, push])
)
