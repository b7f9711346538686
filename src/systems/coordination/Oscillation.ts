/** Whether a knob oscillates: reversals, amplitude and opposing commands of the last minute, from the setpoints that were applied. */
import type { KnobState, Setpoint } from "../../protocol/vsm/Knob.ts"

/** What is looked at. */
export const windowMillis = 60_000
/** Changes smaller than this share of the range are none. */
export const deadBand = 0.01
/** Two controllers oppose each other when they turn it against each other within this. */
const opposingMillis = 5000

const reversalsMin = 4
const amplitudeMin = 0.05
const opposingMin = 3
const changesMax = 10

/** What the last minute of a knob was like. */
export interface Motion {
  readonly reversals: number
  /** Share of the range. */
  readonly amplitude: number
  readonly opposing: number
  /** Changes larger than the dead band. */
  readonly changes: number
  /** Absent with fewer than two reversals. */
  readonly periodMillis?: number
  readonly lastReversalAt?: number
}

/** A change that is no noise. */
interface Change {
  readonly at: number
  readonly by: string
  readonly sign: number
}

/** Changes are measured from where the knob last moved to, so that many small steps are one large one. */
const changesOf = (applied: ReadonlyArray<Setpoint>, band: number): ReadonlyArray<Change> => {
  const changes: Array<Change> = []
  let from: number | undefined
  for (const { at, value, by } of applied) {
    const difference = from === undefined ? 0 : value - from
    if (from !== undefined && Math.abs(difference) <= band) continue
    if (from !== undefined) changes.push({ at, by, sign: Math.sign(difference) })
    from = value
  }
  return changes
}

const opposingOf = (changes: ReadonlyArray<Change>): number => {
  let count = 0
  changes.forEach((change, place) => {
    const before = changes[place - 1]
    if (before !== undefined && before.by !== change.by && before.sign !== change.sign)
      if (change.at - before.at <= opposingMillis) count++
  })
  return count
}

/** The motion of a knob up to now, from `since` on at the earliest. */
export const motionOf = ({ applied, min, max }: KnobState, now: number, since = 0): Motion => {
  const from = Math.max(now - windowMillis, since)
  const recent = applied.filter(({ at }) => at > from || at === since)
  const range = max - min
  const changes = changesOf(recent, deadBand * range)
  const reversed = changes.filter(({ sign }, place) => place > 0 && changes[place - 1]?.sign !== sign)
  const values = recent.map(({ value }) => value)
  const first = reversed[0]
  const last = reversed.at(-1)
  return {
    reversals: reversed.length,
    amplitude: values.length === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / range,
    opposing: opposingOf(changes),
    changes: changes.length,
    ...(first !== undefined && last !== undefined && last.at > first.at
      ? { periodMillis: (2 * (last.at - first.at)) / (reversed.length - 1) }
      : {}),
    ...(last === undefined ? {} : { lastReversalAt: last.at })
  }
}

/** Whether that is an oscillation. Many changes in one direction are a ramp, and none. */
export const isOscillating = ({ reversals, amplitude, opposing, changes }: Motion): boolean =>
  (reversals >= reversalsMin && amplitude >= amplitudeMin) ||
  opposing >= opposingMin ||
  (changes > changesMax && reversals > 0)
