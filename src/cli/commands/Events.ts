/** `holon events`: what happened, and what happens. */
import { Console, Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import type { PlacedEventView } from "../../gateways/http/EventQueries.ts"
import { absence } from "../AbsentFields.ts"
import { Client } from "../Client.ts"
import { toggle } from "../Defaults.ts"
import { lineOf } from "../EventLine.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { treeOf } from "../TraceTree.ts"
import { parameters } from "../Where.ts"

const text = (name: string, about: string) => Flag.String(name).pipe(Flag.withDescription(about), Flag.optional)

const given = <Name extends string, A>(name: Name, value: Option.Option<A>): { readonly [N in Name]?: A } =>
  Option.isNone(value) ? {} : ({ [name]: value.value } as { readonly [N in Name]: A })

/** Events that are looked at for a field, when a condition fits none. */
const lookedMax = 1000

export const events = Command.make(
  "events",
  {
    ...connection,
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withDescription("Go on with what happens from now on, until Ctrl-C"),
      Flag.withDefault(false)
    ),
    since: text("since", "Begin at this time: 2026-11-21T08:00:00Z, or how long ago: 10min, 2h"),
    after: text("after", "Begin behind this cursor, which --json shows"),
    last: wholeNumber("last", 1, 10_000).pipe(
      Flag.withDescription(
        "The last so many events that match, of the last 10000 commits (default: 50; none with --follow)"
      ),
      Flag.optional
    ),
    topic: text("topic", "Only events with a topic of this glob, VSM.ZONE.TYPE.SEVERITY such as 'root.hall.*.error'"),
    where: text("where", "Only events that fulfil this condition, such as 'severity == \"error\"'"),
    parameters,
    source: text("source", "Only what this actor says, such as device/press-1"),
    samples: toggle("samples", "Also what boards measure, which is kept for a day"),
    trace: text("trace", "What followed from this request or event, as a tree: an id, as --json shows under causes")
  },
  Effect.fn(function* (flags) {
    const print = (placed: PlacedEventView) => Console.log(flags.json ? JSON.stringify(placed) : lineOf(placed))
    yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        if (Option.isSome(flags.trace)) {
          const trace = yield* client.Trace({ id: flags.trace.value })
          return yield* flags.json ? Effect.forEach(trace.events, print) : Console.log(treeOf(trace))
        }
        const asked = {
          follow: flags.follow,
          samples: flags.samples,
          ...given("since", flags.since),
          ...given("after", flags.after),
          ...given("last", flags.last),
          ...given("source", flags.source),
          ...given("topic", flags.topic),
          ...given("where", flags.where),
          ...(Object.keys(flags.parameters).length > 0 && { parameters: flags.parameters })
        }
        const count = yield* Stream.runFold(
          Stream.tap(client.Events(asked), print),
          () => 0,
          (seen) => seen + 1
        )
        if (count > 0 || Option.isNone(flags.where)) return
        const { where, last: _, parameters: values, ...rest } = { ...asked, where: flags.where.value }
        const isOpen = rest.since === undefined && rest.after === undefined
        const looked = client.Events({ ...rest, ...(isOpen ? { last: lookedMax } : {}) }).pipe(Stream.take(lookedMax))
        const seen = yield* Stream.runCollect(Stream.map(looked, ({ event }) => event))
        const said = absence(where, seen, flags.samples, values)
        if (said !== undefined) yield* Console.error(said)
      })
    )
  })
).pipe(
  Command.withDescription(
    "What happened, oldest first: what actors and boards said, one line each. With --json one JSON object a line."
  ),
  examples(
    ["--last 20", "The last events"],
    ["--follow --source device/press-1", "What a board does from now on"],
    ["--follow --samples --where 'reported.temp > 60'", "What grows hot"],
    ["--since 10min --json", "Ten minutes, for a script"],
    ["--trace 01a0c450-6c00-7101-8101-010101010101", "What followed from a request or an event"]
  )
)
