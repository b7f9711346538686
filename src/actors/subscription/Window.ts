/**
 * The part of the stream that a group has in hand: what is not acknowledged, and a little ahead of it. It is memory of one
 * activation, and read again from the position by the next one.
 */
import { type EventPage, isBehind, type PlacedEvent, type Start } from "../../events/EventStream.ts"
import type { SubscriptionRecord, SubscriptionSettings } from "../../protocol/SubscriptionState.ts"
import type * as Behaviour from "../Behaviour.ts"
import type { ReadInput } from "./Reading.ts"

/** See the file. */
export interface Window {
  /** Behind the position, oldest first; also what is acknowledged behind something that is not. */
  readonly placed: ReadonlyArray<PlacedEvent>
  /** Up to where it was read; absent before the first part. */
  readonly readTo: string | undefined
  /** A part is being read; one of which nothing was heard by then is begun again. */
  readonly readingUntil: number | undefined
  /** Until then a consumer waits. */
  readonly waitedUntil: number
  /** What was lent and became free by then is known to who waits. */
  readonly lookedAt: number
}

export const empty: Window = {
  placed: [],
  readTo: undefined,
  readingUntil: undefined,
  waitedUntil: Number.NEGATIVE_INFINITY,
  lookedAt: Number.NEGATIVE_INFINITY
}

/** A read of which nothing was heard for so long, beyond what it waits for, is begun again, ms. */
const lostMillis = 30_000
/** One read waits no longer: the place where it stands is then known to the next owner of the actor, ms. */
const readWaitMax = 10_000
/** Longest time between two notes of a position that moves by itself, because nothing was meant, ms. */
const notedMillis = 60_000

/** Events that the window holds at most: what is not acknowledged, and as many ahead. Nothing is read beyond. */
const roomOf = ({ maxInFlight }: SubscriptionSettings): number => 2 * maxInFlight

/** The actor that speaks. */
export const sourceOf = ({ event: { source } }: PlacedEvent): string => `${source.actor}/${source.id}`

const startOf = ({ position, since }: SubscriptionRecord, { readTo = position }: Window): Start =>
  readTo === undefined ? { _tag: "Since", time: since } : { _tag: "After", cursor: readTo }

/** Names a read by where it begins: the outcome of another one changes nothing. */
const nameOf = (start: Start): string => JSON.stringify(start)

/** Reads on, if there is room and nothing is being read. */
export const readOn = (
  record: SubscriptionRecord,
  window: Window,
  now: number
): { readonly window: Window; readonly effects: ReadonlyArray<Behaviour.EffectOrder> } => {
  const { settings } = record
  const room = settings === undefined ? 0 : roomOf(settings) - window.placed.length
  const isReading = window.readingUntil !== undefined && now < window.readingUntil
  if (settings === undefined || room <= 0 || isReading) return { window, effects: [] }
  const { topic, where, source, samples } = settings
  const start = startOf(record, window)
  const waitMillis = Math.max(0, Math.min(window.waitedUntil - now, readWaitMax))
  const input: ReadInput = {
    start,
    waitMillis,
    settings: {
      samples,
      ...(topic !== undefined && { topic }),
      ...(where !== undefined && { where }),
      ...(source !== undefined && { source })
    },
    limit: room
  }
  const readingUntil = now + waitMillis + lostMillis
  return { window: { ...window, readingUntil }, effects: [{ name: "read", id: nameOf(start), input }] }
}

/** Whether this outcome is the one that the window waits for. */
export const isAwaited = (record: SubscriptionRecord, window: Window, id: string): boolean =>
  window.readingUntil !== undefined && id === nameOf(startOf(record, window))

/** Adds a part that was read. What was given out before and is not in it has been dropped from the journal. */
export const extended = (
  record: SubscriptionRecord,
  window: Window,
  { events, next }: EventPage,
  now: number
): { readonly record: SubscriptionRecord; readonly window: Window } => {
  const placed = [...window.placed, ...events]
  const known = new Set([...placed, ...record.aside].map(({ cursor }) => cursor))
  const isThere = (cursor: string): boolean => known.has(cursor) || isBehind(cursor, next)
  const leases = record.leases.filter(({ cursor }) => isThere(cursor))
  const acknowledged = record.acknowledged.filter(isThere)
  const isLost = leases.length < record.leases.length || acknowledged.length < record.acknowledged.length
  return advanced(
    isLost ? { ...record, leases, acknowledged } : record,
    { ...window, placed, readTo: next, readingUntil: undefined },
    now
  )
}

/** Moves the position over what is acknowledged, and over what was not meant where nothing else is in hand. */
export const advanced = (
  record: SubscriptionRecord,
  window: Window,
  now: number
): { readonly record: SubscriptionRecord; readonly window: Window } => {
  const acknowledged = new Set(record.acknowledged)
  let count = 0
  for (const { cursor } of window.placed) {
    if (!acknowledged.has(cursor)) break
    count++
  }
  const placed = window.placed.slice(count)
  const last = window.placed[count - 1]?.cursor
  const isDone = placed.length === 0 && window.readTo !== undefined && record.leases.length === 0
  const position = isDone ? window.readTo : (last ?? record.position)
  const isNoted = count > 0 || (position !== record.position && now >= record.notedAt + notedMillis)
  if (!isNoted || position === undefined) return { record, window }
  for (const { cursor } of window.placed.slice(0, count)) acknowledged.delete(cursor)
  return {
    record: { ...record, position, notedAt: now, acknowledged: [...acknowledged] },
    window: { ...window, placed }
  }
}

/** A consumer found nothing, and waits. */
export const waited = (window: Window, now: number, millis: number): Window => ({
  ...window,
  waitedUntil: Math.max(window.waitedUntil, now + millis),
  lookedAt: now
})

/** When something that was lent becomes free while a consumer waits. */
export const freeAt = ({ leases }: SubscriptionRecord, { waitedUntil, lookedAt }: Window): number | undefined => {
  let first: number | undefined
  for (const { until } of leases)
    if (until > lookedAt && until <= waitedUntil && (first === undefined || until < first)) first = until
  return first
}
