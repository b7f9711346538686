/** Draws what controllers made of a valve as SVG: one panel a run, the valve as steps and the level of the tank above each other. */

/** One moment of a run. */
export interface Moment {
  /** Seconds since the beginning. */
  readonly at: number
  /** 0 to 1. */
  readonly valve: number
  /** 0 to 1. */
  readonly level: number
}

/** One panel. */
export interface Run {
  readonly title: string
  readonly moments: ReadonlyArray<Moment>
}

/** Changes of the valve below this are none. */
const deadBand = 0.01
const width = 720
const height = 200
const left = 48
const right = 28
const panelHeight = 270

/** How often the valve turned back. */
export const reversalsOf = (moments: ReadonlyArray<Moment>): number => {
  let direction = 0
  let from = moments[0]?.valve ?? 0
  let count = 0
  for (const { valve } of moments) {
    if (Math.abs(valve - from) <= deadBand) continue
    const next = Math.sign(valve - from)
    if (direction !== 0 && next !== direction) count++
    direction = next
    from = valve
  }
  return count
}

/** The largest distance of the level from a target, from a time on; infinite without a moment after it. */
export const errorOf = (moments: ReadonlyArray<Moment>, target: number, from: number): number => {
  const late = moments.filter(({ at }) => at >= from)
  return late.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...late.map(({ level }) => Math.abs(level - target)))
}

const style = `text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.mark{text-anchor:end}.time{text-anchor:middle}
.frame{fill:#fff;stroke:#999}.target{stroke:#999;stroke-dasharray:4 4}.valve{fill:none;stroke:#7aa6d8;stroke-width:1}
.level{fill:none;stroke:#c0392b;stroke-width:2}`

/** The picture of some runs of the same length. */
export const plot = (
  runs: ReadonlyArray<Run>,
  targets: ReadonlyArray<number>,
  seconds: number,
  caption: string
): string => {
  const x = (at: number): string => (left + (at / seconds) * (width - left - right)).toFixed(1)
  const panel = ({ title, moments }: Run, place: number): string => {
    const top = 40 + place * panelHeight
    const y = (value: number): string => (top + height - value * height).toFixed(1)
    const steps = moments.map(({ at, valve }, index) =>
      index === 0 ? `M${x(at)},${y(valve)}` : valve === moments[index - 1]?.valve ? "" : `H${x(at)}V${y(valve)}`
    )
    // The level is slow: two points a second are a smooth line.
    const level = moments
      .filter(({ at }, index) => index === 0 || Math.floor(2 * at) !== Math.floor(2 * (moments[index - 1]?.at ?? 0)))
      .map((moment) => `${x(moment.at)},${y(moment.level)}`)
    const marks = [0, 0.5, 1].map(
      (value) => `<text x="${left - 6}" y="${Number(y(value)) + 4}" class="mark">${value}</text>`
    )
    const wanted = targets.map(
      (target) => `<line x1="${left}" x2="${width - right}" y1="${y(target)}" y2="${y(target)}" class="target"/>`
    )
    const times = [0, 0.25, 0.5, 0.75, 1].map(
      (share) => `<text x="${x(share * seconds)}" y="${top + height + 16}" class="time">${share * seconds} s</text>`
    )
    return `
  <text x="${left}" y="${top - 10}" class="title">${title}: ${reversalsOf(moments)} reversals in ${seconds} s</text>
  <rect x="${left}" y="${top}" width="${width - left - right}" height="${height}" class="frame"/>
  ${[...marks, ...wanted].join("")}
  <path d="${steps.join("")}H${x(seconds)}" class="valve"/>
  <polyline points="${level.join(" ")}" class="level"/>
  ${times.join("")}`
  }
  const whole = 20 + runs.length * panelHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" role="img">
  <title>${caption}</title>
  <style>${style}</style>
  <rect width="${width}" height="${whole}" fill="#fff"/>${runs.map(panel).join("")}
</svg>
`
}
