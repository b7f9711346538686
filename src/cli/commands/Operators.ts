/** What operators look at and mend: kinds of actors, quarantine, dead letters. */
import { Clock, Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { Client } from "../Client.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { lineCount } from "../Numbers.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"

const limit = lineCount("limit").pipe(usually("At most this many", 100))

export const actors = Command.make(
  "actors",
  connection,
  Effect.fn(function* (flags) {
    const kinds = yield* connected(flags)(Effect.flatMap(Client, (client) => client.Describe()))
    const rows = kinds.flatMap(({ kind, messages }) =>
      messages.map(({ name, delivery, about, heldBack }) => [kind, name, delivery, heldBack ?? about])
    )
    yield* print(flags, kinds, () => table(["kind", "message", "delivery", "about"], rows))
  })
).pipe(Command.withDescription("List the kinds of actors and their messages"), examples([""]))

const quarantineLs = Command.make(
  "ls",
  { ...connection, limit },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.Quarantined({ limit: flags.limit }))
    )
    const now = yield* Clock.currentTimeMillis
    const rows = found.map(({ kind, id, since, cause, attempts }) => [
      kind,
      id,
      `${ago(now - since)} ago`,
      attempts,
      cause
    ])
    yield* print(flags, found, () =>
      found.length === 0 ? "nobody is quarantined" : table(["kind", "id", "since", "failures", "cause"], rows)
    )
  })
).pipe(Command.withDescription("List quarantined actors"), examples([""]))

const release = Command.make(
  "release",
  {
    ...connection,
    kind: Argument.String("kind").pipe(Argument.withDescription("Kind of actor, as device")),
    id: Argument.String("id").pipe(Argument.withDescription("Its id, as press-1"))
  },
  Effect.fn(function* (flags) {
    const { kind, id } = flags
    yield* connected(flags)(Effect.flatMap(Client, (client) => client.Release({ kind, id })))
    yield* print(flags, { released: { kind, id } }, () => `${kind} ${id} is released and wakes`)
  })
).pipe(Command.withDescription("Release a quarantined actor"), examples(["device press-1"]))

export const quarantine = Command.make("quarantine").pipe(
  Command.withDescription("Actors that crashed too often and stand still"),
  Command.withSubcommands([quarantineLs, release])
)

const deadLs = Command.make(
  "ls",
  { ...connection, limit },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.DeadLetters({ limit: flags.limit }))
    )
    const now = yield* Clock.currentTimeMillis
    const rows = found.map(({ number, kind, id, message, at, isRetried, cause }) => [
      number,
      kind,
      id,
      message,
      `${ago(now - at)} ago`,
      isRetried ? "retried" : "",
      cause
    ])
    yield* print(flags, found, () =>
      found.length === 0 ? "no dead letters" : table(["number", "kind", "id", "message", "when", "", "cause"], rows)
    )
  })
).pipe(Command.withDescription("List dead letters"), examples([""]))

const number = Argument.Int("number").pipe(Argument.withDescription("Number of the dead letter, as dead ls shows it"))

const deadShow = Command.make(
  "show",
  { ...connection, number },
  Effect.fn(function* (flags) {
    const letter = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.DeadLetter({ number: flags.number }))
    )
    yield* Console.log(JSON.stringify(letter, null, 2))
  })
).pipe(Command.withDescription("Show one dead letter whole"), examples(["7", "The seventh, as dead ls numbers them"]))

const deadRetry = Command.make(
  "retry",
  { ...connection, number },
  Effect.fn(function* (flags) {
    const reply = yield* connected(flags)(Effect.flatMap(Client, (client) => client.Retry({ number: flags.number })))
    yield* Console.log(JSON.stringify(reply, null, flags.json ? undefined : 2))
  })
).pipe(Command.withDescription("Send a dead letter again"), examples(["7"]))

export const dead = Command.make("dead").pipe(
  Command.withDescription("Messages that were given up, with their causes"),
  Command.withSubcommands([deadLs, deadShow, deadRetry])
)
