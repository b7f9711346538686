/** `holon rollout`: one image to many boards, in waves. */
import { matchesGlob } from "node:path"
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { NotFound } from "../../protocol/Errors.ts"
import { RolloutSummary } from "../../protocol/Rollout.ts"
import { Client } from "../Client.ts"
import { toggle, usually } from "../Defaults.ts"
import { again, detach, instance, patience } from "../DeliveryFlags.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { reference } from "../ImageNames.ts"
import { newId } from "../NewId.ts"
import { finiteNumber, wholeNumber } from "../Numbers.ts"
import { devicesUpTo, lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { boardTable, follow, reportOf, summaryLine } from "../RolloutReport.ts"
import { ago, table } from "../Table.ts"
import { parameters, searched } from "../Where.ts"

/** The rollout has not come to its end as it should. */
export class RolloutStopped extends Schema.TaggedError<RolloutStopped>()("RolloutStopped", {
  id: Schema.String,
  state: Schema.String,
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `rollout ${this.id} is ${this.state}${this.reason === undefined ? "" : `: ${this.reason}`}; holon rollout show ${this.id} says more`
  }
}

/** Neither ids nor a condition: nobody means the whole fleet by saying nothing. */
export class NothingSelected extends Schema.TaggedError<NothingSelected>()("NothingSelected", {}) {
  override get message() {
    return "no devices are named; give their ids, patterns as 'press-*', or a condition with --where"
  }
}

interface Choice {
  readonly devices: ReadonlyArray<string>
  readonly profile: Option.Option<string>
  readonly where: Option.Option<string>
  readonly parameters: Parameters<typeof searched>[1]
}

/** Ids of the devices that the patterns name and that fulfil the condition; without one each pattern must name a device. */
const selected = ({ devices: patterns, profile, where, parameters }: Choice) =>
  Effect.gen(function* () {
    if (patterns.length === 0 && Option.isNone(where)) return yield* new NothingSelected()
    const devices = Option.isSome(where)
      ? (yield* searched(where.value, parameters, Number.POSITIVE_INFINITY)).devices
      : yield* devicesUpTo(Number.POSITIVE_INFINITY)
    const unmet = patterns.find((pattern) => !devices.some(({ id }) => matchesGlob(id, pattern)))
    if (unmet !== undefined && Option.isNone(where))
      return yield* new NotFound({ what: /[*?[{]/.test(unmet) ? `device whose id fits ${unmet}` : `device ${unmet}` })
    const found = devices.filter(
      ({ id, status }) =>
        (patterns.length === 0 || patterns.some((pattern) => matchesGlob(id, pattern))) &&
        (Option.isNone(profile) || status.profile === profile.value) &&
        status.connection.state !== "retired"
    )
    if (found.length === 0) return yield* new NotFound({ what: "device that is selected and not retired" })
    return found.map(({ id }) => id)
  })

/** The command by which a rollout that waits for a person goes on. */
const nexts: Readonly<Record<string, string>> = { awaiting: "approve", paused: "resume" }

const say = (id: string, summary: RolloutSummary, flags: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const report = yield* reportOf(id, summary)
    const { state } = summary
    const reason = summary.reason === undefined ? "" : `, ${summary.reason}`
    const next = Object.hasOwn(nexts, state) ? `; next: holon rollout ${nexts[state]} ${id}` : ""
    yield* print(flags, report, () => `${boardTable(report)}\nrollout ${id}: ${state}${reason}${next}`)
    if (state === "stopped")
      return yield* new RolloutStopped({
        id,
        state,
        ...(summary.reason !== undefined && { reason: summary.reason })
      })
  })

const start = Command.make(
  "start",
  {
    ...connection,
    image: reference,
    devices: Argument.String("device").pipe(
      Argument.withDescription("Ids of devices, or patterns as 'press-*'"),
      Argument.variadic()
    ),
    where: Flag.String("where").pipe(
      Flag.withDescription("Only boards whose twin fulfils this condition; holon devices search shows them"),
      Flag.optional
    ),
    parameters,
    profile: Flag.String("profile").pipe(
      Flag.withDescription("Only boards of this profile, as sim-heater; holon devices ls shows them"),
      Flag.optional
    ),
    instance,
    canary: wholeNumber("canary", 1, 10_000).pipe(usually("Boards of the first wave", 1)),
    wave: wholeNumber("wave", 1, 10_000).pipe(usually("Boards of each wave after it", 10)),
    parallel: wholeNumber("parallel", 1, 256).pipe(usually("Boards that are provisioned at a time", 8)),
    success: finiteNumber("success", 0, 1).pipe(
      usually("Share of a wave, 0 to 1, that must be good before the next one opens", 1)
    ),
    errors: finiteNumber("errors", 0, 1).pipe(usually("Share of a wave, 0 to 1, that may fail", 0)),
    observe: wholeNumber("observe", 1, 86_400).pipe(
      usually("Seconds that a program must be well before its board is good", 30)
    ),
    patience,
    approve: toggle("approve", "Wait for a person before each wave after the first"),
    noRollback: toggle("no-rollback", "Leave the boards of a failed wave as they are"),
    again,
    detach
  },
  Effect.fn(function* (flags) {
    yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const { sha256 } = yield* client.Image({ reference: flags.image })
        const devices = yield* selected(flags)
        const id = yield* newId
        const rules = {
          canary: flags.canary,
          waveSize: flags.wave,
          parallel: flags.parallel,
          successShare: flags.success,
          errorShare: flags.errors,
          observeMillis: flags.observe * 1000,
          patienceMillis: flags.patience * 1000,
          needsApproval: flags.approve,
          rollsBack: !flags.noRollback
        }
        const begun = yield* sendTo(
          { kind: "rollout", id },
          "Start",
          {
            sha256,
            devices,
            rules,
            again: flags.again,
            ...(Option.isSome(flags.instance) && { instance: flags.instance.value })
          },
          RolloutSummary
        )
        if (flags.detach) return yield* say(id, begun, flags)
        yield* say(id, yield* follow(id, flags.json), flags)
      })
    )
  })
).pipe(
  Command.withDescription("Bring an image to many boards, and follow it to its end"),
  examples(
    ["blink@1.2.0 'press-*' --canary 2 --wave 20", "Two boards first, then twenty at a time"],
    [
      "blink 'press-*' --profile sim-press --approve",
      "Boards of one profile; a person opens each wave after the first"
    ],
    ["blink --where 'reported.line == 3 and state == \"online\"'", "Boards that fulfil a condition"]
  )
)

const rolloutId = Argument.String("rollout").pipe(Argument.withDescription("Id of the rollout"))

const show = Command.make(
  "show",
  { ...connection, id: rolloutId },
  Effect.fn(function* (flags) {
    const place: Place = { kind: "rollout", id: flags.id }
    const report = yield* connected(flags)(
      Effect.flatMap(sendTo(place, "GetRollout", {}, RolloutSummary), (summary) => reportOf(flags.id, summary))
    )
    yield* print(flags, report, () => `${boardTable(report)}\n${summaryLine(report)}`)
  })
).pipe(Command.withDescription("Show a rollout, board by board"), examples(["ID"]))

const control = (name: string, message: string, isFollowed: boolean, about: string) =>
  Command.make(
    name,
    { ...connection, id: rolloutId },
    Effect.fn(function* (flags) {
      const place: Place = { kind: "rollout", id: flags.id }
      yield* connected(flags)(
        Effect.gen(function* () {
          const view = yield* sendTo(place, message, {}, RolloutSummary)
          yield* say(flags.id, isFollowed ? yield* follow(flags.id, flags.json) : view, flags)
        })
      )
    })
  ).pipe(Command.withDescription(about), examples(["ID"]))

const ls = Command.make(
  "ls",
  { ...connection },
  Effect.fn(function* (flags) {
    const looked = yield* connected(flags)(lookThrough("rollout", "GetRollout", RolloutSummary))
    const found = looked.map(({ id, value }) => ({ id, ...value }))
    const now = yield* Clock.currentTimeMillis
    const rows = found.map((view) => [
      view.id,
      view.sha256.slice(0, 12),
      view.state,
      `${view.wave + 1} of ${view.waves}`,
      `${view.counts["good"] ?? 0} of ${view.total} good`,
      `${ago(now - view.startedAt)} ago`,
      view.reason ?? ""
    ])
    yield* print(flags, found, () =>
      found.length === 0
        ? "no rollouts yet"
        : table(["rollout", "image", "state", "wave", "boards", "begun", "reason"], rows)
    )
  })
).pipe(Command.withDescription("List rollouts"), examples([""]))

export const rollout = Command.make("rollout").pipe(
  Command.withDescription("One image to many boards, in waves"),
  Command.withSubcommands([
    start,
    ls,
    show,
    control("pause", "Pause", false, "Begin nothing new"),
    control("resume", "Resume", true, "Go on after a pause"),
    control("approve", "Approve", true, "Open the wave that waits for it"),
    control("cancel", "Cancel", false, "End it: nothing new begins, what is under way is aborted"),
    control("retry", "Retry", true, "Take up the boards that failed, now or before, or were away, and only those")
  ])
)
