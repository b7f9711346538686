/**
 * Who is asked to take care of a signal, one after the other: the unit and control, the VSM itself, its parent, and so on to the
 * root, then a person. Agony goes to all of them at once.
 */
import type { Signal } from "../../../protocol/vsm/Signal.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"
import { isAgony, parentOf, say, type Turn, tellChannel, write } from "./Turn.ts"

/** How long each has, ms. */
export const unitMillis = 5000
const policyMillis = 10_000
const parentMillis = 30_000
/** A person who was called is called again after this, ms, and then after twice as long each time. */
const againMillis = 600_000
const againMillisMax = 86_400_000
/** A deadline that was missed for no longer than this counts as kept: the time of the next runs from it, ms. */
const lateMillis = 2000
/** More VSMs than stand above each other; who gets here stands in a path that leads nowhere. */
const hopsMax = 16

/** From the deadline that has passed, so that a timer's lateness does not add up. */
const nextDue = ({ ackBy }: Signal, now: number, millis: number): number =>
  (ackBy !== undefined && ackBy <= now && now - ackBy <= lateMillis ? ackBy : now) + millis

/** A person is asked. Only who has nobody above asks again. */
const callPerson = (turn: Turn, signal: Signal): void => {
  const calls = signal.calls + 1
  const { ackBy: _, ...rest } = signal
  const isLast = parentOf(turn) === undefined
  const wait = Math.min(againMillisMax, againMillis * 2 ** Math.min(20, calls - 1))
  const called: Signal = { ...rest, stage: "person", calls, ...(isLast ? { ackBy: turn.now + wait } : {}) }
  say(turn, "algedonic.person-called", write(turn, called), { calls, path: turn.state.path ?? [turn.id] })
}

/** Tells that may stand in the outbox before agony goes up hop by hop: each of them leaves room for one more hop. */
const toldMax = 160

/** All above hear of it from here, each by itself: one that stands still keeps it from nobody. False where there are too many. */
const tellAll = (turn: Turn, signal: Signal): boolean => {
  const { told = [], ...bare } = signal
  if (told.length === 0 || turn.context.tellCount + turn.tells.length + told.length > toldMax) return false
  for (const [depth, id] of told.entries())
    tellChannel(turn, id, "Climb", { child: turn.id, hops: told.length - depth, signal: bare, isToAll: true })
  return true
}

/** The parent is told how the signal stands, and is responsible from then on. */
const tellParent = (turn: Turn, signal: Signal, hops: number): boolean => {
  const parent = parentOf(turn)
  if (parent === undefined || hops > hopsMax) return false
  tellChannel(turn, parent, "Climb", { child: turn.id, hops, signal })
  return true
}

/** Goes up one; to a person where nobody is above. */
export const climb = (turn: Turn, signal: Signal, hops = 1): void => {
  const { ackBy: _, ...rest } = signal
  const climbed: Signal = { ...rest, stage: "parent", hasClimbed: true }
  if (!tellParent(turn, climbed, hops)) return callPerson(turn, signal)
  say(turn, "algedonic.climbed", write(turn, climbed), { to: parentOf(turn) })
}

/** All above are asked at once; one after the other where this channel has too much to tell already. */
const climbToAll = (turn: Turn, signal: Signal): void => {
  const { ackBy: _, ...rest } = signal
  const climbed: Signal = { ...rest, stage: "parent", hasClimbed: true, told: turn.state.path?.slice(0, -1) ?? [] }
  if (!tellAll(turn, climbed)) return climb(turn, signal)
  say(turn, "algedonic.climbed", write(turn, climbed), { to: turn.state.path?.[0] })
}

/** A signal that is felt here was opened: the first is asked, or all at once. */
export const openHere = (turn: Turn, signal: Signal): void => {
  if (!isAgony(signal)) return void write(turn, { ...signal, stage: "unit", ackBy: turn.now + unitMillis })
  if (parentOf(turn) !== undefined) climbToAll(turn, signal)
  callPerson(turn, turn.state.signals.get(signal.id) ?? signal)
}

/** How a signal came up: over so many hops, and whether all above were told of it too. */
export interface Way {
  readonly hops: number
  readonly isToAll?: boolean
}

/** A signal came up: who is here has his time, unless it is too strong to wait. At the root a person was called by who felt it. */
export const openAbove = (turn: Turn, signal: Signal, { hops, isToAll = false }: Way): void => {
  if (isAgony(signal) && parentOf(turn) !== undefined)
    return isToAll ? void write(turn, { ...signal, stage: "parent" }) : climb(turn, signal, hops + 1)
  write(turn, { ...signal, stage: "policy", ackBy: turn.now + parentMillis })
}

/** It has become stronger while it is open: it goes on from where it is, or to all at once where that is agony now. */
export const worsened = (turn: Turn, before: Signal, signal: Signal, way: Way = { hops: 1 }): void => {
  if (isAgony(signal) && !isAgony(before)) {
    return signal.from === undefined ? openHere(turn, signal) : openAbove(turn, signal, way)
  }
  if (!signal.hasClimbed || way.isToAll === true || tellAll(turn, signal)) return
  tellParent(turn, signal, way.hops + 1)
}

/** The time of whoever was asked is over. */
const pass = (turn: Turn, signal: Signal): void => {
  switch (signal.stage) {
    case "unit": {
      const ackBy = nextDue(signal, turn.now, policyMillis)
      say(turn, "algedonic.climbed", write(turn, { ...signal, stage: "policy", ackBy }), { to: turn.id })
      return
    }
    case "policy":
      return climb(turn, signal)
    case "person":
      return callPerson(turn, signal)
    default: {
      const { ackBy: _, ...rest } = signal
      write(turn, rest)
    }
  }
}

/** Asks the next for all whose time is over. */
export const passOverdue = (turn: Turn): void => {
  for (const signal of turn.state.signals.values())
    if (signal.ackBy !== undefined && signal.ackBy <= turn.now) pass(turn, signal)
}

/** Who was asked above does not take it: a person is called from here. Of all who were told at once, the root is who counts. */
export const strand = (turn: Turn, id: string, by: string): void => {
  const signal = turn.state.signals.get(id)
  if (signal?.told?.includes(VsmId.make(by)) === true && by !== signal.told[0]) return
  if (signal === undefined || signal.ack !== undefined || signal.stage === "filtered") return
  const { path: _, ...state } = turn.state
  turn.state = state
  callPerson(turn, signal)
}
