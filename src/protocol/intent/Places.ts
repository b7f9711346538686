/** Where devices are, and in which state, in words: "of line 2", "in the hall", "that are offline". */
import type { Selection } from "./Intent.ts"
import type { Reading } from "./Reading.ts"

type State = NonNullable<Selection["state"]>

const prepositions = new Set([
  ...["in", "of", "on", "at", "from", "under", "inside", "within", "across", "throughout", "for", "below"]
])
const relatives = new Set(["that", "which"])
const copulas = new Set(["are", "is"])
const zoneNouns = new Set(["zone", "area", "site"])
const states: ReadonlyMap<string, State> = new Map([
  ["online", "online"],
  ["connected", "online"],
  ["offline", "offline"],
  ["disconnected", "offline"],
  ["silent", "silent"],
  ["retired", "retired"]
])

/** The state that a word says, or nothing. */
export const stateAt = (reading: Reading, at: number): State | undefined => {
  const word = reading.tokens[at]?.text ?? ""
  return reading.isWord(at, word) ? states.get(word) : undefined
}

/** What was read, and where it ends. */
export interface Placed<A> {
  readonly end: number
  readonly value: A
}

/** A zone or VSM by its name: "line 2", "the hall", "zone hall.line-2", "vsm line-1", "line 2 of the hall". */
export const placeAt = (reading: Reading, start: number): Placed<ReadonlyArray<Selection>> | undefined => {
  const from = reading.skip(start)
  const { zones, vsms } = reading.vocabulary
  const isVsm = reading.isWord(from, "vsm")
  const isZone = reading.isOneOf(from, zoneNouns)
  const at = isVsm || isZone ? reading.skip(from + 1) : from
  const zone = isVsm ? undefined : zones.at(reading.tokens, at)
  const vsm = isZone ? undefined : vsms.at(reading.tokens, at)
  const end = Math.max(zone?.end ?? 0, vsm?.end ?? 0)
  if (end === 0) return undefined
  // The longer name wins: `line 2 north` is not `line 2`.
  const choices: ReadonlyArray<Selection> = [
    ...(zone?.end === end ? zone.values.map((name) => ({ zone: name })) : []),
    ...(vsm?.end === end ? vsm.values.map((id) => ({ vsm: id })) : [])
  ]
  const inside = reading.isOneOf(end, prepositions) ? zones.at(reading.tokens, reading.skip(end + 1)) : undefined
  const within = choices.filter((choice) => inside?.values.some((outer) => choice.zone?.startsWith(`${outer}.`)))
  if (inside !== undefined && within.length > 0) return { end: inside.end, value: within }
  const behind = reading.isOneOf(end, zoneNouns) ? end + 1 : end
  return { end: behind, value: choices }
}

/** What narrows a noun behind it: places, and "that are offline". */
export const narrowedAt = (reading: Reading, start: number): Placed<ReadonlyArray<Selection>> => {
  let end = start
  let value: ReadonlyArray<Selection> = [{}]
  for (;;) {
    const preposition = reading.isWord(end, "belonging") && reading.isWord(end + 1, "to") ? end + 1 : end
    const isThere = reading.isOneOf(preposition, prepositions) || preposition > end
    const place = isThere ? placeAt(reading, preposition + 1) : undefined
    const isFirst = value.every(({ zone, vsm }) => zone === undefined && vsm === undefined)
    if (place !== undefined && isFirst) {
      value = value.flatMap((left) => place.value.map((right) => ({ ...left, ...right })))
      end = place.end
      continue
    }
    const verb = reading.isOneOf(end, relatives) && reading.isOneOf(end + 1, copulas) ? end + 2 : end
    const state = verb > end ? stateAt(reading, verb) : undefined
    if (state === undefined) return { end, value }
    value = value.map((left) => ({ ...left, state }))
    end = verb + 1
  }
}
