/** `holon ops`: orders under way and of late, what came of each, and an end to those that nobody wants any more. */
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { isEnded, OpState, OpSummary, OpView } from "../../protocol/vsm/Op.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { newsOf, opReport, opTable } from "../OpReport.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"

const kind = "dispatcher"
const Listed = Schema.Struct({ ops: Schema.Array(OpSummary) })
const exampleOp = "01930000-0000-7000-8000-000000000001"

const op = Argument.String("op").pipe(Argument.withDescription("Id of the op, as `holon ops ls` shows it"))
const vsm = Flag.String("vsm").pipe(
  Flag.withDescription("VSM whose dispatcher has it; every VSM is looked through when absent"),
  Flag.optional
)

/** The dispatcher that has an op; the one of the root where none shows it in its list. */
const placeOf = (id: string, given: Option.Option<string>) =>
  Effect.gen(function* () {
    if (Option.isSome(given)) return { kind, id: given.value } satisfies Place
    const dispatchers = yield* lookThrough(kind, "ListOps", Listed)
    const has = dispatchers.find(({ value }) => value.ops.some((each) => each.op === id))
    return { kind, id: has?.id ?? rootId } satisfies Place
  })

const ls = Command.make(
  "ls",
  {
    ...connection,
    vsm: Flag.String("vsm").pipe(
      Flag.withDescription("Only those of this VSM; of every VSM when absent"),
      Flag.optional
    ),
    state: Flag.Literals("state", OpState.literals).pipe(
      Flag.withDescription("Only those that are read, under way, or ended"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const dispatchers = yield* connected(flags)(
      Option.isSome(flags.vsm)
        ? Effect.map(sendTo({ kind, id: flags.vsm.value }, "ListOps", {}, Listed), (value) => [
            { id: Option.getOrElse(flags.vsm, () => ""), value }
          ])
        : lookThrough(kind, "ListOps", Listed)
    )
    const ops = dispatchers
      .flatMap(({ id, value }) => value.ops.map((each) => ({ vsm: id, ...each })))
      .filter(({ state }) => Option.getOrElse(flags.state, () => state) === state)
      .sort((one, other) => other.askedAt - one.askedAt)
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, ops, () => (ops.length === 0 ? "nobody has asked for anything" : opTable(ops, now)))
  })
).pipe(
  Command.withDescription("List orders under way and those that ended of late, newest first"),
  examples([""], ["--vsm line-1 --state running"])
)

const show = Command.make(
  "show",
  { ...connection, vsm, op },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(
      Effect.flatMap(placeOf(flags.op, flags.vsm), (place) => sendTo(place, "OpStatus", { op: flags.op }, OpView))
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, view, () => opReport(view, now))
  })
).pipe(
  Command.withDescription("Show one order: what each target came to, and how long each step took"),
  examples([exampleOp])
)

const cancel = Command.make(
  "cancel",
  { ...connection, vsm, op },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(
      Effect.flatMap(placeOf(flags.op, flags.vsm), (place) => sendTo(place, "CancelOp", { op: flags.op }, OpView))
    )
    yield* print(flags, view, () =>
      isEnded(view) ? `${view.op} has ended already: ${view.outcome}` : `${view.op} is being cancelled`
    )
  })
).pipe(
  Command.withDescription("Withdraw what an order has not begun, and ask boards to stop what it has"),
  examples([exampleOp])
)

const watch = Command.make(
  "watch",
  { ...connection, vsm, op },
  Effect.fn(function* (flags) {
    let before: OpView | undefined
    const item = (view: OpView) =>
      Effect.gen(function* () {
        const news = newsOf(before, view)
        before = view
        if (flags.json) yield* Console.log(JSON.stringify(view))
        else for (const line of news) yield* Console.log(line)
      })
    yield* connected(flags)(
      Effect.flatMap(placeOf(flags.op, flags.vsm), (place) =>
        watchUntil(place, "WatchOp", { op: flags.op }, { item: OpView, isEnd: isEnded, show: item })
      )
    )
  })
).pipe(
  Command.withDescription("Follow an order until it ends: how far it is, and what each target comes to"),
  examples([exampleOp])
)

export const ops = Command.make("ops").pipe(
  Command.withDescription("Orders under way and of late: what came of each, and an end to those nobody wants"),
  Command.withSubcommands([ls, show, cancel, watch])
)
