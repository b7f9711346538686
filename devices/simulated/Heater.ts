/**
 * A heated body: T' = (P·on·fault − k·(T − Ta)) / C. Between two changes of its relay the solution is an exponential, so a
 * step of any length is exact but for the drift of the surroundings, which is taken at the middle of the step.
 */

/** Constants of one heater. Temperatures in °C. */
export interface HeaterConstants {
  /** Heat capacity, J/K. */
  readonly capacity: number
  /** Loss to the surroundings, W/K. */
  readonly loss: number
  /** Further loss while the fan runs, W/K. */
  readonly fanLoss: number
  /** Heating power, W. */
  readonly power: number
  /** Mean temperature of the surroundings. */
  readonly ambient: number
  /** Daily drift of the surroundings, to either side. */
  readonly drift: number
}

/** A kitchen kettle's worth of metal and water in a room. */
export const heaterDefaults: HeaterConstants = {
  capacity: 900,
  loss: 1.8,
  fanLoss: 16.2,
  power: 150,
  ambient: 22,
  drift: 2
}

/** A small oven: hot within half a minute. Its fan takes away more than its element gives at 65 °C. */
export const ovenDefaults: HeaterConstants = {
  capacity: 900,
  loss: 20,
  fanLoss: 80,
  power: 2000,
  ambient: 22,
  drift: 2
}

const dayMillis = 86_400_000

/** The body and its relay. Time is given from outside and never steps back. */
export class Heater {
  readonly #constants: HeaterConstants
  #at: number
  #temperature: number
  /** The relay is closed: current may flow. */
  closed = false
  /** The fan runs. */
  fan = false
  /** The heating element is whole. */
  whole = true

  constructor(constants: HeaterConstants, at: number, temperature = constants.ambient) {
    this.#constants = constants
    this.#at = at
    this.#temperature = temperature
  }

  /** As of the last `advance`. */
  get temperature(): number {
    return this.#temperature
  }

  /** Heat that flows in now, W. */
  get power(): number {
    return this.closed && this.whole ? this.#constants.power : 0
  }

  /** Temperature of the surroundings at an instant, ms. */
  ambient(at: number): number {
    const { ambient, drift } = this.#constants
    return ambient + drift * Math.sin((2 * Math.PI * at) / dayMillis)
  }

  /** Lets time pass up to this instant, ms. */
  advance(at: number): void {
    const { capacity, fanLoss } = this.#constants
    const loss = this.#constants.loss + (this.fan ? fanLoss : 0)
    const seconds = (at - this.#at) / 1000
    if (seconds <= 0) return
    const limit = this.ambient((at + this.#at) / 2) + this.power / loss
    this.#temperature = limit + (this.#temperature - limit) * Math.exp((-loss * seconds) / capacity)
    this.#at = at
  }
}
