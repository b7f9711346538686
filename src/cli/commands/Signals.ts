/** `holon signals`: what hurts in the fleet, and who takes care of it. */
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Malformed } from "../../protocol/Errors.ts"
import { ChannelView } from "../../protocol/vsm/Algedonic.ts"
import { Signal } from "../../protocol/vsm/Signal.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { settingsOf, signalsOf, signalTable } from "../SignalReport.ts"

const noAction = "somebody takes care of it"
const channelOf = (id: string): Place => ({ kind: "algedonic", id })

/** The channel where a signal is felt, from its id. */
const whereFelt = (signal: string) => {
  const [, vsm] = /^([a-z0-9][a-z0-9-]*)\.[0-9]+$/.exec(signal) ?? []
  return vsm === undefined
    ? Effect.fail(new Malformed({ path: "signal", reason: `${signal} is no signal; they are named as line-1.17` }))
    : Effect.succeed(channelOf(vsm))
}

const signal = Argument.String("signal").pipe(Argument.withDescription("Id of the signal, as line-1.17"))
const vsm = Argument.String("vsm").pipe(Argument.withDescription("Id of the VSM"))
const metric = Argument.String("metric").pipe(Argument.withDescription("What is felt, as temperature_c"))
const amount = (name: string, about: string) => Flag.Finite(name).pipe(Flag.withDescription(about), Flag.optional)
const given = (values: Readonly<Record<string, Option.Option<number>>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
  )

const ls = Command.make(
  "ls",
  {
    ...connection,
    vsm: Argument.String("vsm").pipe(
      Argument.withDescription("Only what is felt in this VSM; everything when absent"),
      Argument.optional
    )
  },
  Effect.fn(function* (flags) {
    const channels = yield* connected(flags)(
      Option.isSome(flags.vsm)
        ? Effect.map(sendTo(channelOf(flags.vsm.value), "GetSignals", {}, ChannelView), (view) => [view])
        : Effect.map(lookThrough("algedonic", "GetSignals", ChannelView), (found) => found.map(({ value }) => value))
    )
    const now = yield* Clock.currentTimeMillis
    const signals = signalsOf(channels)
    yield* print(flags, channels, () =>
      [
        signals.length === 0 ? "nothing hurts" : signalTable(signals, now),
        ...channels.flatMap((channel) => settingsOf(channel, now))
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("List what hurts, the worst first, with who was asked to take care of it"),
  examples([""], ["line-1", "In one VSM"])
)

const ack = Command.make(
  "ack",
  {
    ...connection,
    signal,
    action: Flag.String("action").pipe(
      Flag.withDescription(`What is done about it, for whoever looks (default: ${noAction})`),
      Flag.withDefault(noAction)
    )
  },
  Effect.fn(function* (flags) {
    const place = yield* whereFelt(flags.signal)
    const acked = yield* connected(flags)(sendTo(place, "Ack", { signal: flags.signal, action: flags.action }, Signal))
    yield* print(flags, acked, () => `${flags.signal} asks nobody else, unless it becomes worse`)
  })
).pipe(
  Command.withDescription("Say that you take care of a signal"),
  examples(["line-1.17 --action 'stopped the press'"])
)

const resolve = Command.make(
  "resolve",
  { ...connection, signal },
  Effect.fn(function* (flags) {
    const place = yield* whereFelt(flags.signal)
    const ended = yield* connected(flags)(sendTo(place, "Resolve", { signal: flags.signal }, Signal))
    yield* print(flags, ended, () => `${flags.signal} is over`)
  })
).pipe(Command.withDescription("Say that a signal is over"), examples(["line-1.17"]))

const raise = Command.make(
  "raise",
  {
    ...connection,
    vsm,
    metric,
    intensity: amount("intensity", "How much it hurts, 0 to 1; from 0.95 on people are called at once"),
    value: amount("value", "What was measured, where the metric has thresholds"),
    source: Flag.String("source").pipe(
      Flag.withDescription("Who feels it, as device/press-1 (default: the VSM itself)"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const { intensity, value } = flags
    const source = Option.getOrElse(flags.source, () => `vsm/${flags.vsm}`)
    const payload = { source, metric: flags.metric, ...given({ intensity, value }) }
    const felt = yield* connected(flags)(sendTo(channelOf(flags.vsm), "Raise", payload, Schema.NullOr(Signal)))
    yield* print(flags, felt, () =>
      felt === null ? "it does not hurt" : `${felt.id} hurts by ${felt.intensity.toFixed(2)}`
    )
  })
).pipe(
  Command.withDescription("Say that something hurts"),
  examples(
    ["line-1 smoke --intensity 0.95"],
    ["line-1 temperature_c --value 91 --source device/press-1", "A measurement"]
  )
)

const filter = Command.make(
  "filter",
  {
    ...connection,
    vsm,
    metric: Argument.String("metric").pipe(
      Argument.withDescription("What is felt, as temperature_c, with * for any text")
    ),
    below: Flag.Finite("below").pipe(
      Flag.withDescription("Pains weaker than this ask nobody, 0.95 at most; 0 takes the filter away")
    ),
    minutes: wholeNumber("minutes", 1, 525_600).pipe(
      Flag.withDescription("How long; for ever when absent"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const now = yield* Clock.currentTimeMillis
    const until = Option.isSome(flags.minutes) ? { until: now + flags.minutes.value * 60_000 } : {}
    const payload = { metric: flags.metric, below: flags.below, ...until }
    const view = yield* connected(flags)(sendTo(channelOf(flags.vsm), "SetFilter", payload, ChannelView))
    yield* print(flags, view, () => settingsOf(view, now).join("\n") || `${flags.vsm} filters nothing`)
  })
).pipe(
  Command.withDescription("Keep weak pains of a metric from asking anybody; agony passes every filter"),
  examples(["line-1 'latency_*' --below 0.5 --minutes 60"], ["line-1 'latency_*' --below 0", "As before"])
)

const thresholds = Command.make(
  "thresholds",
  {
    ...connection,
    vsm,
    metric,
    base: amount("base", "Below this nothing is felt"),
    pain: amount("pain", "From here on it is pain beyond doubt"),
    agony: amount("agony", "From here on people are called at once; all three absent takes the thresholds away")
  },
  Effect.fn(function* (flags) {
    const { base, pain, agony } = flags
    const wanted = given({ base, pain, agony })
    const isNone = Object.keys(wanted).length === 0
    const payload = { metric: flags.metric, thresholds: isNone ? null : wanted }
    const view = yield* connected(flags)(sendTo(channelOf(flags.vsm), "SetThresholds", payload, ChannelView))
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, view, () => settingsOf(view, now).join("\n") || `${flags.vsm} has the usual thresholds`)
  })
).pipe(
  Command.withDescription("Say from where on a metric hurts; known ones may only be made more sensitive"),
  examples(["line-1 vibration_mm_s --base 2 --pain 5 --agony 11"], ["line-1 vibration_mm_s", "Not any more"])
)

export const signals = Command.make("signals").pipe(
  Command.withDescription("What hurts in the fleet, and who takes care of it"),
  Command.withSubcommands([ls, ack, resolve, raise, filter, thresholds])
)
