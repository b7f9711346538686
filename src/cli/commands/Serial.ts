/** `holon serial`: boards at the other end of a serial line, and images for them. They need no cluster. */
import { basename, join } from "node:path"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { realClock } from "../../../devices/agent/RealTime.ts"
import { UartChannel } from "../../../devices/provisioning/transports/UartFraming.ts"
import { uartClient } from "../../../devices/provisioning/transports/UartLoad.ts"
import { examples } from "../Examples.ts"
import { boardFlags, fieldBoard } from "../FieldBoards.ts"
import { firstXfer, imageToPush, proofFlags, pushedLine, pushFlags, pushThrough } from "../FieldPush.ts"
import { wholeNumber } from "../Numbers.ts"
import { openedLine, serialFlags } from "../SerialLines.ts"

const board = Command.make(
  "board",
  {
    ...serialFlags,
    node: wholeNumber("node", 0, 126).pipe(
      Flag.withDescription("Number of the board, by which the list of a card may mean it"),
      Flag.withDefault(0)
    ),
    ...boardFlags(".holon/serial-PORT")
  },
  Effect.fn(function* (flags) {
    const name = basename(flags.port)
    const { gone, line } = yield* openedLine(flags)
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
  { ...serialFlags, ...pushFlags, ...proofFlags },
  Effect.fn(function* (flags) {
    const image = yield* imageToPush(flags)
    const { gone, line } = yield* openedLine(flags)
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
