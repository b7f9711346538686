/** `holon subscription`: durable groups of consumers of the event stream. */
import { hostname } from "node:os"
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Pulled, SubscriptionView, waitMillisMax } from "../../protocol/Subscription.ts"
import { attemptsMaxDefault } from "../../protocol/SubscriptionState.ts"
import { toggle, usually } from "../Defaults.ts"
import { lineOf } from "../EventLine.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { finiteNumber, timeSpan, wholeNumber } from "../Numbers.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"
import { dead, drop, replay } from "./SubscriptionsDead.ts"

const name = Argument.String("name").pipe(Argument.withDescription("Name of the subscription, as alarms"))
const placeOf = (id: string): Place => ({ kind: "subscription", id })

const consumer = Flag.String("consumer").pipe(
  Flag.withDescription(
    "Name of this consumer in its group (default: that of this machine; with --follow also of the process)"
  ),
  Flag.optional
)

/** Two that follow on one machine share the work; what one command got, the next one may acknowledge. */
const consumerOf = (flag: Option.Option<string>, isFollowing: boolean): string => {
  const machine = hostname().slice(0, 40)
  return Option.getOrElse(flag, () => (isFollowing ? `${machine}-${process.pid}` : machine))
}

/** It says of no event that it is done. */
export class NothingAcknowledged extends Schema.TaggedError<NothingAcknowledged>()("NothingAcknowledged", {}) {
  override get message() {
    return "name the cursors that are done, or say --up-to CURSOR"
  }
}

const text = (flag: string, about: string) => Flag.String(flag).pipe(Flag.withDescription(about), Flag.optional)

const given = <Name extends string, A>(key: Name, value: Option.Option<A>): { readonly [N in Name]?: A } =>
  Option.isNone(value) ? {} : ({ [key]: value.value } as { readonly [N in Name]: A })

const create = Command.make(
  "create",
  {
    ...connection,
    name,
    topic: text("topic", "Only events with a topic of this glob, VSM.ZONE.TYPE.SEVERITY such as 'root.hall.*.error'"),
    where: text("where", "Only events that fulfil this condition, such as 'severity == \"error\"'"),
    source: text("source", "Only what this actor says, such as device/press-1"),
    samples: toggle("samples", "Also what boards measure, which is kept for a day"),
    after: text("after", "Begin behind this cursor, which holon events --json shows (default: from now on)"),
    all: toggle("all", "Begin with the oldest event there is"),
    maxInFlight: wholeNumber("max-in-flight", 1, 1000).pipe(
      usually("Events that the group may have without having acknowledged them", 100)
    ),
    ackWithin: finiteNumber("ack-within", 0.1, 3600).pipe(
      usually("Seconds after which an event comes again that is not acknowledged", 30)
    ),
    attempts: wholeNumber("attempts", 1, 1000).pipe(
      usually("How often an event is given out before it is put aside as dead", attemptsMaxDefault)
    )
  },
  Effect.fn(function* (flags) {
    const payload = {
      ...given("topic", flags.topic),
      ...given("where", flags.where),
      ...given("source", flags.source),
      ...given("after", flags.after),
      ...(flags.all && { since: 0 }),
      samples: flags.samples,
      maxInFlight: flags.maxInFlight,
      ackWithinMillis: Math.round(flags.ackWithin * 1000),
      attemptsMax: flags.attempts
    }
    const view = yield* connected(flags)(sendTo(placeOf(flags.name), "Create", payload, SubscriptionView))
    yield* print(flags, view, () => `subscription ${flags.name} is there; next: holon subscription pull ${flags.name}`)
  })
).pipe(
  Command.withDescription("Begin a group of consumers; one that is there with the same settings stays as it is"),
  examples(
    ["alarms --where 'severity == \"error\"'", "Errors from now on"],
    ["hall --topic 'root.hall.*.error'", "Errors in one zone and those below it"],
    ["all-of-press-1 --source device/press-1 --all", "All that one board's device ever said"]
  )
)

const ls = Command.make(
  "ls",
  { ...connection },
  Effect.fn(function* (flags) {
    const looked = yield* connected(flags)(lookThrough("subscription", "GetState", SubscriptionView))
    const found = looked.map(({ id, value }) => ({ id, ...value })).filter(({ state }) => state !== "removed")
    const now = yield* Clock.currentTimeMillis
    const rows = found.map(({ id, state, suspended, settings, inFlight, lapsed, dead, done, oldestAt, position }) => [
      id,
      suspended === undefined ? state : `suspended: ${suspended.reason ?? "silence"}`,
      inFlight,
      lapsed,
      dead,
      done,
      oldestAt === undefined ? "" : ago(now - oldestAt),
      position ?? "",
      [settings?.source, settings?.topic, settings?.where].filter((each) => each !== undefined).join(", ")
    ])
    yield* print(flags, found, () =>
      found.length === 0
        ? "no subscriptions yet"
        : table(["subscription", "state", "in flight", "lapsed", "dead", "done", "backlog", "position", "what"], rows)
    )
  })
).pipe(
  Command.withDescription("List subscriptions, with what they have in flight and how old their backlog is"),
  examples([""])
)

/** The first pull of an actor that has just woken finds nothing: it only has the stream read. */
const patienceMillis = 500

const pull = Command.make(
  "pull",
  {
    ...connection,
    name,
    consumer,
    max: wholeNumber("max", 1, 1000).pipe(usually("Events at a time", 100)),
    wait: timeSpan("wait", waitMillisMax).pipe(
      Flag.withDescription("How long to wait while there is nothing, such as 20s (default: 500ms; at most 30s)"),
      Flag.withDefault(patienceMillis)
    ),
    follow: toggle("follow", "Acknowledge what was printed and go on, until Ctrl-C")
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.name)
    const self = consumerOf(flags.consumer, flags.follow)
    const asked = { consumer: self, max: flags.max, waitMillis: flags.follow ? waitMillisMax : flags.wait }
    const show = ({ events }: Pulled) =>
      Effect.forEach(
        events,
        (each) => Console.log(flags.json ? JSON.stringify(each) : `${each.cursor}  ${lineOf(each)}`),
        { discard: true }
      )
    const pullOnce = sendTo(place, "Pull", asked, Pulled)
    const acknowledge = ({ events }: Pulled) =>
      sendTo(
        place,
        "Ack",
        { consumer: self, cursors: events.map(({ cursor }) => cursor) },
        Schema.Struct({ acknowledged: Schema.Int })
      )
    const once = Effect.gen(function* () {
      const pulled = yield* pullOnce
      yield* show(pulled)
      if (pulled.events.length > 0) yield* acknowledge(pulled)
    })
    const some = Effect.gen(function* () {
      const pulled = yield* pullOnce
      yield* show(pulled)
      if (pulled.events.length === 0) yield* Console.error("nothing to lend now")
    })
    yield* connected(flags)(flags.follow ? Effect.forever(once) : some)
  })
).pipe(
  Command.withDescription(
    "Get events, one line each with its cursor. They come again until they are acknowledged; with --follow, what was printed is."
  ),
  examples(
    ["alarms", "What is there now; acknowledge it with holon subscription ack"],
    ["alarms --wait 20s", "The same, or the first that comes in 20 seconds"],
    ["alarms --follow --json", "For a script that stands behind a pipe"]
  )
)

const ack = Command.make(
  "ack",
  {
    ...connection,
    name,
    cursors: Argument.String("cursor").pipe(
      Argument.withDescription("Cursors of events, as pull shows them"),
      Argument.variadic()
    ),
    upTo: text("up-to", "All that this consumer has up to this cursor"),
    consumer
  },
  Effect.fn(function* (flags) {
    const { cursors, upTo } = flags
    if (cursors.length === 0 && Option.isNone(upTo)) return yield* new NothingAcknowledged()
    const payload = {
      consumer: consumerOf(flags.consumer, false),
      ...(cursors.length > 0 && { cursors: [...cursors] }),
      ...given("upTo", upTo)
    }
    const reply = Schema.Struct({ acknowledged: Schema.Int, unknown: Schema.Int })
    const taken = yield* connected(flags)(sendTo(placeOf(flags.name), "Ack", payload, reply))
    const unknown = taken.unknown === 0 ? "" : `, ${taken.unknown} unknown: another consumer has them, or they are done`
    yield* print(flags, taken, () => `${taken.acknowledged} acknowledged${unknown}`)
  })
).pipe(
  Command.withDescription("Acknowledge events: the group gets them no more"),
  examples(["alarms 731.5 731.6 --consumer me"], ["alarms --up-to 731.6 --consumer me"])
)

const nack = Command.make(
  "nack",
  {
    ...connection,
    name,
    cursors: Argument.String("cursor").pipe(
      Argument.withDescription("Cursors of events, as pull shows them"),
      Argument.variadic({ min: 1 })
    ),
    delay: timeSpan("delay", 3_600_000).pipe(
      Flag.withDescription("Nobody gets them before, such as 30s or 10m (default: at once)"),
      Flag.withDefault(0)
    ),
    reason: text("reason", "What is wrong; stands with an event that is dead"),
    consumer
  },
  Effect.fn(function* (flags) {
    const payload = {
      consumer: consumerOf(flags.consumer, false),
      cursors: [...flags.cursors],
      delayMillis: flags.delay,
      ...given("reason", flags.reason)
    }
    const reply = Schema.Struct({ released: Schema.Int })
    const back = yield* connected(flags)(sendTo(placeOf(flags.name), "Nack", payload, reply))
    yield* print(flags, back, () => `${back.released} given back, with those of their sources behind them`)
  })
).pipe(
  Command.withDescription("Give events back: they come again, until they are dead"),
  examples(["alarms 731.5 --consumer me --delay 30s --reason 'the printer is out of paper'"])
)

const change = (command: string, message: string, said: string, about: string) =>
  Command.make(
    command,
    { ...connection, name },
    Effect.fn(function* (flags) {
      const view = yield* connected(flags)(sendTo(placeOf(flags.name), message, {}, SubscriptionView))
      yield* print(flags, view, () => `subscription ${flags.name} ${said}`)
    })
  ).pipe(Command.withDescription(about), examples(["alarms"]))

export const subscription = Command.make("subscription").pipe(
  Command.withDescription("Groups of consumers that share the event stream"),
  Command.withSubcommands([
    create,
    ls,
    pull,
    ack,
    nack,
    dead,
    replay,
    drop,
    change("resume", "Resume", "goes on", "Lend again after it was suspended, from where it stood"),
    change("rm", "Remove", "is gone, with its position", "End a group and forget its position")
  ])
)
