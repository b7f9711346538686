/** `holon send`: one message from a script. */
import { Console, Effect, Option, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { checkMessage } from "../MessageCheck.ts"

/** The payload is no JSON. */
export class PayloadMalformed extends Schema.TaggedError<PayloadMalformed>()("PayloadMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `the payload is not JSON (${this.reason}); quote it, as '{"patch":{"led":"on"}}'`
  }
}

const parse = (text: string) =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => new PayloadMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
  })

export const send = Command.make(
  "send",
  {
    ...connection,
    kind: Argument.String("actor").pipe(Argument.withDescription("Kind of actor, as device")),
    id: Argument.String("id").pipe(Argument.withDescription("Its id, as press-1")),
    message: Argument.String("message").pipe(Argument.withDescription("As SetDesired")),
    payload: Argument.String("json").pipe(
      Argument.withDescription("Payload as JSON (default {})"),
      Argument.withDefault("{}")
    ),
    requestId: Flag.String("request-id").pipe(
      Flag.withDescription("UUIDv7 that makes a repeat safe: the actor answers what it answered first"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const { kind, id, message } = flags
    const payload = yield* Effect.fromResult(parse(flags.payload))
    const reply = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const checked = yield* checkMessage(yield* client.Describe(), kind, message, payload)
        const requestId = Option.getOrUndefined(flags.requestId)
        return yield* client.Send({
          kind,
          id,
          message,
          payload: checked,
          ...(requestId !== undefined && { requestId })
        })
      })
    )
    yield* Console.log(JSON.stringify(reply, null, flags.json ? undefined : 2))
  })
).pipe(
  Command.withDescription("Send one message to an actor"),
  examples(["device press-1 GetTwin"], ['device press-1 SetDesired \'{"patch":{"led":"on"}}\''])
)
