/** Events that nobody gets done: they are put aside with their cause, so that they hold up nobody, until an operator decides. */
import { isBehind, type PlacedEvent } from "../../events/EventStream.ts"
import type { DeadEventPage } from "../../protocol/Subscription.ts"
import { type DeadEvent, deadMax, type Lease, type SubscriptionRecord } from "../../protocol/SubscriptionState.ts"
import type * as Behaviour from "../Behaviour.ts"
import { sourceOf } from "./Window.ts"

/** Cursors that an event names. */
const namedMax = 100

const isDead = (event: DeadEvent): event is DeadEvent & { readonly deadAt: number } => event.deadAt !== undefined

/** An event that was given out too often. */
export interface Dying {
  readonly placed: PlacedEvent
  readonly lease: Lease
}

/** How many are dead. */
export const deadOf = ({ aside }: SubscriptionRecord): number => aside.filter(isDead).length

/** What an operator has lent again, in the order of the stream. */
export const replayedOf = ({ aside }: SubscriptionRecord): ReadonlyArray<PlacedEvent> =>
  aside.filter((event) => !isDead(event)).map(({ cursor, event }) => ({ cursor, event }))

/** For how many more there is room. */
export const roomOf = (record: SubscriptionRecord): number => deadMax - deadOf(record)

const causeOf = ({ isReturned = false, reason }: Lease): string =>
  isReturned ? (reason ?? "given back") : "not acknowledged in time"

/** Puts an event aside that was given out too often. It is done with as far as the others are concerned. */
export const buried = (record: SubscriptionRecord, { placed, lease }: Dying, now: number): SubscriptionRecord => {
  const { cursor, event } = placed
  const { attempts, consumer } = lease
  const dead: DeadEvent = { cursor, event, attempts, consumer, cause: causeOf(lease), deadAt: now }
  const others = record.aside.filter((each) => each.cursor !== cursor)
  const isReplayed = others.length < record.aside.length
  const place = others.findIndex((each) => isBehind(each.cursor, cursor))
  const { silentSince, ...rest } = record
  const leases = record.leases.filter((each) => each.cursor !== cursor)
  return {
    ...rest,
    leases,
    acknowledged: isReplayed ? record.acknowledged : [...record.acknowledged, cursor],
    aside: others.toSpliced(place < 0 ? others.length : place, 0, dead),
    ...(silentSince !== undefined && leases.length > 0 && { silentSince })
  }
}

/** What is told of it, in the chain of causes that it is in itself. */
export const deathOf = ({ cursor, event, attempts, consumer, cause }: DeadEvent): Behaviour.Emitted => {
  const { root = event.id, traceparent } = event.context ?? {}
  return {
    type: "subscription.dead",
    severity: "error",
    because: { causes: [event.id], root, ...(traceparent !== undefined && { traceparent }) },
    data: { cursor, event: event.id, type: event.type, source: sourceOf({ cursor, event }), attempts, consumer, cause }
  }
}

/** Dead events, a page at a time. */
export const pageOf = (record: SubscriptionRecord, from: string | undefined, limit: number): DeadEventPage => {
  const rest = record.aside.filter(isDead).filter(({ cursor }) => from === undefined || isBehind(cursor, from))
  const events = rest.slice(0, limit).map(({ cursor, event, attempts, consumer, cause, deadAt }) => {
    const { id, type } = event
    return { cursor, id, type, source: sourceOf({ cursor, event }), attempts, consumer, cause, deadAt }
  })
  const last = events.at(-1)
  return { events, ...(rest.length > limit && last !== undefined && { next: last.cursor }) }
}

/** What an operator meant: those that are dead and named, or all that are dead. */
const selected = (
  { aside }: SubscriptionRecord,
  cursors: ReadonlyArray<string> | undefined
): ReadonlySet<DeadEvent> => {
  const named = cursors === undefined ? undefined : new Set(cursors)
  return new Set(aside.filter((event) => isDead(event) && named?.has(event.cursor) !== false))
}

/** What came of a word of an operator. */
export interface Taken {
  readonly record: SubscriptionRecord
  readonly count: number
  readonly events: ReadonlyArray<Behaviour.Emitted>
}

const taken = (
  record: SubscriptionRecord,
  type: "subscription.replayed" | "subscription.discarded",
  chosen: ReadonlySet<DeadEvent>,
  aside: ReadonlyArray<DeadEvent>
): Taken => {
  if (chosen.size === 0) return { record, count: 0, events: [] }
  const cursors = [...chosen].slice(0, namedMax).map(({ cursor }) => cursor)
  const event: Behaviour.Emitted = { type, severity: "warn", data: { count: chosen.size, cursors } }
  return { record: { ...record, aside }, count: chosen.size, events: [event] }
}

/** Has dead events lent again, as new as on their first day. */
export const replay = (record: SubscriptionRecord, cursors: ReadonlyArray<string> | undefined): Taken => {
  const chosen = selected(record, cursors)
  const aside = record.aside.map((event) => {
    const { deadAt: _, ...again } = event
    return chosen.has(event) ? again : event
  })
  return taken(record, "subscription.replayed", chosen, aside)
}

/** Gives dead events up. */
export const discard = (record: SubscriptionRecord, cursors: ReadonlyArray<string> | undefined): Taken => {
  const chosen = selected(record, cursors)
  const aside = record.aside.filter((event) => !chosen.has(event))
  return taken(record, "subscription.discarded", chosen, aside)
}
