/** `holon claims`: who may act on what, whose turn it is, and which knobs are held back. */
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ClaimView, SlotView } from "../../protocol/vsm/Claim.ts"
import { KnobView } from "../../protocol/vsm/Knob.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { ago, type Cell, table } from "../Table.ts"

const kind = "coordinator"

const vsm = Flag.String("vsm").pipe(
  Flag.withDescription("Only those of this VSM; of every VSM when absent"),
  Flag.optional
)

/** What every coordinator answers, or one of them. */
const from = <A>(of: Option.Option<string>, message: string, answer: Schema.Codec<A, unknown>) =>
  Effect.gen(function* () {
    if (Option.isNone(of)) return yield* lookThrough(kind, message, answer)
    const id = of.value
    return [{ id, value: yield* sendTo({ kind, id }, message, {}, answer) }]
  })

const listed = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>, none: string): string =>
  rows.length === 0 ? none : table(header, rows)

/** How long until something ends, or how long ago it did. */
const timeOf = ({ state, since, until }: ClaimView | SlotView, now: number): string =>
  state === "held" || state === "waiting" ? `${ago(until - now)} left` : `${ago(now - since)} ago`

const ls = Command.make(
  "ls",
  {
    ...connection,
    vsm,
    resource: Flag.String("resource").pipe(
      Flag.withDescription("Only claims of this resource, as device/press-1"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(
      from(flags.vsm, "GetClaims", Schema.Struct({ claims: Schema.Array(ClaimView), fence: Schema.Int }))
    )
    const claims = found.flatMap(({ id, value }) =>
      value.claims
        .filter(({ claims: wanted }) =>
          Option.match(flags.resource, {
            onNone: () => true,
            onSome: (resource) => wanted.some((each) => each.resource === resource)
          })
        )
        .map((claim) => ({ vsm: id, ...claim }))
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, claims, () =>
      listed(
        ["claim", "vsm", "resources", "by", "priority", "state", "fence", "time"],
        claims.map((claim) => [
          claim.lease,
          claim.vsm,
          claim.claims.map(({ resource, mode }) => `${resource} (${mode})`).join(", "),
          claim.by,
          claim.priority,
          claim.lostTo === undefined ? claim.state : `${claim.state} for ${claim.lostTo}`,
          claim.fence ?? "",
          timeOf(claim, now)
        ]),
        "nothing is claimed"
      )
    )
  })
).pipe(
  Command.withDescription("List claims that are held or waited for, and those that ended within the last minute"),
  examples([""], ["--vsm line-1 --resource device/press-1"])
)

const release = Command.make(
  "release",
  {
    ...connection,
    vsm: Argument.String("vsm").pipe(Argument.withDescription("VSM whose coordinator granted the claim")),
    claim: Argument.String("claim").pipe(Argument.withDescription("Id of the claim, as `holon claims ls` shows it"))
  },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(sendTo({ kind, id: flags.vsm }, "Release", { lease: flags.claim }, ClaimView))
    yield* print(flags, view, () => `${view.lease} is ${view.state}`)
  })
).pipe(
  Command.withDescription("Give a claim back in the name of its holder"),
  examples(["line-1 01930000-0000-7000-8000-000000000001"])
)

const turns = Command.make(
  "turns",
  { ...connection, vsm },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(from(flags.vsm, "GetSlots", Schema.Struct({ slots: Schema.Array(SlotView) })))
    const slots = found.flatMap(({ id, value }) => value.slots.map((slot) => ({ vsm: id, ...slot })))
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, slots, () =>
      listed(
        ["turn", "vsm", "topic", "weight", "by", "state", "time"],
        slots.map((slot) => [slot.slot, slot.vsm, slot.topic, slot.weight, slot.by, slot.state, timeOf(slot, now)]),
        "nobody has a turn or waits for one"
      )
    )
  })
).pipe(Command.withDescription("List the turns that topics have and wait for"), examples(["", "Of every VSM"]))

const knobs = Command.make(
  "knobs",
  { ...connection, vsm },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(from(flags.vsm, "GetKnobs", Schema.Struct({ knobs: Schema.Array(KnobView) })))
    const views = found.flatMap(({ id, value }) => value.knobs.map((knob) => ({ vsm: id, ...knob })))
    yield* print(flags, views, () =>
      listed(
        ["unit", "knob", "vsm", "state", "value", "reversals", "amplitude", "opposing", "gain", "owner"],
        views.map((view) => [
          view.unit,
          view.knob,
          view.vsm,
          view.state,
          view.value ?? "",
          view.reversals,
          `${Math.round(view.amplitude * 100)} %`,
          view.opposing,
          view.gain,
          view.owner ?? ""
        ]),
        "no controller has turned a knob within the last hour"
      )
    )
  })
).pipe(
  Command.withDescription("List the knobs that controllers turn: who fights, and which are held back"),
  examples(["", "Of every VSM"], ["--vsm line-1"])
)

export const claims = Command.make("claims").pipe(
  Command.withDescription("Who may act on what, whose turn it is, and which knobs are held back"),
  Command.withSubcommands([ls, release, turns, knobs])
)
