/** What an attempt comes to: the letter has arrived, waits for the next attempt or until the target is back, or is dead. */
import { Schema } from "effect"
import type { Letter } from "../../protocol/Delivery.ts"
import { answered, hasAnswered, missed } from "./Circuit.ts"
import { Sent } from "./Sending.ts"
import { change, type Turn, targetOf } from "./Turn.ts"

/** The longest pause behind each failed attempt, ms. Behind the last one the letter is dead. */
const pausesMillis = [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000)

const isSent = Schema.is(Sent)

const arrived = (turn: Turn, letter: Letter): void => {
  const { seq, matchId, pattern, attempts, at, because } = letter
  const { queued, delivered } = turn.record
  change(turn, seq, undefined)
  turn.lineup.done(letter)
  turn.record = { ...turn.record, queued: queued - 1, delivered: delivered + 1 }
  turn.samples.push({
    type: "delivery.delivered",
    ...(because !== undefined && { because }),
    data: { target: targetOf(turn), matchId, pattern, attempts: attempts + 1, millis: turn.context.now - at }
  })
}

const die = (turn: Turn, letter: Letter, lastError: string): void => {
  const { seq, matchId, pattern, key, because } = letter
  const { queued, dead } = turn.record
  const attempts = letter.attempts + 1
  const { notBefore: _, ...rest } = letter
  change(turn, seq, { ...rest, attempts, lastError, deadAt: turn.context.now })
  turn.lineup.done(letter)
  turn.record = { ...turn.record, queued: queued - 1, dead: dead + 1 }
  turn.events.push({
    type: "delivery.dead",
    severity: "error",
    ...(because !== undefined && { because }),
    data: { matchId, pattern, key, target: targetOf(turn), attempts, lastError }
  })
}

/** The letter waits for its turn; it goes on with the attempts it had. */
const keep = (turn: Turn, { notBefore: _, ...letter }: Letter, lastError: string): void => {
  const waiting: Letter = { ...letter, awayAt: turn.context.now, lastError }
  change(turn, letter.seq, waiting)
  turn.lineup.wait(waiting)
}

const fail = (turn: Turn, letter: Letter, sent: Exclude<Sent, { readonly _tag: "Delivered" }>): void => {
  const { now, random } = turn.context
  const pause = pausesMillis[letter.attempts]
  if (sent._tag === "Refused" || pause === undefined) return die(turn, letter, sent.error)
  // Full jitter: those that failed together do not come again together.
  const waiting: Letter = {
    ...letter,
    attempts: letter.attempts + 1,
    notBefore: now + Math.max(1, Math.round(random() * pause)),
    ...(sent._tag === "Away" && { awayAt: now }),
    lastError: sent.error
  }
  change(turn, letter.seq, waiting)
  turn.lineup.wait(waiting)
}

/** An attempt has ended. */
export const ended = (turn: Turn, letter: Letter, outcome: unknown): void => {
  const began = turn.inFlight.get(letter.seq) ?? turn.context.now
  turn.inFlight.delete(letter.seq)
  const sent: Sent = isSent(outcome) ? outcome : { _tag: "Failed", error: "the attempt has no outcome" }
  if (sent._tag === "Away" && !hasAnswered(turn, letter, began)) {
    missed(turn, began, sent.error)
    return keep(turn, letter, sent.error)
  }
  if (sent._tag !== "Away") answered(turn)
  if (sent._tag === "Delivered") return arrived(turn, letter)
  fail(turn, letter, sent)
}
