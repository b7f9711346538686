/** `holon subscription dead|replay|drop`: events that nobody in a group got done. */
import { Clock, Console, Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { DeadEventPage } from "../../protocol/Subscription.ts"
import { DeadEvent } from "../../protocol/SubscriptionState.ts"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { lineCount } from "../Numbers.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"

const name = Argument.String("name").pipe(Argument.withDescription("Name of the subscription, as alarms"))
const cursors = Argument.String("cursor").pipe(
  Argument.withDescription("Cursors of dead events, as dead shows them"),
  Argument.variadic()
)
const placeOf = (id: string): Place => ({ kind: "subscription", id })

/** `holon subscription dead`. */
export const dead = Command.make(
  "dead",
  {
    ...connection,
    name,
    cursor: Argument.String("cursor").pipe(
      Argument.withDescription("Cursor of a dead event: the event, whole"),
      Argument.optional
    ),
    limit: lineCount("limit").pipe(usually("Events at most", 100))
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.name)
    if (flags.cursor._tag === "Some") {
      const event = yield* connected(flags)(sendTo(place, "GetDeadEvent", { cursor: flags.cursor.value }, DeadEvent))
      return yield* Console.log(JSON.stringify(event, null, 2))
    }
    const page = yield* connected(flags)(sendTo(place, "GetDead", { limit: flags.limit }, DeadEventPage))
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, page.events, () => {
      if (page.events.length === 0) return "nothing is dead"
      const rows = page.events.map(({ cursor, type, source, attempts, consumer, deadAt, cause }) => [
        cursor,
        type,
        source,
        attempts,
        consumer,
        `${ago(now - deadAt)} ago`,
        cause
      ])
      const more = page.next === undefined ? "" : "\nand more; --limit shows up to 1000"
      return `${table(["cursor", "type", "source", "attempts", "consumer", "dead", "cause"], rows)}${more}`
    })
  })
).pipe(
  Command.withDescription("Show the events that nobody got done, with their causes, or one of them whole"),
  examples(["alarms"], ["alarms 731.5", "What its consumers got"])
)

/** Neither names nor `--all`: nobody gives up a thousand events by a word forgotten. */
export class NoEventNamed extends Schema.TaggedError<NoEventNamed>()("NoEventNamed", {}) {
  override get message() {
    return "name cursors, or say --all"
  }
}

const Count = Schema.Struct({ count: Schema.Int })

const act = (command: string, message: string, said: string, about: string) =>
  Command.make(
    command,
    { ...connection, name, cursors, all: toggle("all", "All dead events of the group") },
    Effect.fn(function* (flags) {
      if (flags.cursors.length === 0 && !flags.all) return yield* new NoEventNamed()
      const payload = flags.cursors.length === 0 ? {} : { cursors: [...flags.cursors] }
      const { count } = yield* connected(flags)(sendTo(placeOf(flags.name), message, payload, Count))
      yield* print(flags, { count }, () => `${count} ${said}`)
    })
  ).pipe(Command.withDescription(about), examples(["alarms --all"], ["alarms 731.5", "One of them"]))

/** `holon subscription replay`. */
export const replay = act("replay", "Replay", "lent again", "Lend dead events again")
/** `holon subscription drop`. */
export const drop = act("drop", "Drop", "given up", "Give dead events up for good")
