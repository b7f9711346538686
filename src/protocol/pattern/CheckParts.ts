/** Checks a pattern over patterns: that they are there, of one kind of keys, and wait for no circle. */
import { formatPath } from "../condition/Format.ts"
import { events, resolvePath } from "../condition/Source.ts"
import { nearest } from "../Nearest.ts"
import type { Pattern, PatternBody } from "./Pattern.ts"
import type { Report } from "./Report.ts"

/** What is known of the other patterns. */
export interface KnownPatterns {
  readonly pattern?: (name: string) => Pattern | undefined
  /** All their names, for suggestions. */
  readonly patternNames?: ReadonlyArray<string>
}

type Combined = Extract<PatternBody, { readonly _tag: "Combined" }>

const partsOf = ({ body }: Pattern): ReadonlyArray<string> => (body._tag === "Combined" ? body.patterns : [])
const keysOf = ({ by }: Pattern): string => JSON.stringify(by.map((path) => resolvePath(events, path)))

/** The way from a pattern back to the one that is looked for, by names; nothing where there is none. */
const circleOf = (
  sought: string,
  start: string,
  find: (name: string) => Pattern | undefined
): ReadonlyArray<string> | undefined => {
  const seen = new Set<string>()
  const waiting: Array<ReadonlyArray<string>> = [[start]]
  for (let way = waiting.pop(); way !== undefined; way = waiting.pop()) {
    const name = way.at(-1) ?? ""
    if (name === sought) return way
    if (seen.has(name)) continue
    seen.add(name)
    const pattern = find(name)
    for (const part of pattern === undefined ? [] : partsOf(pattern)) waiting.push([...way, part])
  }
  return undefined
}

/** Checks the patterns that a combination waits for. */
export const checkParts = (whole: Pattern, body: Combined, known: KnownPatterns, report: Report): void => {
  const { patterns, atLeast } = body
  if (atLeast > patterns.length)
    report("atLeast", "NeverMatches", `${atLeast} of ${patterns.length} patterns can never match`)
  if (whole.from !== undefined)
    report("from", "Contradiction", "a combination looks at matches of other patterns, not at events; leave `from` out")
  for (const [index, name] of patterns.entries()) checkPart(whole, body, index, name, known, report)
}

const checkPart = (
  whole: Pattern,
  { patterns }: Combined,
  index: number,
  name: string,
  known: KnownPatterns,
  report: Report
): void => {
  const place = `patterns.${index}`
  if (patterns.indexOf(name) < index) return report(place, "Contradiction", `${name} stands here twice`)
  if (name === whole.name) return report(place, "Loop", `${name} would wait for itself`)
  if (known.pattern === undefined) return
  const part = known.pattern(name)
  if (part === undefined)
    return report(place, "UnknownPattern", `there is no pattern ${name}`, nearest(name, known.patternNames ?? []))
  const circle = circleOf(whole.name, name, known.pattern)
  if (circle !== undefined)
    return report(place, "Loop", `${name} waits for this pattern in turn: ${[whole.name, ...circle].join(" → ")}`)
  if (keysOf(part) === keysOf(whole)) return
  const theirs = part.by.map((path) => formatPath(path)).join(", ")
  const [have, write] = theirs === "" ? ["no keys", "leave `by` out"] : [`keys by ${theirs}`, `write \`by ${theirs}\``]
  report(place, "Contradiction", `${name} has ${have}, and a combination takes matches of one key; ${write}`)
}
