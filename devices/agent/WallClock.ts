/** The cluster's time on a board's clock. */

/** Exchanges that are compared. Clocks drift, so an old one counts no longer, however short its way was. */
const samplesMax = 8

interface Sample {
  readonly offset: number
  readonly roundTrip: number
}

/** Offset between the board's clock and UTC, from exchanges with the cluster. The shortest way errs least: by half of itself at most. */
export class WallClock {
  #samples: Array<Sample> = []
  #offset: number | undefined

  /** One exchange: asked and answered on the board's clock, `wall` in between on the cluster's. */
  observe(asked: number, answered: number, wall: number): void {
    const roundTrip = answered - asked
    if (roundTrip < 0) return
    this.#samples.push({ offset: wall - (answered - roundTrip / 2), roundTrip })
    if (this.#samples.length > samplesMax) this.#samples.shift()
    let best: Sample | undefined
    for (const sample of this.#samples) if (best === undefined || sample.roundTrip < best.roundTrip) best = sample
    this.#offset = best?.offset
  }

  /** Milliseconds to add to the board's clock for UTC; none before the first exchange. */
  get offset(): number | undefined {
    return this.#offset
  }
}
