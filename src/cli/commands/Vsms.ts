/** `holon vsm`: the tree of VSMs that governs the fleet. */
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type HolonError, InvalidTransition } from "../../protocol/Errors.ts"
import { Budget, resources } from "../../protocol/vsm/Budget.ts"
import { errorOf, isEnded, SpawnView } from "../../protocol/vsm/Spawn.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { AdoptionView, levelsMax, UnitPage, VsmView } from "../../protocol/vsm/VsmState.ts"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { reportOf, type Standing, standingOf, treeOf } from "../VsmReport.ts"
import { limits } from "./VsmLimits.ts"
import { variety } from "./VsmVariety.ts"

const unitsShown = 20
/** VSMs that are asked at a time. */
const asksMax = 8
const noReason = "an operator said so"
const placeOf = (id: string): Place => ({ kind: "vsm", id })

/** The argument of a budget is none: it names the flag's form. */
export class BudgetMalformed extends Schema.TaggedError<BudgetMalformed>()("BudgetMalformed", { text: Schema.String }) {
  override get message() {
    return `${this.text} is no amount of a budget; write resource=number, as spawn=5, with one of ${resources.join(", ")}`
  }
}

const decodeBudget = Schema.decodeUnknownOption(Budget, { onExcessProperty: "error" })

/** Amounts as `spawn=5`. */
const budgetOf = (texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let budget: Budget = {}
    for (const text of texts) {
      const [, resource = "", units = ""] = /^([a-z_]+)=([0-9]+(?:\.[0-9]+)?)$/.exec(text) ?? []
      const amount = resource === "" ? Option.none() : decodeBudget({ [resource]: Number(units) })
      if (Option.isNone(amount)) return yield* new BudgetMalformed({ text })
      budget = { ...budget, ...amount.value }
    }
    return budget
  })

const id = Argument.String("vsm").pipe(Argument.withDescription("Id of the VSM"))

/** VSMs at the end of what another one knows of its tree, that have some below. */
const endsOf = ({ tree: known = [] }: VsmView): ReadonlyArray<string> => {
  const parents = new Set(known.map(({ parent }) => parent))
  return known.filter(({ id, below }) => below.vsms > 0 && !parents.has(id)).map(({ id }) => id)
}

/** A VSM, and behind it all below: it knows some levels itself, and those where that ends are asked in turn. */
const branch = (top: string) =>
  Effect.gen(function* () {
    const look = (id: string) => sendTo(placeOf(id), "Describe", { depth: levelsMax }, VsmView)
    const first = yield* look(top)
    const found: Array<Standing> = [standingOf(first)]
    for (let views: ReadonlyArray<VsmView> = [first]; views.length > 0; ) {
      found.push(...views.flatMap(({ tree: known = [] }) => known))
      views = yield* Effect.forEach(views.flatMap(endsOf), look, { concurrency: asksMax })
    }
    return found
  })

const tree = Command.make(
  "tree",
  {
    ...connection,
    top: Argument.String("vsm").pipe(
      Argument.withDescription("Only what is below this VSM; the whole tree when absent"),
      Argument.optional
    )
  },
  Effect.fn(function* (flags) {
    const top = Option.getOrElse(flags.top, () => rootId)
    const found = yield* connected(flags)(branch(top))
    yield* print(flags, found, () => treeOf(found).join("\n"))
  })
).pipe(
  Command.withDescription("Show the VSMs as a tree, with their units and what is left of their budgets"),
  examples(["", "From the root down"], ["line-1", "What is below one VSM"])
)

const show = Command.make(
  "show",
  { ...connection, id },
  Effect.fn(function* (flags) {
    const { view, page } = yield* connected(flags)(
      Effect.all({
        view: sendTo(placeOf(flags.id), "Describe", {}, VsmView),
        page: sendTo(placeOf(flags.id), "GetUnits", {}, UnitPage)
      })
    )
    const units = page.units.map((unit) => unit.id)
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, { ...view, unitIds: units }, () => reportOf(view, units, unitsShown, now))
  })
).pipe(Command.withDescription("Show a VSM: its place, budget, children, units, what is under way"), examples(["root"]))

const spawn = Command.make(
  "spawn",
  {
    ...connection,
    child: Argument.String("child").pipe(Argument.withDescription("Id of the new VSM")),
    parent: Flag.String("parent").pipe(
      Flag.withDescription(`VSM that it is a child of (default: ${rootId})`),
      Flag.withDefault<string>(rootId)
    ),
    budget: Flag.String("budget").pipe(
      Flag.withDescription("What it may use of its parent's budget, as spawn=5; may be given again"),
      Flag.between(0, resources.length)
    ),
    zone: Flag.String("zone").pipe(
      Flag.withDescription("Zone that it is confined to, as hall.line-1; that of its parent when absent"),
      Flag.optional
    ),
    template: Flag.String("template").pipe(
      Flag.withDescription("What kind of VSM it is: only so many of one template stand below each other"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const budget = yield* budgetOf(flags.budget)
    const place = placeOf(flags.parent)
    const ended = yield* connected(flags)(
      Effect.gen(function* () {
        const begun = yield* sendTo(
          place,
          "Spawn",
          {
            child: flags.child,
            budget,
            ...(Option.isSome(flags.zone) && { zone: flags.zone.value }),
            ...(Option.isSome(flags.template) && { template: flags.template.value })
          },
          SpawnView
        )
        const isOver = (item: SpawnView | null) => item === null || item.spawn !== begun.spawn || isEnded(item)
        const payload = { child: flags.child }
        return yield* watchUntil(place, "WatchSpawn", payload, { item: Schema.NullOr(SpawnView), isEnd: isOver })
      })
    )
    if (ended?.refusal !== undefined) return yield* errorOf(ended.refusal)
    yield* print(flags, ended, () => `${flags.child} is active, a child of ${flags.parent}`)
  })
).pipe(
  Command.withDescription("Begin a VSM as the child of another, and wait until it is active or refused"),
  examples(
    ["line-1", "A child of the root"],
    ["line-1 --parent hall --zone hall.line-1 --budget spawn=5 --budget mem_mb=100", "With a zone and a budget"]
  )
)

/** Another VSM has the device, and has not been named. */
export class HeldElsewhere extends Schema.TaggedError<HeldElsewhere>()("HeldElsewhere", {
  unit: Schema.String,
  holder: Schema.String
}) {
  override get message() {
    return `${this.unit} is a unit of ${this.holder}; --from ${this.holder} takes it from there`
  }
}

const heldBy = (unit: string, error: HolonError) => {
  const holder = error._tag === "Conflict" ? /^the VSM (\S+)$/u.exec(error.holder)?.[1] : undefined
  return holder === undefined ? error : new HeldElsewhere({ unit, holder })
}

const adopt = Command.make(
  "adopt",
  {
    ...connection,
    id,
    units: Argument.String("device").pipe(Argument.withDescription("Ids of devices"), Argument.variadic({ min: 1 })),
    from: Flag.String("from").pipe(
      Flag.withDescription("VSM that has the devices now; not needed for one that stands above"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.id)
    const ended = yield* connected(flags)(
      Effect.forEach(
        flags.units,
        Effect.fnUntraced(function* (unit) {
          const from = Option.isSome(flags.from) ? { from: flags.from.value } : {}
          yield* sendTo(place, "Adopt", { unit, ...from }, AdoptionView)
          const item = Schema.NullOr(AdoptionView)
          const view = yield* watchUntil(
            place,
            "WatchAdoption",
            { unit },
            { item, isEnd: (last) => last?.step !== "asked" }
          )
          if (view?.refusal !== undefined) return yield* heldBy(unit, errorOf(view.refusal))
          return view
        })
      )
    )
    yield* print(
      flags,
      ended,
      () => `${flags.units.join(", ")} ${flags.units.length === 1 ? "is" : "are"} with ${flags.id}`
    )
  })
).pipe(
  Command.withDescription("Make devices units of a VSM"),
  examples(["line-1 press-1 press-2"], ["line-2 press-1 --from line-1", "From a VSM beside it"])
)

const retire = Command.make(
  "retire",
  {
    ...connection,
    id,
    now: toggle("now", "Do not wait until the devices have said that they have moved"),
    deadline: wholeNumber("deadline", 0, 3600).pipe(usually("Seconds that devices are waited for", 10))
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.id)
    const payload = { mode: flags.now ? "now" : "drain", deadlineMillis: flags.deadline * 1000 } as const
    const view = yield* connected(flags)(
      Effect.gen(function* () {
        yield* sendTo(place, "Retire", payload, VsmView)
        return yield* watchUntil(place, "Watch", {}, { item: VsmView, isEnd: ({ status }) => status !== "retiring" })
      })
    )
    if (view.status !== "retired") return yield* new InvalidTransition({ from: view.status, event: "Retire" })
    yield* print(flags, view, () => `${flags.id} is retired; its devices are with ${view.parent}`)
  })
).pipe(
  Command.withDescription("End a VSM and all below it; devices go to its parent"),
  examples(["line-1"], ["line-1 --now", "Without waiting for devices that are away"])
)

const quarantine = Command.make(
  "quarantine",
  {
    ...connection,
    id,
    reason: Flag.String("reason").pipe(
      Flag.withDescription(`Why, for whoever looks at it (default: ${noReason})`),
      Flag.withDefault(noReason)
    )
  },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(sendTo(placeOf(flags.id), "Quarantine", { reason: flags.reason }, VsmView))
    yield* print(flags, view, () => `${view.id} is in quarantine: it neither spawns nor adopts`)
  })
).pipe(
  Command.withDescription("Keep a VSM from spawning and adopting"),
  examples(["line-1 --reason 'spawns in a loop'"])
)

const release = Command.make(
  "release",
  { ...connection, id },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(sendTo(placeOf(flags.id), "Release", {}, VsmView))
    yield* print(flags, view, () => `${view.id} is ${view.status}`)
  })
).pipe(Command.withDescription("End the quarantine of a VSM"), examples(["line-1"]))

export const vsm = Command.make("vsm").pipe(
  Command.withDescription("The tree of VSMs that governs the fleet"),
  Command.withSubcommands([tree, show, spawn, adopt, retire, quarantine, release, limits, variety])
)
