/**
 * A tank behind a long pipe: what its valve lets in arrives after a dead time, and the level follows as one of first order, to where
 * the valve stands. Between two arrivals the solution is an exponential, so a step of any length is exact.
 */

/** Constants of one tank, ms. */
export interface TankConstants {
  /** In so long the level comes closer to where it will rest by all but a share of 1/e. */
  readonly timeConstantMillis: number
  /** How long it takes from the valve to the tank. */
  readonly deadMillis: number
}

/** Slow enough that who looks only at the level always turns the valve too late. */
export const tankDefaults: TankConstants = { timeConstantMillis: 20_000, deadMillis: 5000 }

/** Valve and level, both 0 to 1. Time is given from outside, ms, and never steps back. */
export class Tank {
  readonly #constants: TankConstants
  /** Changes of the valve that have not arrived, oldest first, by when they will. */
  readonly #underWay: Array<{ readonly at: number; readonly inflow: number }> = []
  #at: number
  #level = 0
  #inflow = 0
  #valve = 0

  constructor(constants: TankConstants, at: number) {
    this.#constants = constants
    this.#at = at
  }

  get valve(): number {
    return this.#valve
  }

  /** As of the last `advance`. */
  get level(): number {
    return this.#level
  }

  /** Turns the valve at this instant. */
  turn(valve: number, at: number): void {
    this.advance(at)
    if (valve === this.#valve) return
    this.#valve = valve
    this.#underWay.push({ at: at + this.#constants.deadMillis, inflow: valve })
  }

  /** Lets time pass up to this instant. */
  advance(at: number): void {
    for (let next = this.#underWay[0]; next !== undefined && next.at <= at; next = this.#underWay[0]) {
      this.#settle(next.at)
      this.#inflow = next.inflow
      this.#underWay.shift()
    }
    this.#settle(at)
  }

  #settle(at: number): void {
    const passed = at - this.#at
    if (passed <= 0) return
    const left = Math.exp(-passed / this.#constants.timeConstantMillis)
    this.#level = this.#inflow + (this.#level - this.#inflow) * left
    this.#at = at
  }
}
