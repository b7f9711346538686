/**
 * Whether anybody is there to take letters. A target that is away is an outage of all its letters: none uses up an attempt, and
 * one of them asks now and then. A letter that alone meets nobody, while others are answered, is at fault itself.
 */
import type { Letter } from "../../protocol/Delivery.ts"
import { type Turn, targetOf } from "./Turn.ts"

/** The longest pause before a target that is away is asked again, ms; the last one stays. */
export const askedAfterMillis = [1, 2, 4, 8, 16, 32, 60].map((seconds) => seconds * 1000)

/** Half of a pause is certain, so that the time that people are shown means something; the rest is drawn. */
const pauseOf = (tries: number, random: number): number => {
  const longest = askedAfterMillis[Math.min(tries, askedAfterMillis.length - 1)] ?? 0
  return Math.max(1, Math.round((longest / 2) * (1 + random)))
}

/**
 * Whether the target has answered another letter since this one found nobody there, or since this attempt began. While the
 * target counts as away nothing tells the two apart.
 */
export const hasAnswered = ({ record: { away, answeredAt } }: Turn, { awayAt }: Letter, began: number): boolean =>
  away === undefined && answeredAt !== undefined && answeredAt > (awayAt ?? began)

/** An attempt that began at this time found nobody. One that was under way when the target went is no new question. */
export const missed = (turn: Turn, began: number, lastError: string): void => {
  const { away, queued } = turn.record
  const { now, random } = turn.context
  if (away === undefined) {
    const nextAt = now + pauseOf(0, random())
    turn.record = { ...turn.record, away: { since: began, nextAt, tries: 0, lastError } }
    return
  }
  if (began < away.nextAt) return
  const { since } = away
  const tries = away.tries + 1
  turn.record = { ...turn.record, away: { since, nextAt: now + pauseOf(tries, random()), tries, lastError } }
  // The first miss may be a cut of one connection: nobody is told of that.
  if (tries > 1) return
  const data = { target: targetOf(turn), since, lastError, queued }
  turn.events.push({ type: "delivery.away", severity: "warn", data })
}

/** The target has answered, whatever it said: it is there, and all letters go again. */
export const answered = (turn: Turn): void => {
  const { away, ...rest } = turn.record
  const { now } = turn.context
  turn.record = { ...rest, answeredAt: now }
  if (away === undefined || away.tries === 0) return
  const data = { target: targetOf(turn), awayMillis: now - away.since, queued: rest.queued }
  turn.events.push({ type: "delivery.back", data })
}

/** A target that is away is asked now, not at its time. */
export const askAtOnce = (turn: Turn): void => {
  const { away } = turn.record
  const { now } = turn.context
  if (away !== undefined && away.nextAt > now) turn.record = { ...turn.record, away: { ...away, nextAt: now } }
}
