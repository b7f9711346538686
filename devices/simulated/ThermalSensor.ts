/** A temperature sensor with noise and a quantum, which may get stuck. */

/** Standard deviation of one reading, °C. */
export const sigma = 0.05

/** Step of the readings, °C: that of a DS18B20 at 12 bit. */
export const quantum = 0.0625

/** Reads a true temperature as a sensor would. */
export class ThermalSensor {
  readonly #normal: () => number
  #last: number | undefined
  /** Answers the last reading for ever. */
  stuck = false
  /** Multiple of the usual noise. */
  noise = 1

  constructor(normal: () => number) {
    this.#normal = normal
  }

  /** One reading, °C. */
  read(temperature: number): number {
    if (this.stuck && this.#last !== undefined) return this.#last
    const noisy = temperature + this.#normal() * sigma * this.noise
    this.#last = Math.round(noisy / quantum) * quantum
    return this.#last
  }
}
