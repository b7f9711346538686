/**
 * The device supervises the programs of its board. A device has no supervisor itself: what it hears of a failing program is
 * an event and stands in its status, until the program runs again or is another one.
 */

import type { DeviceState, Failing } from "../../protocol/DeviceState.ts"
import type { Quarantined } from "../../protocol/Escalation.ts"
import { type FailingProgram, programOf } from "../../protocol/Program.ts"
import { setWork } from "./Errands.ts"
import { emit, type Turn } from "./Turn.ts"

/** Failing programs of one board, as many as it may have. */
const failingMax = 64
/** Least time between two events of failing programs, ms: a storm of them is one event a second. */
const paceMillis = 1000

/** A program's actor says that it failed and is not started again. */
export const takeFailing = (turn: Turn, told: FailingProgram): void => {
  const { failing } = turn.state.work
  if (failing.get(told.program)?.since === told.since) return
  if (failing.size >= failingMax && !failing.has(told.program)) return
  setWork(turn, { failing: new Map(failing).set(told.program, told) })
  escalate(turn)
}

/** The failure is over. */
export const takeRecovered = (turn: Turn, program: string, since: number): void => {
  if (turn.state.work.failing.get(program)?.since !== since) return
  // One that is over before it was told of is told of first: nobody must wonder what has ended.
  escalate(turn, true)
  const failing = new Map(turn.state.work.failing)
  failing.delete(program)
  setWork(turn, { failing })
  emit(turn, { type: "device.program-recovered", unit: turn.context.self.id, data: { program, since } })
}

const dueOf = (failing: ReadonlyMap<string, Failing>): number => {
  let isUntold = false
  let lastToldAt = Number.NEGATIVE_INFINITY
  for (const { toldAt } of failing.values()) {
    if (toldAt === undefined) isUntold = true
    else lastToldAt = Math.max(lastToldAt, toldAt)
  }
  return isUntold ? Math.max(0, lastToldAt + paceMillis) : Number.POSITIVE_INFINITY
}

/** When failing programs are to be told of; infinite while there is none. */
export const escalationDue = ({ work: { failing } }: DeviceState): number =>
  failing.size === 0 ? Number.POSITIVE_INFINITY : dueOf(failing)

/** Puts what has not been told of on the event stream, at most once a second. */
export const escalate = (turn: Turn, isAtOnce = false): void => {
  const due = escalationDue(turn.state)
  if (due === Number.POSITIVE_INFINITY || (due > turn.now && !isAtOnce)) return
  const programs: Array<FailingProgram> = []
  const failing = new Map<string, Failing>()
  for (const [name, known] of turn.state.work.failing) {
    if (known.toldAt === undefined) programs.push(known)
    failing.set(name, known.toldAt === undefined ? { ...known, toldAt: turn.now } : known)
  }
  setWork(turn, { failing })
  emit(turn, { type: "device.programs-failing", severity: "error", unit: turn.context.self.id, data: { programs } })
}

/** Actors of programs were quarantined. The list may name again what it named before. */
export const takeQuarantined = (turn: Turn, actors: ReadonlyArray<Quarantined>): void => {
  const { quarantined } = turn.state.work
  const news = actors.filter(({ id, since }) => quarantined.get(programOf(id).name) !== since)
  if (news.length === 0) return
  const known = [...quarantined, ...news.map(({ id, since }) => [programOf(id).name, since] as const)]
  setWork(turn, { quarantined: new Map([...new Map(known)].slice(-failingMax)) })
  emit(turn, {
    type: "device.programs-quarantined",
    severity: "error",
    unit: turn.context.self.id,
    data: { actors: news }
  })
}

/** Failing programs as people see them. */
export const failingOf = ({ work: { failing } }: DeviceState): ReadonlyArray<FailingProgram> =>
  [...failing.values()].map(({ toldAt: _, ...program }) => program)
