/** Draws what two controllers make of one valve, without damping and with it, as SVG into `docs/`. */
import { writeFileSync } from "node:fs"
import { type Moment, reversalsOf, run } from "./Plant.ts"

const heat = { name: "heat", rank: 2, target: 0.6, band: 0.03 }
const save = { name: "save", rank: 1, target: 0.4, band: 0.03 }
const seconds = 240
const width = 720
const height = 200
const left = 48

const x = (at: number): string => (left + (at / seconds) * (width - left - 12)).toFixed(1)
const y = (value: number, top: number): string => (top + height - value * height).toFixed(1)

/** The valve as steps, so that it is seen to jump. */
const valve = (moments: ReadonlyArray<Moment>, top: number): string =>
  moments
    .map(
      (moment, place) => `${place === 0 ? "M" : "H"}${x(moment.at)}${place === 0 ? "," : "V"}${y(moment.valve, top)}`
    )
    .join("")

const output = (moments: ReadonlyArray<Moment>, top: number): string =>
  moments.map((moment) => `${x(moment.at)},${y(moment.output, top)}`).join(" ")

const panel = (title: string, moments: ReadonlyArray<Moment>, top: number): string => `
  <text x="${left}" y="${top - 10}" class="title">${title}: ${reversalsOf(moments)} reversals in ${seconds} s</text>
  <rect x="${left}" y="${top}" width="${width - left - 12}" height="${height}" class="frame"/>
  ${[0, 0.5, 1].map((value) => `<text x="${left - 6}" y="${Number(y(value, top)) + 4}" class="mark">${value}</text>`).join("")}
  ${[heat, save].map(({ target }) => `<line x1="${left}" x2="${width - 12}" y1="${y(target, top)}" y2="${y(target, top)}" class="target"/>`).join("")}
  <path d="${valve(moments, top)}" class="valve"/>
  <polyline points="${output(moments, top)}" class="output"/>
  ${[0, 60, 120, 180, 240].map((at) => `<text x="${x(at)}" y="${top + height + 16}" class="time">${at} s</text>`).join("")}`

const style = `text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.mark{text-anchor:end}.time{text-anchor:middle}
.frame{fill:#fff;stroke:#999}.target{stroke:#999;stroke-dasharray:4 4}.valve{fill:none;stroke:#7aa6d8;stroke-width:1}
.output{fill:none;stroke:#c0392b;stroke-width:2}`

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 560" role="img">
  <title>Two controllers and one valve: blue the valve, red what the plant gives, dashed what each controller wants</title>
  <style>${style}</style>
  <rect width="${width}" height="560" fill="#fff"/>${panel("without damping", run([heat, save], seconds, false), 40)}
  ${panel("with damping", run([heat, save], seconds, true), 310)}
</svg>
`

writeFileSync(new URL("../../../docs/two-controllers-one-valve.svg", import.meta.url), svg)
