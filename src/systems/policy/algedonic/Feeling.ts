/**
 * What is felt becomes a signal, or part of one: the same of the same source is one signal with its maximum and a count. A flood
 * keeps the worst apart and puts the rest into one signal, of which the worst counts.
 */
import { matches } from "../../../protocol/Capability.ts"
import { agony, evidenceMax, type Feeling, type Signal, type Thresholds } from "../../../protocol/vsm/Signal.ts"
import { isCovered, resolve, step, stopped } from "./Care.ts"
import { openAbove, openHere, unitMillis, type Way, worsened } from "./Climbing.ts"
import { baseAfter, feltOf, thresholdsKnown } from "./Intensity.ts"
import { drop, isAgony, say, type Turn, write } from "./Turn.ts"

/** Signals that a channel keeps apart. */
export const signalsMax = 200
/** Source and metric of the signal that a flood is. */
export const flood = "*"
/** What has not been felt for so long is not got used to any more, ms. */
const restMillis = 60_000

/** The thresholds of a metric: those that people have set, else those that everybody knows. */
export const thresholdsOf = (turn: Turn, metric: string): Thresholds | undefined =>
  Object.hasOwn(turn.state.thresholds, metric) ? turn.state.thresholds[metric] : thresholdsKnown.get(metric)

const isFiltered = ({ state, now }: Turn, { metric, intensity, valence }: Signal): boolean =>
  valence === "pain" &&
  intensity < agony &&
  state.filters.some(
    ({ metric: glob, below, until }) =>
      intensity < below && (until === undefined || now < until) && matches(glob, metric)
  )

/** What is felt here from one source, of one metric. */
const find = ({ state }: Turn, { source, metric }: Feeling, valence: string): Signal | undefined => {
  for (const signal of state.signals.values())
    if (signal.from === undefined && signal.metric === metric && signal.source === source && signal.valence === valence)
      return signal
  return undefined
}

const opened = (turn: Turn, signal: Signal): void => {
  const { valence } = signal
  const asked = valence === "pleasure" ? "none" : isFiltered(turn, signal) ? "filtered" : "unit"
  const isAsked = asked === "unit" && !isAgony(signal)
  say(turn, "algedonic.felt", signal, { valence, ...(isAsked && { ackBy: turn.now + unitMillis }) })
  if (asked === "unit") openHere(turn, signal)
  else write(turn, { ...signal, stage: asked })
}

/** Takes away what follows from having been taken care of, filtered or asked. */
const anew = (signal: Signal, now: number): Signal => {
  const { ack: _, ackBy: __, overAt: ___, told: ____, ...rest } = signal
  return { ...rest, openedAt: now, hasClimbed: false }
}

/** How much room a signal is worth: what somebody takes care of, or nobody is asked about, goes first. */
const worth = ({ stage, ack, intensity }: Signal): number =>
  intensity - (stage === "none" || stage === "filtered" ? 4 : ack === undefined ? 0 : 2)

const weakest = ({ state }: Turn): Signal | undefined => {
  let found: Signal | undefined
  for (const signal of state.signals.values())
    if (signal.source !== flood && (found === undefined || worth(signal) < worth(found))) found = signal
  return found
}

/** Counts that add up stay numbers that can be stored. */
const added = (one: number, other: number): number => Math.min(Number.MAX_SAFE_INTEGER, one + other)

const stronger = (one: Signal, other: Signal): Signal => (other.intensity > one.intensity ? other : one)

/** Puts a signal into the one that the flood is. It never covers what comes later: nobody has seen that apart. */
const merge = (turn: Turn, signal: Signal): void => {
  if (signal.valence === "pleasure" || isFiltered(turn, signal)) return
  const known = find(turn, { source: flood, metric: flood }, "pain")
  if (known === undefined) {
    const { from: _, ...own } = anew(signal, turn.now)
    const last = turn.state.last + 1
    turn.state = { ...turn.state, last }
    const first: Signal = { ...own, id: `${turn.id}.${last}`, source: flood, metric: flood, origin: turn.id }
    say(turn, "algedonic.flooded", first)
    return opened(turn, first)
  }
  const { value: _, ...worst } = known
  const merged: Signal = {
    ...worst,
    intensity: Math.max(known.intensity, signal.intensity),
    ids: stronger(known, signal).ids,
    count: added(known.count, signal.count),
    lastAt: turn.now
  }
  if (known.ack !== undefined || known.stage === "filtered") opened(turn, anew(merged, turn.now))
  else {
    write(turn, merged)
    if (merged.intensity >= known.intensity + step) worsened(turn, known, merged)
  }
}

/** Makes room for a signal, or says that there is none for it: it is no worse than all that are kept. */
const hasPlace = (turn: Turn, signal: Signal): boolean => {
  if (turn.state.signals.size < signalsMax) return true
  const least = weakest(turn)
  if (least === undefined || worth(signal) < worth(least) + step) return false
  drop(turn, least.id)
  if (least.ack === undefined) merge(turn, least)
  return turn.state.signals.size < signalsMax + 1
}

const evidenceOf = (turn: Turn, { ids }: Feeling): ReadonlyArray<string> =>
  (ids ?? turn.context.causes ?? []).slice(0, evidenceMax)

const feltFirst = (turn: Turn, feeling: Feeling, valence: Signal["valence"], intensity: number): Signal | undefined => {
  const last = turn.state.last + 1
  turn.state = { ...turn.state, last }
  const base = thresholdsOf(turn, feeling.metric)?.base
  const signal: Signal = {
    id: `${turn.id}.${last}`,
    source: feeling.source,
    metric: feeling.metric,
    valence,
    intensity,
    ...(feeling.value === undefined ? {} : { value: feeling.value, ...(base === undefined ? {} : { base }) }),
    count: 1,
    ids: evidenceOf(turn, feeling),
    since: turn.now,
    openedAt: turn.now,
    lastAt: turn.now,
    origin: turn.id,
    stage: "unit",
    hasClimbed: false,
    calls: 0
  }
  if (!hasPlace(turn, signal)) {
    merge(turn, signal)
    return find(turn, { source: flood, metric: flood }, "pain")
  }
  opened(turn, signal)
  return turn.state.signals.get(signal.id)
}

/** The base that is in force for what lasts, and the one from now on. */
const basesOf = (turn: Turn, { value, metric }: Feeling, known: Signal | undefined) => {
  const thresholds = thresholdsOf(turn, metric)
  if (known === undefined || value === undefined || thresholds === undefined) return { thresholds, now: undefined }
  const millis = turn.now - known.lastAt
  const before = millis >= restMillis ? thresholds.base : (known.base ?? thresholds.base)
  return { thresholds, now: millis >= restMillis ? before : baseAfter(before, value, millis, thresholds) }
}

const feltAgain = (turn: Turn, known: Signal, feeling: Feeling, intensity: number, base: number | undefined): void => {
  const isStronger = intensity > known.intensity
  const isCoveredStill = isCovered(known.ack, intensity, turn.now)
  const { overAt: _, ...rest } = known
  const next: Signal = {
    ...rest,
    count: added(known.count, 1),
    lastAt: turn.now,
    intensity: Math.max(known.intensity, intensity),
    ...(feeling.value === undefined ? {} : { value: feeling.value }),
    ...(base === undefined ? {} : { base }),
    ...(isStronger || known.ids.length === 0 ? { ids: evidenceOf(turn, feeling) } : {})
  }
  if (known.stage === "none") write(turn, next)
  else if (known.stage === "filtered") {
    if (isFiltered(turn, { ...next, intensity })) write(turn, next)
    else opened(turn, anew({ ...next, intensity }, turn.now))
  } else if (known.ack !== undefined) {
    // It is as strong as it is now, not as it was before somebody took care.
    if (isCoveredStill) write(turn, next)
    else opened(turn, anew({ ...next, intensity }, turn.now))
  } else {
    write(turn, next)
    if (intensity >= known.intensity + step) worsened(turn, known, next)
  }
}

/** Something is felt here. The signal that it is part of; nothing where it does not hurt at all; `unknown` where nobody knows how much it is. */
export const feel = (turn: Turn, feeling: Feeling): Signal | undefined | "unknown" => {
  const asPain = find(turn, feeling, feeling.valence ?? "pain")
  if (feeling.isOver === true) {
    if (asPain !== undefined) stopped(turn, asPain)
    return undefined
  }
  const bases = basesOf(turn, feeling, asPain)
  const felt = feltOf(feeling, bases.thresholds, bases.now)
  if (felt === undefined) return "unknown"
  if (felt.intensity <= 0) return undefined
  const known = find(turn, feeling, felt.valence)
  if (known === undefined) return feltFirst(turn, feeling, felt.valence, felt.intensity)
  feltAgain(turn, known, feeling, felt.intensity, bases.now)
  return turn.state.signals.get(known.id)
}

/** A signal came up, from a child or from where it is felt. */
export const takeClimb = (
  turn: Turn,
  { child, signal, ...way }: Way & { readonly child: Signal["origin"]; readonly signal: Signal }
): void => {
  const known = turn.state.signals.get(signal.id)
  // A path that leads back to where it was felt would never end.
  if (known !== undefined && known.from === undefined) return
  const { ack: _, ackBy: __, base: ___, told: ____, ...rest } = signal
  const came: Signal = { ...rest, from: child, lastAt: turn.now, stage: "policy", hasClimbed: false }
  if (known === undefined) {
    if (!hasPlace(turn, came)) return merge(turn, came)
    return openAbove(turn, came, way)
  }
  const intensity = Math.max(known.intensity, signal.intensity)
  const next: Signal = {
    ...known,
    // Who feels it knows all who were told; a child that passes it on only itself.
    from: known.from === signal.origin ? known.from : child,
    count: Math.max(known.count, signal.count),
    intensity,
    lastAt: turn.now
  }
  if (known.ack !== undefined && (signal.openedAt > known.openedAt || intensity >= known.ack.intensity + step)) {
    const { ack: _____, ...open } = next
    return openAbove(turn, { ...open, openedAt: signal.openedAt, hasClimbed: false }, way)
  }
  write(turn, next)
  if (known.ack === undefined && intensity >= known.intensity + step) worsened(turn, known, next, way)
}

/** A signal is over, somebody above or below says so. */
export const takeResolved = (turn: Turn, id: string): void => {
  const signal = turn.state.signals.get(id)
  if (signal !== undefined) resolve(turn, signal, "resolved")
}
