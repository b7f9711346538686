/** Who gets which event, and what comes of it: given out, acknowledged, given back, put aside. Pure. */
import { isBehind, type PlacedEvent } from "../../events/EventStream.ts"
import type { Pulled } from "../../protocol/Subscription.ts"
import {
  attemptsMaxDefault,
  type DeadEvent,
  type Lease,
  type SubscriptionRecord,
  type SubscriptionSettings
} from "../../protocol/SubscriptionState.ts"
import { buried, type Dying, replayedOf, roomOf } from "./Aside.ts"
import { sourceOf, type Window } from "./Window.ts"

/** What a consumer gets. */
export interface Lent {
  readonly record: SubscriptionRecord
  readonly events: Pulled["events"]
  /** Put aside, because they were given out too often. */
  readonly dead: ReadonlyArray<DeadEvent>
  /** One should have been put aside, and there is no room for it. */
  readonly isFull: boolean
}

const asideOf = (record: SubscriptionRecord, dying: ReadonlyArray<Dying>): ReadonlyArray<DeadEvent> =>
  dying.flatMap(({ placed }) => record.aside.filter(({ cursor }) => cursor === placed.cursor))

/**
 * Lends events to a consumer. Of one source nobody gets anything while somebody has some of it, not even the same consumer:
 * an answer that was lost would come again behind what it gets now. An event that has been given out half as often as it may
 * be goes alone: what kills its consumer must not take its neighbours with it.
 */
export const lend = (
  record: SubscriptionRecord,
  { maxInFlight, ackWithinMillis, attemptsMax = attemptsMaxDefault }: SubscriptionSettings,
  { placed }: Window,
  { consumer, max }: { readonly consumer: string; readonly max: number },
  now: number
): Lent => {
  const suspectFrom = Math.max(1, Math.floor(attemptsMax / 2))
  const leases = new Map(record.leases.map((lease) => [lease.cursor, lease]))
  const acknowledged = new Set(record.acknowledged)
  const held = new Set<string>()
  for (const lease of record.leases) if (lease.until > now) held.add(lease.source)
  const events: Array<Pulled["events"][number]> = []
  const dying: Array<Dying> = []
  const room = roomOf(record)
  let again = 0
  let isFull = false
  /** Answers whether the next one may come along. */
  const take = (each: PlacedEvent, blocked: Set<string>): boolean => {
    const { cursor, event } = each
    const lease = leases.get(cursor)
    const source = sourceOf(each)
    if ((lease !== undefined && lease.until > now) || blocked.has(source)) return true
    const isNew = lease === undefined
    if (!isNew && lease.attempts >= attemptsMax) {
      isFull = dying.length >= room
      if (isFull) return false
      dying.push({ placed: each, lease })
      leases.delete(cursor)
      return true
    }
    const isSuspect = !isNew && lease.attempts >= suspectFrom
    if ((isNew && leases.size >= maxInFlight) || (isSuspect && events.length > 0)) {
      // What was lent before may come again behind it, but not of the same source.
      blocked.add(source)
      return true
    }
    const attempts = (lease?.attempts ?? 0) + 1
    leases.set(cursor, { cursor, source, at: event.ts.ms, consumer, until: now + ackWithinMillis, attempts })
    if (!isNew) again++
    events.push({ cursor, attempt: attempts, event })
    return !isSuspect && events.length < max
  }
  const replayed = replayedOf(record)
  const lines = [
    // Else those that fill the group up could be stuck behind others of their source that find no room.
    replayed.filter(({ cursor }) => leases.has(cursor)),
    replayed.filter(({ cursor }) => !leases.has(cursor)),
    placed.filter(({ cursor }) => !acknowledged.has(cursor))
  ]
  // Each line has an order of its own: what was replayed has lost its place among the others.
  for (const line of lines) {
    const blocked = new Set(held)
    if (!line.every((each) => take(each, blocked))) break
  }
  const cleared = dying.reduce((rest, each) => buried(rest, each, now), record)
  const dead = asideOf(cleared, dying)
  if (events.length === 0) return { record: cleared, events, dead, isFull }
  return {
    record: {
      ...cleared,
      leases: [...leases.values()],
      silentSince: cleared.silentSince ?? now,
      given: record.given + events.length,
      again: record.again + again
    },
    events,
    dead,
    isFull
  }
}

/** Whether a pull would bring something, or a refusal that its consumer should hear. */
export const isLendable = (record: SubscriptionRecord, window: Window, now: number): boolean => {
  const { settings, suspended } = record
  if (settings === undefined || suspended !== undefined) return true
  const { events, dead, isFull } = lend(record, settings, window, { consumer: "", max: 1 }, now)
  return events.length > 0 || dead.length > 0 || isFull
}

const without = ({ silentSince: _, ...record }: SubscriptionRecord): SubscriptionRecord => record

/** Takes acknowledgements. What somebody else has by now is theirs to acknowledge. */
export const acknowledge = (
  record: SubscriptionRecord,
  {
    consumer,
    cursors = [],
    upTo
  }: { readonly consumer: string; readonly cursors?: ReadonlyArray<string>; readonly upTo?: string },
  now: number
): { readonly record: SubscriptionRecord; readonly acknowledged: number; readonly unknown: number } => {
  const named = new Set(cursors)
  const isMeant = (lease: Lease): boolean => {
    if (named.has(lease.cursor)) return lease.consumer === consumer || lease.until <= now
    const isTheirs = lease.consumer === consumer && lease.isReturned !== true
    return upTo !== undefined && isTheirs && !isBehind(lease.cursor, upTo)
  }
  const done = record.leases.filter(isMeant)
  const unknown = [...named].filter((cursor) => !done.some((lease) => lease.cursor === cursor)).length
  if (done.length === 0) return { record, acknowledged: 0, unknown }
  const leases = record.leases.filter((lease) => !isMeant(lease))
  const ended = new Set(done.map(({ cursor }) => cursor))
  const replayed = new Set(replayedOf(record).map(({ cursor }) => cursor))
  const acknowledged: SubscriptionRecord = {
    ...without(record),
    leases,
    aside:
      replayed.size === 0
        ? record.aside
        : record.aside.filter((each) => each.deadAt !== undefined || !ended.has(each.cursor)),
    acknowledged: [...record.acknowledged, ...[...ended].filter((cursor) => !replayed.has(cursor))],
    done: record.done + done.length,
    ...(leases.length > 0 && { silentSince: now })
  }
  return { record: acknowledged, acknowledged: done.length, unknown }
}

/** What a consumer gives back, and how. */
export interface Returned {
  readonly consumer: string
  readonly cursors: ReadonlyArray<string>
  readonly delayMillis?: number
  readonly reason?: string
}

/** Takes events back, and with each what the consumer has of its source behind it: they come again in order. */
export const giveBack = (
  record: SubscriptionRecord,
  { consumer, cursors, delayMillis = 0, reason }: Returned,
  now: number
): { readonly record: SubscriptionRecord; readonly released: number } => {
  const isHeld = ({ isReturned, ...lease }: Lease): boolean =>
    lease.consumer === consumer && lease.until > now && isReturned !== true
  const named = new Set(cursors)
  const returned = record.leases.filter((lease) => isHeld(lease) && named.has(lease.cursor))
  const isReturned = (lease: Lease): boolean =>
    isHeld(lease) && returned.some(({ source, cursor }) => source === lease.source && !isBehind(cursor, lease.cursor))
  const leases = record.leases.map((lease) => {
    if (!isReturned(lease)) return lease
    const back: Lease = { ...lease, until: now, isReturned: true }
    if (!named.has(lease.cursor)) return back
    return { ...back, until: now + delayMillis, ...(reason !== undefined && { reason }) }
  })
  const released = leases.filter((lease, at) => lease !== record.leases[at]).length
  return { record: released === 0 ? record : { ...record, leases }, released }
}
