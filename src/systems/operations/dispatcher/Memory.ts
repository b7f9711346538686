/**
 * The memory of ops that have ended: the last ones one by one, those before in pages, which are written once and forgotten whole.
 * So an end costs its own few bytes and not those of ten thousand others.
 */
import type { DispatcherState, Page } from "../../../protocol/vsm/Dispatcher.ts"
import type { Ended } from "../../../protocol/vsm/Op.ts"

/** Ops of a page. */
const pageSize = 64
/** Ops that are remembered, and targets of them: one with many takes as much room as many with one. */
const rememberedMax = 10_000
const chunksMax = 40_000
/** How long they are remembered, ms. */
const rememberedMillis = 86_400_000

/** What is remembered of one for long: not what it has answered at length, nor what a dry run would have sent. */
const shortened = ({ view: { answer, planned: _, ...view }, ...ended }: Ended): Ended => ({
  ...ended,
  view: { ...view, ...(answer !== undefined && { answer: { sentence: answer.sentence, data: null } }) }
})

const endedAtOf = ({ view }: Ended): number => view.endedAt ?? 0

/** A page of these ops. */
export const pageOf = (number: number, ended: ReadonlyArray<Ended>): Page => ({
  number,
  ended,
  byOp: new Map(ended.map((each) => [each.view.op, each])),
  byKey: new Map(ended.flatMap((each) => (each.key === undefined ? [] : [[each.key, each] as const]))),
  chunks: ended.reduce((sum, { view }) => sum + view.chunks.length, 0),
  endedAt: ended.reduce((latest, each) => Math.max(latest, endedAtOf(each)), 0)
})

/** Pages that are kept: the oldest go first. */
const kept = (pages: ReadonlyArray<Page>, now: number): ReadonlyArray<Page> => {
  let ops = 0
  let chunks = 0
  const oldest = pages.findLastIndex((page) => {
    ops += page.ended.length
    chunks += page.chunks
    return ops > rememberedMax || chunks > chunksMax || page.endedAt + rememberedMillis < now
  })
  return oldest < 0 ? pages : pages.slice(oldest + 1)
}

/** The state after an op has ended. */
export const remember = (state: DispatcherState, ended: Ended, now: number): DispatcherState => {
  const recent = new Map(state.recent).set(ended.view.op, ended)
  if (recent.size < pageSize) return { ...state, recent }
  const page = pageOf((state.pages.at(-1)?.number ?? 0) + 1, [...recent.values()].map(shortened))
  return { ...state, recent: new Map(), pages: kept([...state.pages, page], now) }
}

/** An op that has ended. */
export const recall = ({ recent, pages }: DispatcherState, op: string): Ended | undefined =>
  recent.get(op) ?? pages.findLast((page) => page.byOp.has(op))?.byOp.get(op)

/** One that was given under a key. */
export const recallByKey = ({ recent, pages }: DispatcherState, key: string): Ended | undefined => {
  for (const ended of recent.values()) if (ended.key === key) return ended
  return pages.findLast((page) => page.byKey.has(key))?.byKey.get(key)
}

/** Those that ended last, newest first. */
export const latest = ({ recent, pages }: DispatcherState, limit: number): ReadonlyArray<Ended> => {
  const found = [...recent.values()].reverse()
  for (let at = pages.length - 1; at >= 0 && found.length < limit; at--)
    found.push(...(pages[at]?.ended ?? []).toReversed())
  return found.slice(0, limit)
}
