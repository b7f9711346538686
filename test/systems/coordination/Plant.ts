/** A plant of first order with a dead time, and two controllers that want different things of one valve. Time is simulated. */
import { freshKnob, propose } from "../../../src/systems/coordination/Damping.ts"

const stepMillis = 100
const tauSeconds = 20
const deadSeconds = 5
const controlMillis = 1000

/** One moment of a run. */
export interface Moment {
  /** Seconds since the beginning. */
  readonly at: number
  /** Valve, 0 to 1. */
  readonly valve: number
  /** What the plant gives, 0 to 1 in rest at that valve. */
  readonly output: number
}

/** A two-point controller: outside of its band it opens or closes the valve whole. */
export interface Controller {
  readonly name: string
  readonly rank: number
  readonly target: number
  readonly band: number
}

/** Runs the plant; with `isDamped` every order goes through the coordinator's rules. */
export const run = (
  controllers: ReadonlyArray<Controller>,
  seconds: number,
  isDamped: boolean
): ReadonlyArray<Moment> => {
  const moments: Array<Moment> = []
  const pipe: Array<number> = Array.from({ length: (deadSeconds * 1000) / stepMillis }, () => 0)
  let knob = freshKnob({ min: 0, max: 1 })
  let valve = 0
  let output = 0
  for (let now = 0; now < seconds * 1000; now += stepMillis) {
    for (const [place, { name, rank, target, band }] of controllers.entries()) {
      // They do not look at the same moment.
      if (now % controlMillis !== place * 500) continue
      if (Math.abs(output - target) <= band) continue
      const value = output < target ? 1 : 0
      if (!isDamped) {
        valve = value
        continue
      }
      const answer = propose(knob, { value, min: 0, max: 1, by: name, rank }, now)
      if (answer._tag === "Malformed") throw answer
      knob = answer.state
      if (answer._tag === "Answer") valve = answer.verdict.value
    }
    pipe.push(valve)
    output += ((pipe.shift() ?? 0) - output) * (stepMillis / 1000 / tauSeconds)
    if (now % 500 === 0) moments.push({ at: now / 1000, valve, output })
  }
  return moments
}

/** How often the valve turned back, noise left out. */
export const reversalsOf = (moments: ReadonlyArray<Moment>): number => {
  let direction = 0
  let from = moments[0]?.valve ?? 0
  let count = 0
  for (const { valve } of moments) {
    if (Math.abs(valve - from) <= 0.01) continue
    const next = Math.sign(valve - from)
    if (direction !== 0 && next !== direction) count++
    direction = next
    from = valve
  }
  return count
}
