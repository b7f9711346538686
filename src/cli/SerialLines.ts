/** Serial lines of this machine as commands open them. */
import { Effect, Result, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import { openSerial, type SerialLine } from "../../devices/provisioning/transports/SerialLine.ts"
import { wholeNumber } from "./Numbers.ts"

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

/** Which line, and how it is set. */
export const serialFlags = {
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

/** The same, said. */
export interface SerialFlags {
  readonly port: string
  readonly baud: number
  readonly rtscts: boolean
}

/** What was written may hang on a line that takes nothing; the end of a command does not wait for that. */
const closeMillis = 1000

/** The line for as long as the scope is open, and the error of the moment it goes away. */
export const openedLine = Effect.fnUntraced(function* ({ baud, port, rtscts }: SerialFlags) {
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
