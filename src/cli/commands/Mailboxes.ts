/** `holon program send` and `tap`: messages into mailboxes of programs, and copies of what passes through them. */
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { added } from "../Added.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { carriedOut, followed } from "../Orders.ts"
import { print } from "../Print.ts"
import { device, program } from "../Programs.ts"

const mailbox = Argument.String("mailbox").pipe(Argument.withDescription("Name of the mailbox, as app:log"))

const noMailbox = (name: string): string => `there is no mailbox ${name}; their names are as app:log`

export const send = Command.make(
  "send",
  {
    ...connection,
    device,
    program,
    mailbox,
    text: Argument.String("text").pipe(Argument.withDescription("The message, which travels as UTF-8"))
  },
  Effect.fn(function* (flags) {
    const data = Buffer.from(flags.text, "utf8").toString("base64")
    const order = yield* connected(flags)(
      carriedOut(flags, {
        message: "SendMail",
        payload: { target: flags.mailbox, data },
        absent: noMailbox(flags.mailbox)
      })
    )
    yield* print(flags, order, () => `${Buffer.byteLength(flags.text)} bytes are in ${flags.mailbox}`)
  })
).pipe(Command.withDescription("Put a message into a mailbox of a program"), examples(["press-1 echo app:echo hello"]))

export const tap = Command.make(
  "tap",
  { ...connection, device, program, mailbox },
  Effect.fn(function* (flags) {
    const target = flags.mailbox
    yield* connected(flags)(
      followed(
        flags,
        {
          what: `tap ${target}`,
          begin: { message: "TapMail", payload: { target, on: true }, absent: noMailbox(target) },
          end: { message: "TapMail", payload: { target, on: false } }
        },
        ({ mail }, before) =>
          Effect.forEach(
            added(before.mail, mail).filter((message) => message.target === target),
            (message) =>
              Console.log(flags.json ? JSON.stringify(message) : Buffer.from(message.data, "base64").toString("utf8")),
            { discard: true }
          )
      )
    )
  })
).pipe(
  Command.withDescription("Follow the messages of a mailbox until Ctrl-C"),
  examples(["press-1 echo app:echo.reply"])
)
