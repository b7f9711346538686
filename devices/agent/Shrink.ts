/** Letters that are too large for a frame, in smaller ones. */
import { codes } from "../../src/protocol/Codes.ts"
import type { EventLetter, Letter, ReportLetter, ResultLetter } from "./Letter.ts"
import { halve } from "./ReportPatch.ts"

/** Samples one report may carry. */
const samplesMax = 512

/** Whether a letter is too large by its samples alone. */
export const hasTooManySamples = (letter: Letter): boolean =>
  letter.type === "report" && (letter.samples?.length ?? 0) > samplesMax

/** The same in smaller letters, as far as it can be said; nothing when it cannot. */
export const shrink = (letter: Letter): ReadonlyArray<Letter> => {
  switch (letter.type) {
    case "report":
      return shrinkReport(letter)
    case "event":
      return letter.data === undefined ? [] : [withoutData(letter)]
    case "result":
      return shrinkResult(letter)
    case "progress":
      return letter.note === undefined ? [] : [{ type: "progress", id: letter.id, ...done(letter.done) }]
    case "desired-ack": {
      const refused = Object.entries(letter.refused ?? {})
      if (refused.length === 0) return []
      return [{ ...letter, refused: Object.fromEntries(refused.slice(0, refused.length >> 1)) }]
    }
    case "program-status":
      // Half a list is not a complete one.
      return halves(letter.programs).map((programs) => ({ type: "program-status", programs, ...at(letter.at) }))
    case "value":
      return halves(letter.values).map((values) => ({ ...letter, values }))
    case "image-status": {
      const { detail, slots, ...rest } = letter
      return detail === undefined && slots === undefined ? [] : [rest]
    }
    default:
      return []
  }
}

const halves = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const middle = all.length >> 1
  return middle === 0 ? [] : [all.slice(0, middle), all.slice(middle)]
}

const at = (value: number | undefined) => (value === undefined ? {} : { at: value })

const done = (value: number | undefined) => (value === undefined ? {} : { done: value })

const withoutData = ({ data: _data, ...rest }: EventLetter): EventLetter => rest

const shrinkReport = (letter: ReportLetter): ReadonlyArray<ReportLetter> => {
  const { samples, state, full, ...head } = letter
  if (samples !== undefined && state !== undefined) {
    return [
      { ...head, state, ...(full === undefined ? {} : { full }) },
      { ...head, samples }
    ]
  }
  if (samples !== undefined) {
    const middle = samples.length >> 1
    return middle === 0
      ? []
      : [
          { ...head, samples: samples.slice(0, middle) },
          { ...head, samples: samples.slice(middle) }
        ]
  }
  const halves = state && halve(state)
  if (halves === undefined) return []
  return [
    { ...head, state: halves[0], ...(full === undefined ? {} : { full }) },
    { ...head, state: halves[1] }
  ]
}

/** A value that does not fit is a failure for who asked for it; an explanation that does not fit is left out. */
const shrinkResult = ({ id, code, value, detail }: ResultLetter): ReadonlyArray<ResultLetter> => {
  if (value === undefined && detail === undefined) return []
  return [{ type: "result", id, code: value !== undefined && code === codes.ok ? codes.EMSGSIZE : code }]
}
