/** Somebody takes care of a signal, or it is over: all who were asked hear of it. */
import type { Acknowledgement, Signal } from "../../../protocol/vsm/Signal.ts"
import type { VsmId } from "../../../protocol/vsm/VsmId.ts"
import { drop, isAgony, parentOf, say, type Turn, tellChannel, write } from "./Turn.ts"

/** What is taken care of and is not felt any more for so long is over, ms. */
export const quietMillis = 60_000
/** So much stronger a signal must be to be another matter: one that creeps up is opened a hundred times, and no more. */
export const step = 0.01
/** How long somebody who takes care has for it while it goes on, ms. */
const coveredMillis = 600_000

/** Whether somebody takes care of it, as strong as it is at a time. */
export const isCovered = (ack: Acknowledgement | undefined, intensity: number, now: number): boolean =>
  ack !== undefined && intensity < ack.intensity + step && now < ack.at + coveredMillis

/** Those whom the signal came from and went to. */
const othersOf = (turn: Turn, { from, hasClimbed, told = [] }: Signal): ReadonlySet<VsmId> => {
  const parent = parentOf(turn)
  return new Set([
    ...(from === undefined ? [] : [from]),
    ...(hasClimbed && parent !== undefined ? [parent] : []),
    ...told
  ])
}

/** Somebody takes care of it. Who said so already, or of something weaker, changes nothing. */
export const acknowledge = (turn: Turn, signal: Signal, ack: Acknowledgement, teller?: VsmId): Signal => {
  const isKnown = signal.ack !== undefined && signal.ack.at >= ack.at
  if (isKnown || !isCovered(ack, signal.intensity, turn.now)) return signal
  const { ackBy: _, ...rest } = signal
  const acked = write(turn, { ...rest, ack })
  const { by, level, action } = ack
  say(turn, "algedonic.acknowledged", acked, { by, level, action })
  // Who has said it does not hear it again: it would cover what has been felt there since.
  for (const other of othersOf(turn, acked))
    if (other !== teller) tellChannel(turn, other, "Acked", { signal: acked.id, ack, teller: turn.id })
  return acked
}

/** It is over. */
export const resolve = (turn: Turn, signal: Signal, why: "resolved" | "over" | "quiet"): void => {
  drop(turn, signal.id)
  say(turn, "algedonic.resolved", signal, { why })
  // Also whoever said so: it may have come up once more in between.
  for (const other of othersOf(turn, signal)) tellChannel(turn, other, "Resolved", { signal: signal.id })
}

/** It has stopped by itself. Agony waits for somebody to have seen it. */
export const stopped = (turn: Turn, signal: Signal): void => {
  if (isAgony(signal) && signal.ack === undefined) write(turn, { ...signal, overAt: turn.now })
  else resolve(turn, signal, "over")
}

/** When a signal that asks nobody is forgotten; infinite for never. */
export const quietAt = ({ stage, ack, lastAt, overAt, from }: Signal): number => {
  const asksNobody = stage === "filtered" || stage === "none" || ack !== undefined
  if (!asksNobody) return Number.POSITIVE_INFINITY
  // Whether what came up is quiet is known where it is felt: that one says so, or sends it again.
  if (from !== undefined) return (ack?.at ?? lastAt) + coveredMillis
  return (overAt ?? Math.max(lastAt, ack?.at ?? 0)) + quietMillis
}

/** Forgets what is quiet. */
export const forgetQuiet = (turn: Turn): void => {
  for (const signal of turn.state.signals.values()) {
    if (quietAt(signal) > turn.now) continue
    else if (signal.from === undefined) resolve(turn, signal, "quiet")
    else drop(turn, signal.id)
  }
}
