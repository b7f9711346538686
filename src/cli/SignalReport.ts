/** How algedonic signals look on a terminal. */
import type { ChannelView } from "../protocol/vsm/Algedonic.ts"
import type { Signal } from "../protocol/vsm/Signal.ts"
import { ago, table } from "./Table.ts"

const asked: Readonly<Record<Signal["stage"], string>> = {
  unit: "the unit and control",
  policy: "the VSM",
  parent: "the VSM above",
  person: "a person was called",
  filtered: "nobody, it is filtered",
  none: "nobody"
}

const carer = ({ ack, stage, overAt }: Signal): string => {
  if (ack !== undefined) return `${ack.by}: ${ack.action}`
  return overAt === undefined ? asked[stage] : `${asked[stage]}; it has stopped`
}

/** Signals that are felt here, worst first. A flood is one of them. */
export const signalsOf = (channels: ReadonlyArray<ChannelView>): ReadonlyArray<Signal> =>
  channels
    .flatMap(({ signals }) => signals.filter(({ from }) => from === undefined))
    .sort(
      (one, other) => Number(one.ack !== undefined) - Number(other.ack !== undefined) || other.intensity - one.intensity
    )

/** One line each. */
export const signalTable = (signals: ReadonlyArray<Signal>, now: number): string =>
  table(
    ["signal", "what", "source", "how much", "times", "since", "asked"],
    signals.map((signal) => [
      signal.id,
      `${signal.valence === "pleasure" ? "+" : ""}${signal.metric}${signal.value === undefined ? "" : ` ${signal.value}`}`,
      signal.source,
      signal.intensity.toFixed(2),
      signal.count,
      ago(now - signal.since),
      carer(signal)
    ])
  )

/** What a channel was told not to bother people with, and from where on things hurt there. */
export const settingsOf = ({ vsm, filters, thresholds }: ChannelView, now: number): ReadonlyArray<string> => [
  ...filters
    .filter(({ until }) => until === undefined || until > now)
    .map(({ metric, below, until }) => {
      const end = until === undefined ? "" : ` for ${ago(until - now)} more`
      return `${vsm}: ${metric} below ${below} asks nobody${end}`
    }),
  ...Object.entries(thresholds).map(
    ([metric, { base, pain, agony }]) => `${vsm}: ${metric} from ${base}, pain at ${pain}, agony at ${agony}`
  )
]
