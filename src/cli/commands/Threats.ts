/** `holon threats`: who is suspected of what, what is done against it, and the word of people on that. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Malformed, NotFound, UnsafeMitigation } from "../../protocol/Errors.ts"
import { approvedMillisMax, Mitigation, ThreatsView, templates } from "../../protocol/vsm/Threat.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { deedOf, mitigationText, threatTables } from "../ThreatReport.ts"

const minuteMillis = 60_000
const placeOf = (id: string): Place => ({ kind: "immune", id })

/** The immune system that a mitigation is of, from its id. */
const whereDone = (mitigation: string) => {
  const [, vsm] = /^([a-z0-9][a-z0-9-]*)\.[0-9]+$/.exec(mitigation) ?? []
  return vsm === undefined
    ? Effect.fail(
        new Malformed({ path: "mitigation", reason: `${mitigation} is no mitigation; they are named as root.17` })
      )
    : Effect.succeed(placeOf(vsm))
}

const mitigation = Argument.String("mitigation").pipe(Argument.withDescription("Id of the mitigation, as root.17"))
const falseAlarm = Flag.Boolean("false-alarm").pipe(
  Flag.withDescription("The subject had done no harm: the same evidence counts for half from now on"),
  Flag.withDefault(false)
)
const lasting = wholeNumber("minutes", 1, approvedMillisMax / minuteMillis)

const ls = Command.make(
  "ls",
  {
    ...connection,
    vsm: Argument.String("vsm").pipe(
      Argument.withDescription("Only what the immune system of this VSM knows; of every VSM when absent"),
      Argument.optional
    ),
    all: Flag.Boolean("all").pipe(Flag.withDescription("What is over, too"), Flag.withDefault(false))
  },
  Effect.fn(function* (flags) {
    const views = yield* connected(flags)(
      Option.isSome(flags.vsm)
        ? Effect.map(sendTo(placeOf(flags.vsm.value), "GetThreats", {}, ThreatsView), (view) => [view])
        : Effect.map(lookThrough("immune", "GetThreats", ThreatsView), (found) => found.map(({ value }) => value))
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, views, () => threatTables(views, now, flags.all))
  })
).pipe(
  Command.withDescription("List who is suspected of what, the gravest first, and what is done about it"),
  examples([""], ["root --all", "Of one VSM, with what is over"])
)

const show = Command.make(
  "show",
  { ...connection, mitigation },
  Effect.fn(function* (flags) {
    const place = yield* whereDone(flags.mitigation)
    const { mitigations } = yield* connected(flags)(sendTo(place, "GetThreats", {}, ThreatsView))
    const found = mitigations.find(({ id }) => id === flags.mitigation)
    if (found === undefined) return yield* new NotFound({ what: `mitigation ${flags.mitigation}` })
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, found, () => mitigationText(found, now))
  })
).pipe(
  Command.withDescription("Show one mitigation in full, with its policy and the events that led to it"),
  examples(["root.17"])
)

/** What became of it, once the rules of safety have been asked. */
const judged = (place: Place, id: string) =>
  Effect.gen(function* () {
    const view = yield* watchUntil(
      place,
      "Watch",
      {},
      {
        item: ThreatsView,
        isEnd: ({ mitigations }) => mitigations.some((each) => each.id === id && each.state !== "approved")
      }
    )
    const found = view.mitigations.find((each) => each.id === id)
    if (found === undefined) return yield* new NotFound({ what: `mitigation ${id}` })
    if (found.state === "failed") return yield* new UnsafeMitigation({ rule: found.reason })
    return found
  })

const sentenceOf = ({ id, subject, state, needed, approvals, reason, ...done }: Mitigation): string => {
  if (state === "active") return `${id}: ${subject}: ${deedOf(done)}`
  const missing = needed - approvals.length
  return `${id} is ${state}: ${reason}${missing > 0 ? `; ${missing} more must approve it` : ""}`
}

const approve = Command.make(
  "approve",
  {
    ...connection,
    mitigation,
    minutes: lasting.pipe(
      Flag.withDescription("How long it lasts; more than 60 needs a second person (default: as proposed)"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const place = yield* whereDone(flags.mitigation)
    const ttl = Option.isSome(flags.minutes) ? { ttlMillis: flags.minutes.value * minuteMillis } : {}
    const approved = yield* connected(flags)(
      Effect.gen(function* () {
        const { id } = yield* sendTo(place, "Approve", { mitigation: flags.mitigation, ...ttl }, Mitigation)
        return yield* judged(place, id)
      })
    )
    yield* print(flags, approved, () => sentenceOf(approved))
  })
).pipe(
  Command.withDescription("Approve what the immune system proposes"),
  examples(["root.17"], ["root.17 --minutes 30", "For half an hour"])
)

const ending = (name: "reject" | "lift", message: "Reject" | "Lift", about: string, said: string) =>
  Command.make(
    name,
    { ...connection, mitigation, falseAlarm },
    Effect.fn(function* (flags) {
      const place = yield* whereDone(flags.mitigation)
      const payload = { mitigation: flags.mitigation, ...(flags.falseAlarm && { isFalseAlarm: true }) }
      const ended = yield* connected(flags)(sendTo(place, message, payload, Mitigation))
      yield* print(flags, ended, () => `${ended.id} ${said}: ${ended.subject}`)
    })
  ).pipe(
    Command.withDescription(about),
    examples(["root.17"], ["root.17 --false-alarm", "And let the same count for half from now on"])
  )

const reject = ending("reject", "Reject", "Take a proposal away", "is rejected")
const lift = ending("lift", "Lift", "End what is done against somebody, at once", "is lifted")

const act = Command.make(
  "act",
  {
    ...connection,
    subject: Argument.String("subject").pipe(
      Argument.withDescription("Against whom, as device/press-1, user/ada or address/10.0.0.7")
    ),
    with: Flag.Literals("with", templates).pipe(
      Flag.withDescription("bar an address; isolate a device; throttle, deny or revoke an account")
    ),
    minutes: lasting.pipe(
      Flag.withDescription("How long; more than 60 needs a second person (default: 10)"),
      Flag.withDefault(10)
    ),
    reason: Flag.String("reason").pipe(Flag.withDescription("Why, for whoever looks")),
    vsm: Flag.String("vsm").pipe(
      Flag.withDescription("The VSM whose immune system does it (default: root)"),
      Flag.withDefault("root")
    )
  },
  Effect.fn(function* (flags) {
    const place = placeOf(flags.vsm)
    const { subject, with: template, reason } = flags
    const payload = { subject, template, ttlMillis: flags.minutes * minuteMillis, reason }
    const done = yield* connected(flags)(
      Effect.gen(function* () {
        const { id } = yield* sendTo(place, "Mitigate", payload, Mitigation)
        return yield* judged(place, id)
      })
    )
    yield* print(flags, done, () => sentenceOf(done))
  })
).pipe(
  Command.withDescription("Have something done against somebody, for a time"),
  examples(["address/10.0.0.7 --with bar --minutes 60 --reason 'known to us'"])
)

const terms = Command.make(
  "terms",
  {
    ...connection,
    vsm: Argument.String("vsm").pipe(Argument.withDescription("Id of the VSM")),
    automatic: Flag.Literals("automatic", ["on", "off"]).pipe(
      Flag.withDescription("Whether anything is done without a person"),
      Flag.optional
    ),
    mitigate: wholeNumber("mitigate", 1, 60).pipe(
      Flag.withDescription("Minutes that a mitigation lasts from 0.7 on"),
      Flag.optional
    ),
    isolate: wholeNumber("isolate", 1, 60).pipe(Flag.withDescription("As before, from 0.9 on"), Flag.optional)
  },
  Effect.fn(function* (flags) {
    const payload = {
      ...(Option.isSome(flags.automatic) && { isAutomatic: flags.automatic.value === "on" }),
      ...(Option.isSome(flags.mitigate) && { mitigateMillis: flags.mitigate.value * minuteMillis }),
      ...(Option.isSome(flags.isolate) && { isolateMillis: flags.isolate.value * minuteMillis })
    }
    const view = yield* connected(flags)(sendTo(placeOf(flags.vsm), "SetTerms", payload, ThreatsView))
    const { isAutomatic, mitigateMillis, isolateMillis } = view.terms
    yield* print(
      flags,
      view.terms,
      () =>
        `${view.vsm} does ${isAutomatic ? "what a threat calls for" : "nothing"} without a person; it lasts ${
          mitigateMillis / minuteMillis
        } min, and ${isolateMillis / minuteMillis} min where it is grave`
    )
  })
).pipe(
  Command.withDescription("Say whether anything is done without a person, and how long it lasts"),
  examples(["root --automatic off"], ["root --mitigate 5 --isolate 30"])
)

export const threats = Command.make("threats").pipe(
  Command.withDescription("Who may mean harm, and what is done about it"),
  Command.withSubcommands([ls, show, approve, reject, lift, act, terms])
)
