/**
 * The part of the stream that a group has in hand: what is not acknowledged, and a little ahead of it. It is memory of one
 * activation, and read again from the position by the next one.
 */
import type { EventPage, PlacedEvent, Start } from "../../events/EventStream.ts"
import type { SubscriptionRecord, SubscriptionSettings } from "../../protocol/Subscription.ts"
import type * as Behaviour from "../Behaviour.ts"
import { isBehind } from "./Cursors.ts"
import type { ReadInput } from "./Reading.ts"

/** See the file. */
export interface Window {
  /** Behind the position, oldest first; also what is acknowledged behind something that is not. */
  readonly placed: ReadonlyArray<PlacedEvent>
  /** Up to where it was read; absent before the first part. */
  readonly readTo: string | undefined
  /** Since when a part is being read. */
  readonly readingSince: number | undefined
}

export const empty: Window = { placed: [], readTo: undefined, readingSince: undefined }

/** A read of which nothing was heard for so long is begun again, ms. */
const lostMillis = 30_000
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
  const isReading = window.readingSince !== undefined && now < window.readingSince + lostMillis
  if (settings === undefined || room <= 0 || isReading) return { window, effects: [] }
  const { where, source, samples } = settings
  const start = startOf(record, window)
  const input: ReadInput = {
    start,
    settings: { samples, ...(where !== undefined && { where }), ...(source !== undefined && { source }) },
    limit: room
  }
  return { window: { ...window, readingSince: now }, effects: [{ name: "read", id: nameOf(start), input }] }
}

/** Whether this outcome is the one that the window waits for. */
export const isAwaited = (record: SubscriptionRecord, window: Window, id: string): boolean =>
  window.readingSince !== undefined && id === nameOf(startOf(record, window))

/** Adds a part that was read. What was given out before and is not in it has been dropped from the journal. */
export const extended = (
  record: SubscriptionRecord,
  window: Window,
  { events, next }: EventPage,
  now: number
): { readonly record: SubscriptionRecord; readonly window: Window } => {
  const placed = [...window.placed, ...events]
  const known = new Set(placed.map(({ cursor }) => cursor))
  const isThere = (cursor: string): boolean => known.has(cursor) || isBehind(cursor, next)
  const leases = record.leases.filter(({ cursor }) => isThere(cursor))
  const acknowledged = record.acknowledged.filter(isThere)
  const isLost = leases.length < record.leases.length || acknowledged.length < record.acknowledged.length
  return advanced(
    isLost ? { ...record, leases, acknowledged } : record,
    { placed, readTo: next, readingSince: undefined },
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
