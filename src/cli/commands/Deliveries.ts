/** `holon deliveries`: what patterns found on its way to the targets beyond the cluster, and what did not arrive. */
import { Clock, Console, Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { DeadPage, DeliveryView, deliveryIdOf, Letter, shownTarget } from "../../protocol/Delivery.ts"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { lineCount } from "../Numbers.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"

const target = Argument.String("target").pipe(
  Argument.withDescription("Id of the target, which holon deliveries ls shows, or its whole address")
)
const matches = Argument.String("match").pipe(Argument.withDescription("Ids of matches"), Argument.variadic())

const isId = (text: string): boolean => /^(?:webhook|mqtt):[0-9a-f]{32}$/.test(text)

/** The id that a target has, of what somebody typed: an id, `https://…` or `mqtt:alarms/hall`. */
const idOf = (typed: string): string => {
  if (isId(typed)) return typed
  if (/^https?:\/\//.test(typed)) return deliveryIdOf({ _tag: "Webhook", url: typed })
  return typed.startsWith("mqtt:") ? deliveryIdOf({ _tag: "Mqtt", topic: typed.slice("mqtt:".length) }) : typed
}

const placeOf = (typed: string): Place => ({ kind: "delivery", id: idOf(typed) })

const nameOf = ({ target }: DeliveryView): string => (target === undefined ? "" : shownTarget(target))

/** In few words what keeps its letters, if anything does. */
const stateOf = ({ state, suspended, away }: DeliveryView, now: number): string => {
  const words = suspended === undefined ? [] : [`suspended: ${suspended.reason}`]
  if (away !== undefined) {
    const wait = away.nextAt > now ? `in ${ago(away.nextAt - now)}` : "now"
    words.push(`away for ${ago(now - away.since)}, asked again ${wait}`)
  }
  return words.length === 0 ? state : words.join("; ")
}

const ls = Command.make(
  "ls",
  { ...connection },
  Effect.fn(function* (flags) {
    const looked = yield* connected(flags)(lookThrough("delivery", "GetState", DeliveryView))
    const found = looked.map(({ id, value }) => ({ id, ...value }))
    const now = yield* Clock.currentTimeMillis
    const rows = found.map((view) => [
      view.id,
      nameOf(view),
      stateOf(view, now),
      view.queued,
      view.oldestAt === undefined ? "" : ago(now - view.oldestAt),
      view.dead,
      view.delivered,
      view.dropped
    ])
    yield* print(flags, found, () =>
      found.length === 0
        ? "no deliveries yet"
        : table(["id", "target", "state", "queued", "oldest", "dead", "delivered", "dropped"], rows)
    )
  })
).pipe(
  Command.withDescription(
    "List targets, with what waits, is dead and has arrived; of one that is away since when, and when it is asked next"
  ),
  examples([""])
)

const letterLine = (now: number) => (letter: DeadPage["letters"][number]) => [
  letter.matchId,
  letter.pattern,
  letter.key,
  letter.attempts,
  `${ago(now - (letter.deadAt ?? letter.at))} ago`,
  letter.lastError ?? ""
]

const show = Command.make(
  "show",
  {
    ...connection,
    target,
    match: Argument.String("match").pipe(
      Argument.withDescription("Id of a match: its letter, whole"),
      Argument.optional
    ),
    limit: lineCount("limit").pipe(usually("Dead letters at most", 100))
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.target)
    if (flags.match._tag === "Some") {
      const letter = yield* connected(flags)(sendTo(place, "GetLetter", { matchId: flags.match.value }, Letter))
      return yield* Console.log(JSON.stringify(letter, null, 2))
    }
    const { view, page } = yield* connected(flags)(
      Effect.gen(function* () {
        return {
          view: yield* sendTo(place, "GetState", {}, DeliveryView),
          page: yield* sendTo(place, "GetDead", { limit: flags.limit }, DeadPage)
        }
      })
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, { id: idOf(flags.target), ...view, letters: page.letters }, () => {
      const { queued, inFlight, dead, delivered } = view
      const state = stateOf(view, now)
      const cause = view.away === undefined ? "" : ` (${view.away.lastError})`
      const held = state === view.state ? "" : `${state}${cause}; `
      const counts = `${held}${queued} queued, ${inFlight} under way, ${dead} dead, ${delivered} delivered`
      const rows = page.letters.map(letterLine(now))
      const letters =
        rows.length === 0 ? "" : `\n${table(["match", "pattern", "key", "attempts", "dead", "cause"], rows)}`
      const more = page.next === undefined ? "" : `\nand ${dead - rows.length} more; --limit shows up to 1000`
      return `${nameOf(view)}\n${counts}${letters}${more}`
    })
  })
).pipe(
  Command.withDescription("Show one target and its dead letters with their causes, or one letter whole"),
  examples(["https://hall.example/alarms"], ["webhook:9c1f… MATCH", "What the target would get"])
)

/** Neither names nor `--all`: nobody gives up thousands of letters by a word forgotten. */
export class NothingNamed extends Schema.TaggedError<NothingNamed>()("NothingNamed", {}) {
  override get message() {
    return "name matches, or say --all"
  }
}

const Count = Schema.Struct({ count: Schema.Int })

const selectedOf = (flags: { readonly matches: ReadonlyArray<string>; readonly all: boolean }) =>
  flags.matches.length === 0 && !flags.all
    ? Effect.fail(new NothingNamed())
    : Effect.succeed(flags.matches.length === 0 ? {} : { matchIds: [...flags.matches] })

const replay = Command.make(
  "replay",
  { ...connection, target, matches, all: toggle("all", "All dead letters of the target") },
  Effect.fn(function* (flags) {
    const selected = yield* selectedOf(flags)
    const { count } = yield* connected(flags)(sendTo(placeOf(flags.target), "Replay", selected, Count))
    yield* print(flags, { count }, () => `${count} tried again`)
  })
).pipe(
  Command.withDescription("Try dead letters again"),
  examples(["webhook:9c1f… --all"], ["webhook:9c1f… MATCH", "One of them"])
)

const drop = Command.make(
  "drop",
  {
    ...connection,
    target,
    matches,
    all: toggle("all", "All dead letters of the target"),
    queued: toggle("queued", "With --all also what still waits")
  },
  Effect.fn(function* (flags) {
    const selected = yield* selectedOf(flags)
    const payload = { ...selected, queued: flags.queued }
    const { count } = yield* connected(flags)(sendTo(placeOf(flags.target), "Drop", payload, Count))
    yield* print(flags, { count }, () => `${count} given up`)
  })
).pipe(Command.withDescription("Give letters up for good"), examples(["webhook:9c1f… --all"], ["webhook:9c1f… MATCH"]))

const change = (command: string, message: string, about: string) =>
  Command.make(
    command,
    { ...connection, target },
    Effect.fn(function* (flags) {
      const view = yield* connected(flags)(sendTo(placeOf(flags.target), message, {}, DeliveryView))
      yield* print(flags, view, () => `${nameOf(view)} is ${view.state}`)
    })
  ).pipe(Command.withDescription(about), examples(["webhook:9c1f…"]))

export const deliveries = Command.make("deliveries").pipe(
  Command.withDescription("What patterns found, on its way to web servers and MQTT topics"),
  Command.withSubcommands([
    ls,
    show,
    replay,
    drop,
    change("suspend", "Suspend", "Take nothing new for a target; what waits goes on"),
    change("resume", "Resume", "Take letters again for a target that is suspended, and ask one that is away at once")
  ])
)
