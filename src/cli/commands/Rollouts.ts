/** `holon rollout`: one image to many boards, in waves. */
import { matchesGlob } from "node:path"
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { NotFound } from "../../protocol/Errors.ts"
import { type RolloutBoard, RolloutView } from "../../protocol/Rollout.ts"
import { Client } from "../Client.ts"
import { type Place, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { finiteNumber, wholeNumber } from "../Numbers.ts"
import { bar, makeProgress } from "../Progress.ts"
import { ago, table } from "../Table.ts"
import { newId } from "./Provision.ts"

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

const pageSize = 200

/** Ids of the devices that the patterns name; each pattern must name one. */
const selected = (patterns: ReadonlyArray<string>, profile: Option.Option<string>) =>
  Effect.gen(function* () {
    const client = yield* Client
    const found: Array<string> = []
    const unmet = new Set(patterns)
    let after: string | undefined
    do {
      const page = yield* client.Devices({ limit: pageSize, ...(after !== undefined && { after }) })
      for (const { id, status } of page.devices) {
        const matched = patterns.filter((pattern) => matchesGlob(id, pattern))
        for (const pattern of matched) unmet.delete(pattern)
        const isOfProfile = Option.isNone(profile) || status.profile === profile.value
        if (matched.length > 0 && isOfProfile && status.connection.state !== "retired") found.push(id)
      }
      after = page.next
    } while (after !== undefined)
    const [missing] = unmet
    if (missing !== undefined)
      return yield* new NotFound({
        what: /[*?[{]/.test(missing) ? `device whose id fits ${missing}` : `device ${missing}`
      })
    if (found.length === 0) return yield* new NotFound({ what: "device that is selected and not retired" })
    return found
  })

const steps = ["good", "failed", "away", "rolled-back", "observing", "provisioning", "waiting"] as const

const summary = ({ state, boards, wave, waves }: RolloutView): string => {
  const through = boards.filter(({ step }) => step === "good" || step === "failed" || step === "away").length
  const counts = steps
    .map((step) => [step, boards.filter((board) => board.step === step).length] as const)
    .filter(([, count]) => count > 0)
    .map(([step, count]) => `${count} ${step}`)
  return `${bar(through / boards.length)} wave ${wave + 1} of ${waves}, ${state}: ${counts.join(", ")}`
}

const isOver = ({ state, endedAt, boards }: RolloutView): boolean =>
  state === "awaiting" ||
  state === "paused" ||
  (endedAt !== undefined &&
    !boards.some(({ step }) => step === "rolling-back" || step === "observing" || step === "provisioning"))

const follow = (id: string, isQuiet: boolean) => {
  const progress = makeProgress(isQuiet)
  return watchUntil(
    { kind: "rollout", id },
    "Watch",
    {},
    {
      item: RolloutView,
      isEnd: isOver,
      show: (view) => progress.draw(summary(view))
    }
  ).pipe(Effect.ensuring(progress.finish))
}

const boardRows = (boards: ReadonlyArray<RolloutBoard>) =>
  boards.map(({ id, wave, step, attempts, detail, code }) => [
    id,
    wave + 1,
    step,
    attempts,
    detail ?? (code === undefined ? "" : `code ${code}`)
  ])

/** The command by which a rollout that waits for a person goes on. */
const nexts: Readonly<Record<string, string>> = { awaiting: "approve", paused: "resume" }

const say = (id: string, view: RolloutView, isJson: boolean) =>
  Effect.gen(function* () {
    const reason = view.reason === undefined ? "" : `, ${view.reason}`
    const next = Object.hasOwn(nexts, view.state) ? `; next: holon rollout ${nexts[view.state]} ${id}` : ""
    yield* Console.log(
      isJson
        ? JSON.stringify({ id, ...view }, null, 2)
        : `${table(["device", "wave", "step", "sessions", "detail"], boardRows(view.boards))}\nrollout ${id}: ${view.state}${reason}${next}`
    )
    if (view.state === "stopped")
      return yield* new RolloutStopped({
        id,
        state: view.state,
        ...(view.reason !== undefined && { reason: view.reason })
      })
  })

const start = Command.make(
  "start",
  {
    ...connection,
    image: Argument.String("image").pipe(
      Argument.withDescription("Image by its hash, the beginning of it, its name, or name@version")
    ),
    devices: Argument.String("device").pipe(
      Argument.withDescription("Ids of devices, or patterns as 'press-*'"),
      Argument.variadic({ min: 1 })
    ),
    profile: Flag.String("profile").pipe(Flag.withDescription("Only boards of this profile"), Flag.optional),
    instance: Flag.String("instance").pipe(Flag.withDescription("Name of the program on the boards"), Flag.optional),
    canary: wholeNumber("canary", 1, 10_000).pipe(
      Flag.withDescription("Boards of the first wave"),
      Flag.withDefault(1)
    ),
    wave: wholeNumber("wave", 1, 10_000).pipe(
      Flag.withDescription("Boards of each wave after it"),
      Flag.withDefault(10)
    ),
    parallel: wholeNumber("parallel", 1, 256).pipe(
      Flag.withDescription("Boards that are provisioned at a time"),
      Flag.withDefault(8)
    ),
    success: finiteNumber("success", 0, 1).pipe(
      Flag.withDescription("Share of a wave that must be good before the next one opens"),
      Flag.withDefault(1)
    ),
    errors: finiteNumber("errors", 0, 1).pipe(
      Flag.withDescription("Share of a wave that may fail"),
      Flag.withDefault(0)
    ),
    observe: wholeNumber("observe", 1, 86_400).pipe(
      Flag.withDescription("Seconds that a program must be well before its board is good"),
      Flag.withDefault(30)
    ),
    patience: wholeNumber("patience", 1, 3600).pipe(
      Flag.withDescription("Seconds that a board may be away until it is left for later"),
      Flag.withDefault(60)
    ),
    approve: Flag.Boolean("approve").pipe(
      Flag.withDescription("Wait for a person before each wave after the first"),
      Flag.withDefault(false)
    ),
    noRollback: Flag.Boolean("no-rollback").pipe(
      Flag.withDescription("Leave the boards of a failed wave as they are"),
      Flag.withDefault(false)
    ),
    detach: Flag.Boolean("detach").pipe(
      Flag.withDescription("Do not wait: print the rollout and end"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* (flags) {
    yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const { sha256 } = yield* client.Image({ reference: flags.image })
        const devices = yield* selected(flags.devices, flags.profile)
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
          { sha256, devices, rules, ...(Option.isSome(flags.instance) && { instance: flags.instance.value }) },
          RolloutView
        )
        if (flags.detach) return yield* say(id, begun, flags.json)
        yield* say(id, yield* follow(id, flags.json), flags.json)
      })
    )
  })
).pipe(Command.withDescription("Bring an image to many boards, and follow it to its end"))

const rolloutId = Argument.String("rollout").pipe(Argument.withDescription("Id of the rollout"))

const show = Command.make(
  "show",
  { ...connection, id: rolloutId },
  Effect.fn(function* (flags) {
    const place: Place = { kind: "rollout", id: flags.id }
    const view = yield* connected(flags)(sendTo(place, "GetRollout", {}, RolloutView))
    const text = `${table(["device", "wave", "step", "sessions", "detail"], boardRows(view.boards))}\n${summary(view)}`
    yield* Console.log(flags.json ? JSON.stringify({ id: flags.id, ...view }, null, 2) : text)
  })
).pipe(Command.withDescription("Show a rollout, board by board"))

const control = (name: string, message: string, isFollowed: boolean, about: string) =>
  Command.make(
    name,
    { ...connection, id: rolloutId },
    Effect.fn(function* (flags) {
      const place: Place = { kind: "rollout", id: flags.id }
      yield* connected(flags)(
        Effect.gen(function* () {
          const view = yield* sendTo(place, message, {}, RolloutView)
          yield* say(flags.id, isFollowed ? yield* follow(flags.id, flags.json) : view, flags.json)
        })
      )
    })
  ).pipe(Command.withDescription(about))

const ls = Command.make(
  "ls",
  { ...connection },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const views: Array<RolloutView & { readonly id: string }> = []
        let after: string | undefined
        do {
          const page = yield* client.Look({
            kind: "rollout",
            message: "GetRollout",
            limit: pageSize,
            ...(after !== undefined && { after })
          })
          for (const { id, value } of page.items)
            views.push({ id, ...(yield* Effect.orDie(Schema.decodeUnknownEffect(RolloutView)(value))) })
          after = page.next
        } while (after !== undefined)
        return views
      })
    )
    if (flags.json) return yield* Console.log(JSON.stringify(found, null, 2))
    const now = yield* Clock.currentTimeMillis
    const rows = found.map((view) => [
      view.id,
      view.sha256.slice(0, 12),
      view.state,
      `${view.wave + 1} of ${view.waves}`,
      `${view.boards.filter(({ step }) => step === "good").length} of ${view.boards.length} good`,
      `${ago(now - view.startedAt)} ago`,
      view.reason ?? ""
    ])
    yield* Console.log(
      found.length === 0
        ? "no rollouts yet"
        : table(["rollout", "image", "state", "wave", "boards", "begun", "reason"], rows)
    )
  })
).pipe(Command.withDescription("List rollouts"))

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
    control("retry", "Retry", true, "Take up the boards that failed or were away, and only those")
  ])
)
