/**
 * The subscription actor: a group of consumers of the event stream. It reads no further than its consumers acknowledge; what
 * it has lent stands in its row, so that a consumer keeps what it has when the actor moves.
 */
import type { EventPage } from "../../events/EventStream.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { events as eventSource } from "../../protocol/condition/Source.ts"
import { Conflict, InvalidTransition, NotFound } from "../../protocol/Errors.ts"
import { Subscription, type SubscriptionView } from "../../protocol/Subscription.ts"
import {
  attemptsMaxDefault,
  deadMax,
  type SubscriptionRecord,
  type SubscriptionSettings,
  silenceMillisMax
} from "../../protocol/SubscriptionState.ts"
import * as Behaviour from "../Behaviour.ts"
import { deadOf, deathOf, discard, pageOf, replay } from "./Aside.ts"
import { acknowledge, giveBack, isLendable, lend } from "./Lending.ts"
import { type ReadOutcome, read } from "./Reading.ts"
import { storage } from "./Stored.ts"
import { advanced, empty, extended, freeAt, isAwaited, readOn, type Window, waited } from "./Window.ts"

const maxInFlightDefault = 100
const ackWithinMillisDefault = 30_000

const initial: SubscriptionRecord = {
  createdAt: 0,
  since: 0,
  notedAt: 0,
  leases: [],
  acknowledged: [],
  aside: [],
  given: 0,
  again: 0,
  done: 0
}

type Context = Behaviour.TransitionContext<Window>

const viewOf = (record: SubscriptionRecord, { placed }: Window, now: number): SubscriptionView => {
  const { settings, suspended, createdAt, position, leases, acknowledged, given, again, done } = record
  const held = leases.filter(({ until, isReturned }) => until > now && isReturned !== true)
  const counts = new Map<string, number>()
  for (const { consumer } of held) counts.set(consumer, (counts.get(consumer) ?? 0) + 1)
  const next = placed.find(({ cursor }) => !acknowledged.includes(cursor))?.event.ts.ms
  const oldestAt = Math.min(next ?? Number.POSITIVE_INFINITY, ...leases.map(({ at }) => at))
  return {
    state: settings === undefined ? "removed" : suspended === undefined ? "active" : "suspended",
    ...(suspended !== undefined && { suspended }),
    ...(settings !== undefined && { settings }),
    createdAt,
    ...(position !== undefined && { position }),
    inFlight: held.length,
    lapsed: leases.length - held.length,
    dead: deadOf(record),
    consumers: [...counts].map(([consumer, inFlight]) => ({ consumer, inFlight })),
    ...(Number.isFinite(oldestAt) && { oldestAt }),
    given,
    again,
    done
  }
}

const missing = ({ self }: Context) =>
  Behaviour.refuse(new NotFound({ what: `subscription ${self.id}; create it first` }))

const isSame = (one: SubscriptionSettings, other: SubscriptionSettings): boolean =>
  one.topic === other.topic &&
  one.where === other.where &&
  one.source === other.source &&
  one.samples === other.samples &&
  one.maxInFlight === other.maxInFlight &&
  one.ackWithinMillis === other.ackWithinMillis &&
  (one.attemptsMax ?? attemptsMaxDefault) === (other.attemptsMax ?? attemptsMaxDefault)

/** What an effect of ours answered: it went through no storage, so it is what was made. */
const readPageOf = (outcome: unknown): EventPage | undefined => {
  const known = outcome as ReadOutcome
  return known._tag === "Read" ? known.page : undefined
}

const positionOf = ({ position }: SubscriptionRecord) => (position === undefined ? {} : { position })

const suspend = (record: SubscriptionRecord, reason: "silence" | "dead", now: number) => {
  const { silentSince, leases } = record
  const data = {
    reason,
    ...positionOf(record),
    unacknowledged: leases.length,
    dead: deadOf(record),
    ...(silentSince !== undefined && { silentSince })
  }
  const event: Behaviour.Emitted = { type: "subscription.suspended", severity: "error", data }
  return { record: { ...record, suspended: { since: now, reason } } satisfies SubscriptionRecord, events: [event] }
}

const isSilent = ({ silentSince, suspended }: SubscriptionRecord, now: number): boolean =>
  silentSince !== undefined && suspended === undefined && now >= silentSince + silenceMillisMax

/** The behaviour of subscriptions. */
export const subscription: Behaviour.AnyBehaviour = Behaviour.make<Subscription, Window>(Subscription, {
  initial: () => initial,
  awake: () => empty,
  storage,
  dueAt: ({ silentSince, suspended }) =>
    silentSince === undefined || suspended !== undefined ? undefined : silentSince + silenceMillisMax,
  residentDueAt: freeAt,
  timeout: (record, { now, resident }) => {
    const free = freeAt(record, resident)
    const roused =
      free === undefined || free > now ? { resident } : { resident: { ...resident, lookedAt: now }, rouses: true }
    if (!isSilent(record, now)) return roused
    const { record: state, events } = suspend(record, "silence", now)
    return { ...roused, state, events }
  },
  effects: { read },
  completed: (record, { id, outcome }, { resident, now }) => {
    if (!isAwaited(record, resident, id)) return {}
    const page = readPageOf(outcome)
    if (page === undefined) return { resident: { ...resident, readingUntil: undefined } }
    const read = extended(record, resident, page, now)
    // A part in which nothing was meant: whoever waits for events has the next one read.
    const isOver = !page.hasMore && resident.waitedUntil <= now
    const on = isOver ? { window: read.window, effects: [] } : readOn(read.record, read.window, now)
    return { state: read.record, resident: on.window, effects: on.effects, rouses: page.events.length > 0 }
  },

  Create: (record, asked, { now, resident }) => {
    const { after, since, topic, where, source, samples = false, ...limits } = asked
    const settings: SubscriptionSettings = {
      ...(topic !== undefined && { topic }),
      ...(where !== undefined && { where }),
      ...(source !== undefined && { source }),
      samples,
      maxInFlight: limits.maxInFlight ?? maxInFlightDefault,
      ackWithinMillis: limits.ackWithinMillis ?? ackWithinMillisDefault,
      attemptsMax: limits.attemptsMax ?? attemptsMaxDefault
    }
    if (record.settings !== undefined) {
      if (isSame(record.settings, settings)) return { reply: viewOf(record, resident, now) }
      return Behaviour.refuse(new Conflict({ holder: "a subscription of this name with other settings" }))
    }
    const bound = where === undefined ? undefined : bindText(where, eventSource)
    if (bound?._tag === "Failure") return Behaviour.refuse(bound.failure)
    const created: SubscriptionRecord = {
      ...initial,
      settings,
      createdAt: now,
      notedAt: now,
      since: since ?? now,
      ...(after !== undefined && { position: after })
    }
    return {
      state: created,
      resident: empty,
      reply: viewOf(created, empty, now),
      events: [{ type: "subscription.created", data: settings }]
    }
  },

  Pull: (record, asked, context) => {
    const { resident, now } = context
    const { settings, suspended } = record
    if (settings === undefined) return missing(context)
    if (suspended !== undefined) return Behaviour.refuse(new InvalidTransition({ from: "suspended", event: "Pull" }))
    const { waitMillis = 0 } = asked
    const { events, dead, isFull, ...lent } = lend(record, settings, resident, asked, now)
    const { record: cleared, window } =
      dead.length === 0 ? { record: lent.record, window: resident } : advanced(lent.record, resident, now)
    const full = isFull ? suspend(cleared, "dead", now) : { record: cleared, events: [] }
    const isWaiting = waitMillis > 0 && events.length === 0 && !isFull
    const on = readOn(full.record, isWaiting ? waited(window, now, waitMillis) : window, now)
    return {
      state: full.record,
      resident: on.window,
      effects: on.effects,
      events: [...dead.map(deathOf), ...full.events],
      reply: { events }
    }
  },

  WatchLendable: (record, _payload, { resident, now }) => ({ reply: isLendable(record, resident, now) }),

  Ack: (record, asked, context) => {
    const { resident, now } = context
    if (record.settings === undefined) return missing(context)
    const { acknowledged, unknown, ...taken } = acknowledge(record, asked, now)
    const moved = advanced(taken.record, resident, now)
    const { window, effects } = readOn(moved.record, moved.window, now)
    return { state: moved.record, resident: window, effects, reply: { acknowledged, unknown } }
  },

  Nack: (record, asked, context) => {
    if (record.settings === undefined) return missing(context)
    const { released, ...back } = giveBack(record, asked, context.now)
    return { state: back.record, reply: { released } }
  },

  GetDead: (record, { from, limit = deadMax }) => ({ reply: pageOf(record, from, limit) }),

  GetDeadEvent: ({ aside }, { cursor }, { self }) => {
    const found = aside.find((event) => event.cursor === cursor)
    if (found !== undefined) return { reply: found }
    return Behaviour.refuse(new NotFound({ what: `dead event ${cursor} of subscription ${self.id}` }))
  },

  Replay: (record, { cursors }, context) => {
    if (record.settings === undefined) return missing(context)
    const { record: state, count, events } = replay(record, cursors)
    return { state, events, reply: { count } }
  },

  Drop: (record, { cursors }, context) => {
    if (record.settings === undefined) return missing(context)
    const { record: state, count, events } = discard(record, cursors)
    return { state, events, reply: { count } }
  },

  Resume: (record, _payload, context) => {
    const { resident, now } = context
    const { suspended, silentSince: _, ...open } = record
    if (record.settings === undefined) return missing(context)
    if (suspended === undefined) return { reply: viewOf(record, resident, now) }
    const resumed: SubscriptionRecord = { ...open, ...(open.leases.length > 0 && { silentSince: now }) }
    return {
      state: resumed,
      reply: viewOf(resumed, resident, now),
      events: [{ type: "subscription.resumed", data: positionOf(resumed) }]
    }
  },

  Remove: (record, _payload, context) => {
    if (record.settings === undefined) return missing(context)
    const removed: SubscriptionRecord = { ...initial, createdAt: record.createdAt }
    const data = { ...positionOf(record), unacknowledged: record.leases.length, dead: deadOf(record) }
    return {
      state: removed,
      resident: empty,
      reply: viewOf(removed, empty, context.now),
      events: [{ type: "subscription.removed", data }]
    }
  },

  GetState: (record, _payload, { resident, now }) => ({ reply: viewOf(record, resident, now) })
})
