/** Who gets which event, and what comes of it: given out, acknowledged, given back. Pure. */
import type { Lease, Pulled, SubscriptionRecord, SubscriptionSettings } from "../../protocol/Subscription.ts"
import { isBehind } from "./Cursors.ts"
import { sourceOf, type Window } from "./Window.ts"

/**
 * Lends events to a consumer. Of one source nobody gets anything while somebody has some of it, not even the same consumer:
 * an answer that was lost would come again behind what it gets now.
 */
export const lend = (
  record: SubscriptionRecord,
  { maxInFlight, ackWithinMillis }: SubscriptionSettings,
  { placed }: Window,
  { consumer, max }: { readonly consumer: string; readonly max: number },
  now: number
): { readonly record: SubscriptionRecord; readonly events: Pulled["events"] } => {
  const leases = new Map(record.leases.map((lease) => [lease.cursor, lease]))
  const acknowledged = new Set(record.acknowledged)
  const blocked = new Set<string>()
  for (const lease of record.leases) if (lease.until > now) blocked.add(lease.source)
  const events: Array<Pulled["events"][number]> = []
  let again = 0
  for (const each of placed) {
    if (events.length === max) break
    const { cursor, event } = each
    const lease = leases.get(cursor)
    if (acknowledged.has(cursor) || (lease !== undefined && lease.until > now)) continue
    const source = sourceOf(each)
    if (blocked.has(source)) continue
    if (lease === undefined && leases.size >= maxInFlight) {
      // What was lent before may come again behind it, but not of the same source.
      blocked.add(source)
      continue
    }
    const attempts = (lease?.attempts ?? 0) + 1
    leases.set(cursor, { cursor, source, at: event.ts.ms, consumer, until: now + ackWithinMillis, attempts })
    if (lease !== undefined) again++
    events.push({ cursor, attempt: attempts, event })
  }
  if (events.length === 0) return { record, events }
  return {
    record: {
      ...record,
      leases: [...leases.values()],
      silentSince: record.silentSince ?? now,
      given: record.given + events.length,
      again: record.again + again
    },
    events
  }
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
    return upTo !== undefined && lease.consumer === consumer && !isBehind(lease.cursor, upTo)
  }
  const done = record.leases.filter(isMeant)
  const unknown = [...named].filter((cursor) => !done.some((lease) => lease.cursor === cursor)).length
  if (done.length === 0) return { record, acknowledged: 0, unknown }
  const leases = record.leases.filter((lease) => !isMeant(lease))
  const acknowledged: SubscriptionRecord = {
    ...without(record),
    leases,
    acknowledged: [...record.acknowledged, ...done.map(({ cursor }) => cursor)],
    done: record.done + done.length,
    ...(leases.length > 0 && { silentSince: now })
  }
  return { record: acknowledged, acknowledged: done.length, unknown }
}

/** Takes events back, and with each what the consumer has of its source behind it: they come again in order. */
export const giveBack = (
  record: SubscriptionRecord,
  { consumer, cursors }: { readonly consumer: string; readonly cursors: ReadonlyArray<string> },
  now: number
): { readonly record: SubscriptionRecord; readonly released: number } => {
  const isHeld = (lease: Lease): boolean => lease.consumer === consumer && lease.until > now
  const named = new Set(cursors)
  const returned = record.leases.filter((lease) => isHeld(lease) && named.has(lease.cursor))
  const isReturned = (lease: Lease): boolean =>
    isHeld(lease) && returned.some(({ source, cursor }) => source === lease.source && !isBehind(cursor, lease.cursor))
  const leases = record.leases.map((lease) => (isReturned(lease) ? { ...lease, until: now } : lease))
  const released = leases.filter((lease, at) => lease !== record.leases[at]).length
  return { record: released === 0 ? record : { ...record, leases }, released }
}
