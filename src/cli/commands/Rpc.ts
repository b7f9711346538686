/** `holon rpc`: asks a board of this machine directly, over its own line. It needs no cluster. */
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { joinLine, type LineClient } from "../BoardLine.ts"
import { examples } from "../Examples.ts"
import { BoardRefused } from "../Following.ts"

/** What is no request. */
export class NoRequest extends Schema.TaggedError<NoRequest>()("NoRequest", { text: Schema.String }) {
  override get message() {
    return `${this.text} is no request: write the name of a command, as ps, or a JSON object, as '{"cmd":"pause","pid":1}'`
  }
}

/** What of an answer decides how it goes on. */
const Answer = Schema.Struct({
  status: Schema.Literals(["ok", "error"]),
  errno: Schema.optionalKey(Schema.Int),
  detail: Schema.optionalKey(Schema.String),
  session: Schema.optionalKey(Schema.Unknown),
  events: Schema.optionalKey(Schema.Unknown)
})
const OwnSession = Schema.Struct({ id: Schema.String, heartbeat_s: Schema.Finite })
const Event = Schema.Struct({ seq: Schema.Int })

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))
const decodeAnswer = Schema.decodeUnknownEffect(Schema.fromJsonString(Answer))
const decodeEvent = Schema.decodeUnknownOption(Schema.fromJsonString(Event))
const decodeSession = Schema.decodeUnknownOption(OwnSession)

const requestOf = (text: string) =>
  /^[\w.]+$/.test(text)
    ? Effect.succeed<Readonly<Record<string, unknown>>>({ cmd: text })
    : Effect.mapError(decodeRequest(text), () => new NoRequest({ text }))

/** Prints events until the line ends. The board is told of each, so that it goes on telling. */
const follow = (line: LineClient, session: typeof OwnSession.Type) => {
  const say = (cmd: string, fields: object = {}) =>
    Effect.sync(() => line.send(JSON.stringify({ cmd, session: session.id, ...fields })))
  const alive = Effect.forever(Effect.delay(say("session.keepalive"), 1000 * (session.heartbeat_s / 3)))
  const printed = Effect.forever(
    Effect.gen(function* () {
      const text = yield* line.next
      yield* Console.log(text)
      const event = decodeEvent(text)
      if (Option.isSome(event)) yield* say("events.ack", { seq: event.value.seq })
    })
  )
  return Effect.raceFirst(printed, alive)
}

export const rpc = Command.make(
  "rpc",
  {
    port: Argument.Int("port").pipe(
      Argument.withDescription("Port of the board's line, as 9998"),
      Argument.filter(
        (value) => value >= 1 && value <= 65_535,
        (value) => `${value} is not between 1 and 65535`
      )
    ),
    requests: Argument.String("request").pipe(
      Argument.withDescription("Name of a command, or a JSON object; several go over one connection, in one session"),
      Argument.variadic({ min: 1 })
    )
  },
  Effect.fn(function* ({ port, requests }) {
    const asked = yield* Effect.forEach(requests, requestOf)
    const line = yield* joinLine(port)
    let session: typeof OwnSession.Type | undefined
    for (const request of asked) {
      line.send(JSON.stringify({ ...(session === undefined ? {} : { session: session.id }), ...request }))
      const text = yield* line.next
      yield* Console.log(text)
      const answer = yield* Effect.orDie(decodeAnswer(text))
      const what = `"${String(request.cmd)}" of the board at port ${port}`
      if (answer.status === "error") {
        return yield* new BoardRefused({ what, code: answer.errno ?? 0, detail: answer.detail ?? "" })
      }
      session = Option.getOrElse(decodeSession(answer.session), () => session)
      if (request.cmd === "events.subscribe" && session !== undefined) return yield* follow(line, session)
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription("Ask a board of this machine directly; start it with --rpc PORT"),
  examples(
    ["9998 ps"],
    [`9998 '{"cmd":"val.set","name":"motor.speed","value":3}'`],
    ["9998 session.open events.subscribe", "Its events, until Ctrl-C"]
  )
)
