/** One transition of a delivery under way: its rules change it one after another, then whatever may go is sent. */
import {
  type DeliveryRecord,
  type DeliveryView,
  type Letter,
  type LetterPage,
  type SuspendReason,
  shownTarget,
  waitMillisMax
} from "../../protocol/Delivery.ts"
import type * as Behaviour from "../Behaviour.ts"
import { Lineup } from "./Lineup.ts"
import { append, letterAt, oldestOf, put } from "./Pages.ts"
import type { SendInput } from "./Sending.ts"

/** Letters that are on their way to one target at a time, each of another key. */
export const inFlightMax = 16
/** An attempt of which nothing was heard for so long is begun again, ms: longer than it can take. */
export const lostMillis = 30_000
/** Least time between two events of dropped letters, ms. */
const toldMillis = 10_000

/** Memory of one activation. */
export interface Resident {
  readonly lineup: Lineup
  /** Letters that are on their way, and since when. */
  readonly inFlight: ReadonlyMap<number, number>
}

/** What a transition may look at. */
export type Context = Behaviour.TransitionContext<Resident>
/** What leaves one that nobody waits for. */
export type Outcome = Behaviour.Outcome<DeliveryRecord, Resident, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  record: Omit<DeliveryRecord, "pages">
  readonly pages: Array<LetterPage>
  lineup: Lineup
  readonly inFlight: Map<number, number>
  readonly events: Array<Behaviour.Emitted>
  readonly samples: Array<Behaviour.Emitted>
  readonly effects: Array<Behaviour.EffectOrder>
}

/** Begins a transition. */
export const begin = (record: DeliveryRecord, context: Context): Turn => {
  const { lineup, inFlight } = context.resident
  // A transition that was discarded may have changed the lineup: it then tells of no state, or of another one.
  const line = lineup.of === record ? lineup : new Lineup(record, inFlight)
  line.of = undefined
  const { pages, ...rest } = record
  return {
    context,
    record: rest,
    pages: [...pages],
    lineup: line,
    inFlight: new Map(inFlight),
    events: [],
    samples: [],
    effects: []
  }
}

/** The target as events name it. */
export const targetOf = ({ record }: Turn): string => (record.target === undefined ? "" : shownTarget(record.target))

/** Takes a new letter. */
export const take = (turn: Turn, given: Pick<Letter, "matchId" | "pattern" | "key" | "envelope">): void => {
  const { matchId, pattern, key, envelope } = given
  const { nextSeq, queued } = turn.record
  const { now, causes = [], asker } = turn.context
  const { root, traceparent } = asker
  const because = root === undefined ? undefined : { causes, root, ...(traceparent !== undefined && { traceparent }) }
  const letter: Letter = {
    seq: nextSeq,
    matchId,
    pattern,
    key,
    envelope,
    at: now,
    attempts: 0,
    ...(because !== undefined && { because })
  }
  append(turn.pages, letter)
  turn.lineup.add(letter)
  turn.record = { ...turn.record, nextSeq: nextSeq + 1, queued: queued + 1 }
}

/** Nothing new is taken from now on. */
export const suspend = (turn: Turn, reason: SuspendReason): void => {
  const { queued, dead } = turn.record
  turn.record = { ...turn.record, suspended: { reason, since: turn.context.now } }
  turn.events.push({
    type: "delivery.suspended",
    severity: reason === "operator" ? "warn" : "error",
    data: { target: targetOf(turn), reason, queued, dead }
  })
}

/** Counts one that a suspended target did not take. */
export const drop = (turn: Turn): void => {
  const { dropped, untold } = turn.record
  turn.record = { ...turn.record, dropped: dropped + 1, untold: untold + 1 }
  tellDropped(turn)
}

/** Tells of what was dropped, no more often than people look. */
export const tellDropped = (turn: Turn): void => {
  const { untold, toldAt = Number.NEGATIVE_INFINITY } = turn.record
  if (untold === 0 || turn.context.now < toldAt + toldMillis) return
  turn.events.push({ type: "delivery.dropped", severity: "error", data: { target: targetOf(turn), count: untold } })
  turn.record = { ...turn.record, untold: 0, toldAt: turn.context.now }
}

/** A target whose oldest letter has waited too long takes no more. */
export const judgeAge = (turn: Turn): void => {
  const { suspended, resumedAt = 0 } = turn.record
  const oldest = suspended === undefined ? oldestOf(turn.pages) : undefined
  if (oldest !== undefined && turn.context.now >= Math.max(oldest.at, resumedAt) + waitMillisMax) suspend(turn, "age")
}

/** Begins an attempt. */
export const attempt = (turn: Turn, seq: number): void => {
  const letter = letterAt(turn.pages, seq)
  const { target } = turn.record
  if (letter === undefined || target === undefined) throw new Error(`no letter ${seq} to send`)
  const { matchId, envelope, because: { root, traceparent } = {} } = letter
  const input: SendInput = {
    target,
    matchId,
    envelope,
    ...(root !== undefined && { root }),
    ...(traceparent !== undefined && { traceparent })
  }
  // The first entry is the oldest attempt.
  turn.inFlight.delete(seq)
  turn.inFlight.set(seq, turn.context.now)
  turn.effects.push({ name: "send", id: String(seq), input })
}

/** Replaces a letter, or takes it out. */
export const change = ({ pages }: Turn, seq: number, letter: Letter | undefined): void => put(pages, seq, letter)

/** In steps, so that the row's time to wake does not move with every letter. */
const stepOf = (now: number): number => (Math.floor(now / lostMillis) + 2) * lostMillis

const never = Number.POSITIVE_INFINITY

/** When a letter may go that has not ended an attempt before; a target that is away is asked at its time. */
const nextOf = ({ record: { away }, lineup, context: { now } }: Turn): number => {
  if (away === undefined) return Math.min(lineup.nextAt, lineup.hasReady ? stepOf(now) : never)
  return lineup.hasReady ? away.nextAt : Math.max(lineup.nextAt, away.nextAt)
}

const dueOf = (turn: Turn): number => {
  const { untold, toldAt = 0 } = turn.record
  return Math.min(
    nextOf(turn),
    turn.inFlight.size > 0 ? stepOf(turn.context.now) : never,
    untold > 0 ? toldAt + toldMillis : never
  )
}

/** How many letters may be on their way: one alone asks a target that is away. */
const roomOf = ({ record: { away }, context: { now } }: Turn): number => {
  if (away === undefined) return inFlightMax
  return now >= away.nextAt ? 1 : 0
}

/** Sends what may go; then what leaves the transition. */
export const outcomeOf = (turn: Turn): Outcome => {
  const { lineup, inFlight, context } = turn
  while (inFlight.size < roomOf(turn)) {
    const seq = lineup.take(context.now)
    if (seq === undefined) break
    attempt(turn, seq)
  }
  const { dueAt: _, ...rest } = turn.record
  const due = dueOf(turn)
  const state: DeliveryRecord = {
    ...rest,
    pages: turn.pages,
    ...(due === never ? {} : { dueAt: due })
  }
  lineup.of = state
  return {
    state,
    resident: { lineup, inFlight },
    events: turn.events,
    samples: turn.samples,
    effects: turn.effects
  }
}

/** As people see it. */
export const viewOf = (
  { target, suspended, away, pages, queued, dead, delivered, dropped }: DeliveryRecord,
  inFlight: number
): DeliveryView => {
  const oldest = oldestOf(pages)
  return {
    ...(target === undefined ? {} : { target }),
    state: suspended === undefined ? "active" : "suspended",
    ...(suspended === undefined ? {} : { suspended }),
    ...(away === undefined ? {} : { away }),
    queued,
    inFlight,
    dead,
    delivered,
    dropped,
    ...(oldest === undefined ? {} : { oldestAt: oldest.at })
  }
}
