/** `holon policy`: what may be done, in which zones and under which conditions. */
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Malformed } from "../../protocol/Errors.ts"
import { checkPolicyText } from "../../protocol/policy/PolicyCheck.ts"
import { formatPolicy } from "../../protocol/policy/PolicyFormat.ts"
import { PolicyList } from "../../protocol/vsm/PolicyKeeper.ts"
import { PolicyView } from "../../protocol/vsm/PolicyView.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { lookThrough } from "../Pages.ts"
import { impactLines, policyLines, policyName, policyTable, trialLine } from "../PolicyReport.ts"
import { readPolicy } from "../PolicySource.ts"
import { print } from "../Print.ts"
import { explain } from "./PolicyExplain.ts"

/** A policy was taken back while it was tried. Permanent for this version. */
export class TakenBack extends Schema.TaggedError<TakenBack>()("TakenBack", {
  name: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.name} was taken back: ${this.reason}`
  }
}

const source = Argument.String("policy").pipe(
  Argument.withDescription("A file with one policy, - for standard input, or the policy itself")
)
const name = Argument.String("name").pipe(Argument.withDescription("Name of the policy"))
const vsm = Flag.String("vsm").pipe(
  Flag.withSchema(VsmId),
  Flag.withDescription("The VSM whose policy it is (default: root)"),
  Flag.withDefault(rootId)
)
const keeperOf = (id: string): Place => ({ kind: "policy", id })
const version = wholeNumber("version", 1, 1_000_000_000).pipe(
  Flag.withDescription("This version (default: the newest)"),
  Flag.optional
)
const reason = Flag.String("reason").pipe(Flag.withDescription("Why, for whoever looks"), Flag.optional)
const whenGiven = <Name extends string, A>(key: Name, value: Option.Option<A>): { readonly [N in Name]?: A } =>
  Option.isNone(value) ? {} : ({ [key]: value.value } as { readonly [N in Name]: A })

/** Ms of `90s`, `10min`, `2h`. */
const Millis = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^\d{1,6}(s|min|h)$/, { expected: "a time such as 60s, 10min or 2h" }))
)
const factors = { s: 1000, min: 60_000, h: 3_600_000 } as const
const millisOf = (text: string): number => {
  const [, count = "0", unit = "s"] = /^(\d+)(s|min|h)$/.exec(text) ?? []
  return Number(count) * (unit === "h" ? factors.h : unit === "min" ? factors.min : factors.s)
}

const check = Command.make(
  "check",
  { ...connection, policy: source },
  Effect.fn(function* (flags) {
    const checked = yield* Effect.fromResult(checkPolicyText(yield* readPolicy(flags.policy)))
    yield* print(flags, checked.policy, () => formatPolicy(checked.policy))
  })
).pipe(
  Command.withDescription("Read a policy and say what is wrong with it; nobody is asked"),
  examples(["overheat.policy"], ["'policy calm { when protected == false { limit 5 per 10s by device } }'"])
)

const add = Command.make(
  "add",
  { ...connection, policy: source, vsm },
  Effect.fn(function* (flags) {
    const text = yield* readPolicy(flags.policy)
    const place = keeperOf(flags.vsm)
    const staged = yield* connected(flags)(
      Effect.gen(function* () {
        const { name: key, version: number } = yield* sendTo(place, "Stage", { source: text }, PolicyView)
        const shown = yield* watchUntil(
          place,
          "Watch",
          { name: key, version: number },
          {
            item: Schema.NullOr(PolicyView),
            isEnd: (view) => view === null || view.impact !== undefined || view.state !== "staged"
          }
        )
        return shown ?? (yield* sendTo(place, "GetPolicy", { name: key, version: number }, PolicyView))
      })
    )
    yield* print(flags, staged, () =>
      [
        `${policyName(staged)} of ${flags.vsm} is staged`,
        ...(staged.impact === undefined ? [] : impactLines(staged.impact)),
        staged.needs > staged.approvals.length
          ? `${staged.needs} people must approve it: holon policy approve ${staged.name}`
          : `to put it into force: holon policy activate ${staged.name}`
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Stage a policy, and show what it would have made of the acts of the last hour"),
  examples(["overheat.policy"], ["line.policy --vsm line-1", "One that only takes away, below a VSM"])
)

const impact = Command.make(
  "impact",
  { ...connection, policy: source, vsm },
  Effect.fn(function* (flags) {
    const text = yield* readPolicy(flags.policy)
    const report = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.PolicyImpact({ vsm: flags.vsm, source: text }))
    )
    yield* print(flags, report, () => impactLines(report).join("\n"))
  })
).pipe(
  Command.withDescription("Show what a policy would have made of the acts of the last hour; nothing is staged"),
  examples(["overheat.policy"])
)

const ls = Command.make(
  "ls",
  {
    ...connection,
    vsm: Argument.String("vsm").pipe(
      Argument.withDescription("Only those of this VSM; of all when absent"),
      Argument.optional
    )
  },
  Effect.fn(function* (flags) {
    const lists = yield* connected(flags)(
      Option.isSome(flags.vsm)
        ? Effect.map(sendTo(keeperOf(flags.vsm.value), "GetPolicies", {}, PolicyList), (list) => [list])
        : Effect.map(lookThrough("policy", "GetPolicies", PolicyList), (found) => found.map(({ value }) => value))
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, lists, () => policyTable(lists, now))
  })
).pipe(
  Command.withDescription("List policies: those in force, and the newest of each name"),
  examples([""], ["line-1"])
)

const show = Command.make(
  "show",
  { ...connection, name, vsm, version },
  Effect.fn(function* (flags) {
    const payload = { name: flags.name, ...whenGiven("version", flags.version) }
    const view = yield* connected(flags)(sendTo(keeperOf(flags.vsm), "GetPolicy", payload, PolicyView))
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, view, () => policyLines(view, flags.vsm, now).join("\n"))
  })
).pipe(
  Command.withDescription(
    "Show a policy: its text, how far it is, who approved it, its impact, and how its trial goes"
  ),
  examples(["line3-overheat"], ["line3-overheat --version 1"])
)

const approve = Command.make(
  "approve",
  { ...connection, name, vsm, version },
  Effect.fn(function* (flags) {
    const payload = { name: flags.name, ...whenGiven("version", flags.version) }
    const view = yield* connected(flags)(sendTo(keeperOf(flags.vsm), "Approve", payload, PolicyView))
    yield* print(flags, view, () => `${policyName(view)} has ${view.approvals.length} of ${view.needs} approvals`)
  })
).pipe(
  Command.withDescription("Agree to a staged policy; one that moves things needs two people"),
  examples(["line3-overheat"])
)

/** Whether nothing is to be waited for: in force where it has no trial or its trial is over, or not in force at all. */
const isOver = (view: PolicyView | null): boolean =>
  view === null ||
  (view.publishing === undefined && view.state !== "canary" && view.state !== "staged") ||
  view.at !== undefined

const activate = Command.make(
  "activate",
  {
    ...connection,
    name,
    vsm,
    version,
    at: Flag.String("at").pipe(
      Flag.withDescription(
        "When it is in force, such as 2026-11-22T18:00:00Z (default: as soon as all nodes know of it)"
      ),
      Flag.optional
    ),
    canary: Flag.String("canary").pipe(
      Flag.withDescription("Try it in these zones first, with commas between them"),
      Flag.optional
    ),
    duration: Flag.String("for").pipe(
      Flag.withSchema(Millis),
      Flag.withDescription("How long it is tried: 60s (default), 10min, 1h at most"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const place = keeperOf(flags.vsm)
    const key = { name: flags.name, ...whenGiven("version", flags.version) }
    const at = Option.map(flags.at, Date.parse)
    if (Option.isSome(at) && Number.isNaN(at.value))
      return yield* new Malformed({ path: "at", reason: "this is no time such as 2026-11-22T18:00:00Z" })
    const payload = {
      ...key,
      ...whenGiven("at", at),
      ...whenGiven(
        "canaryZones",
        Option.map(flags.canary, (zones) => zones.split(",").map((zone) => zone.trim()))
      ),
      ...whenGiven("canaryMillis", Option.map(flags.duration, millisOf))
    }
    const ended = yield* connected(flags)(
      Effect.gen(function* () {
        const begun = yield* sendTo(place, "Activate", payload, PolicyView)
        const last = yield* watchUntil(
          place,
          "Watch",
          { name: begun.name, version: begun.version },
          {
            item: Schema.NullOr(PolicyView),
            isEnd: isOver,
            show: (view) => (view?.state === "canary" && !flags.json ? Console.error(trialLine(view)) : Effect.void)
          }
        )
        return last ?? begun
      })
    )
    if (ended.state === "rolled_back")
      return yield* new TakenBack({ name: policyName(ended), reason: ended.reason ?? "" })
    yield* print(flags, ended, () =>
      ended.at !== undefined
        ? `${policyName(ended)} comes into force at ${new Date(ended.at).toISOString()}`
        : `${policyName(ended)} is ${ended.state}${ended.epoch === undefined ? "" : `, with epoch ${ended.epoch}`}`
    )
  })
).pipe(
  Command.withDescription(
    "Put a staged policy into force on all nodes at one instant, or try it in some zones first: it is taken back by itself when more is denied there. Fails when it was."
  ),
  examples(
    ["line3-overheat"],
    ["line3-overheat --canary ops.line3.cell-1 --for 60s", "Tried in one cell first"],
    ["line3-overheat --at 2026-11-22T18:00:00Z", "Later"]
  )
)

const rollback = Command.make(
  "rollback",
  {
    ...connection,
    name,
    vsm,
    to: wholeNumber("to", 1, 1_000_000_000).pipe(
      Flag.withDescription("The version that is in force again (default: the one before)"),
      Flag.optional
    ),
    reason
  },
  Effect.fn(function* (flags) {
    const payload = { name: flags.name, ...whenGiven("toVersion", flags.to), ...whenGiven("reason", flags.reason) }
    const view = yield* connected(flags)(sendTo(keeperOf(flags.vsm), "Rollback", payload, PolicyView))
    yield* print(flags, view, () => `${policyName(view)} is taken back`)
  })
).pipe(
  Command.withDescription("Take a policy back for the version before it, or end its trial"),
  examples(["line3-overheat"], ["line3-overheat --to 1 --reason 'too strict'"])
)

const rm = Command.make(
  "rm",
  { ...connection, name, vsm, reason },
  Effect.fn(function* (flags) {
    const payload = { name: flags.name, ...whenGiven("reason", flags.reason) }
    const view = yield* connected(flags)(sendTo(keeperOf(flags.vsm), "Withdraw", payload, PolicyView))
    yield* print(flags, view, () => `${view.name} is withdrawn`)
  })
).pipe(
  Command.withDescription("End a policy, staged or in force; nothing takes its place"),
  examples(["line3-overheat --reason 'the line is gone'"])
)

export const policy = Command.make("policy").pipe(
  Command.withDescription("What may be done, in which zones and under which conditions"),
  Command.withSubcommands([ls, show, check, impact, add, approve, activate, rollback, rm, explain])
)
