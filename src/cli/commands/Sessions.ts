/** `holon session`: what can be done with one provisioning session. */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { SessionView } from "../../protocol/Session.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"

const abort = Command.make(
  "abort",
  {
    ...connection,
    id: Argument.String("session").pipe(Argument.withDescription("Id of the session; holon sessions shows them")),
    reason: Flag.String("reason").pipe(Flag.withDescription("What others are to read of it"), Flag.optional)
  },
  Effect.fn(function* (flags) {
    const place = { kind: "session", id: flags.id }
    const payload = flags.reason._tag === "Some" ? { reason: flags.reason.value } : {}
    const view = yield* connected(flags)(sendTo(place, "Abort", payload, SessionView))
    yield* print(flags, view, () => `session ${view.id} is over: ${view.device} keeps what it had`)
  })
).pipe(
  Command.withDescription("End a session whose image is not installed yet; the board forgets what it was sent"),
  examples(["ID"], ["ID --reason 'wrong image'"])
)

export const session = Command.make("session").pipe(
  Command.withDescription("One provisioning session"),
  Command.withSubcommands([abort])
)
