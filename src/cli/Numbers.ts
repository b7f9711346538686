/** Numbers on the command line, refused before anything starts when they are out of bounds. */
import { Flag } from "effect/cli"
import { nodesMax } from "../runtime/Config.ts"

const within =
  (minimum: number, maximum: number) =>
  (flag: Flag.Flag<number>): Flag.Flag<number> =>
    flag.pipe(
      Flag.filter(
        (value) => value >= minimum && value <= maximum,
        (value) => `${value} is not between ${minimum} and ${maximum}`
      )
    )

/** A whole number within bounds, both included. */
export const wholeNumber = (name: string, minimum: number, maximum: number): Flag.Flag<number> =>
  within(minimum, maximum)(Flag.Int(name))

/** A number within bounds, both included. */
export const finiteNumber = (name: string, minimum: number, maximum: number): Flag.Flag<number> =>
  within(minimum, maximum)(Flag.Finite(name))

const unitMillis = { ms: 1, s: 1000, m: 60_000 } as const

const millisOf = (text: string): number => {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  return unit in unitMillis && number !== "" ? Number(number) * unitMillis[unit as keyof typeof unitMillis] : Number.NaN
}

/** A time such as `20s`, `500ms` or `2m`, seconds where it has no unit; in ms, and no longer than this. */
export const timeSpan = (name: string, maximumMillis: number): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.filter(
      (text) => millisOf(text) <= maximumMillis,
      (text) => `${text} is no time up to ${maximumMillis / 1000}s, such as 500ms or 20s`
    ),
    Flag.map((text) => Math.round(millisOf(text)))
  )

/** A TCP port; 0 takes a free one. */
export const port = (name: string): Flag.Flag<number> => wholeNumber(name, 0, 65_535)

/** How many nodes run on this machine. */
export const nodeCount = (name: string): Flag.Flag<number> => wholeNumber(name, 1, nodesMax)

/** Which node of this machine, from 0. */
export const nodeIndex = (name: string): Flag.Flag<number> => wholeNumber(name, 0, nodesMax - 1)

/** How many simulated boards one process bears. */
export const boardCount = (name: string, minimum: number): Flag.Flag<number> => wholeNumber(name, minimum, 10_000)

/** How many lines of an answer. A node gives a thousand at a time. */
export const lineCount = (name: string): Flag.Flag<number> => wholeNumber(name, 1, 1000)
