/** Random stories: events of three boards with delays and repeats, and a naive account of which of them count, and when. */
import type { Told } from "./Rig.ts"

/** All times are multiples of this, ms. */
export const grid = 100

export interface Recipe {
  readonly events: number
  readonly types: ReadonlyArray<string>
  /** False where events come in the order of their times. */
  readonly hasDelays: boolean
  /** Many events at one time, and little time between. */
  readonly isDense?: boolean
}

/** Events in the order in which they come; some come again. */
export const story = (
  next: () => number,
  { events, types, hasDelays, isDense = false }: Recipe
): ReadonlyArray<Told> => {
  const below = (limit: number) => Math.floor(next() * limit)
  const told: Array<Told> = []
  let at = 0
  for (let id = 1; id <= events; id++) {
    at += (isDense ? (next() < 0.05 ? below(6) : 0) : next() < 0.1 ? below(120) : below(8)) * grid
    const delay = !hasDelays || next() < 0.6 ? 0 : next() < 0.8 ? below(19) * grid : below(90) * grid
    const event: Told = {
      id,
      at,
      comes: at + delay,
      who: `press-${1 + below(3)}`,
      type: types[below(types.length)] ?? "",
      data: { n: below(12) }
    }
    told.push(event)
    // Some come again, as they were written.
    if (next() < 0.1) told.push({ ...event, wrote: at + delay, comes: at + delay + below(30) * grid })
  }
  return told.toSorted((one, other) => (one.comes ?? 0) - (other.comes ?? 0))
}

/** An event of one board as it counts. */
export interface Counted {
  readonly told: Told & { readonly comes: number }
  /** Place in the order of coming. */
  readonly place: number
  /** Watermark of the board right before it is looked at: what is due up to there is done. */
  readonly clock: number
  readonly isLate: boolean
}

/** What the events of one board come to, from the rules alone: the first of equal ids; late behind the watermark. */
export const counted = (told: ReadonlyArray<Told>, who: string): ReadonlyArray<Counted> => {
  const seen = new Set<number>()
  const found: Array<Counted> = []
  let mark = Number.NEGATIVE_INFINITY
  let heard = Number.NEGATIVE_INFINITY
  told.forEach((each, place) => {
    const { id, at, comes = at } = each
    if (each.who !== who || seen.has(id)) return
    seen.add(id)
    const silent = comes - heard
    if (silent >= 5000 && Number.isFinite(silent)) mark += silent
    const isLate = at < mark
    mark = Math.max(mark, at - 2000)
    heard = comes
    found.push({ told: { ...each, comes }, place, clock: mark, isLate })
  })
  return found
}

/** In order of time, those of the same time in the order in which they came. */
export const inTime = (events: ReadonlyArray<Counted>): ReadonlyArray<Counted> =>
  events.toSorted((one, other) => one.told.at - other.told.at || one.place - other.place)
