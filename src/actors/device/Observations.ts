/** Whether a program is well: it must run for a stated time without trap, restart or silence of its board. */
import type { Reason } from "../../protocol/Because.ts"
import type { ActorAddress } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import type { DeviceState, Observation } from "../../protocol/DeviceState.ts"
import type { ProgramReport, ProgramState } from "../../protocol/Program.ts"
import { reasonOf } from "../Origin.ts"
import { setWork } from "./Errands.ts"
import { rememberFailed } from "./FailedImages.ts"
import { type Turn, tell } from "./Turn.ts"

/** A program that does, or did, what it was made for. */
const well: ReadonlySet<ProgramState> = new Set(["running", "waiting", "completed"])

/** Watches over one board at a time. */
const observationsMax = 32

/** Ends of a watch that say nothing of the image. */
const noJudgement: ReadonlySet<number> = new Set([codes.ok, codes.NotAttached, codes.Retired])

const end = (turn: Turn, { key, asker, sha256, because }: Observation, code: number, detail?: string): void => {
  const observations = new Map(turn.state.work.observations)
  observations.delete(key)
  setWork(turn, { observations })
  if (sha256 !== undefined && !noJudgement.has(code)) rememberFailed(turn, sha256, code, detail)
  answer(turn, asker, key, code, detail, because)
}

/** In the chain of what began the watch, if that is known. */
const answer = (
  turn: Turn,
  to: ActorAddress,
  key: string,
  code: number,
  detail: string | undefined,
  because?: Reason
): void =>
  tell(turn, {
    to,
    message: "Observed",
    payload: { key, device: turn.context.self.id, code, ...(detail === undefined ? {} : { detail }) },
    ...(because !== undefined && { because })
  })

/** What somebody wants to learn. */
export interface Watch {
  readonly asker: ActorAddress
  readonly key: string
  readonly program: string
  readonly sha256?: string
  readonly forMillis: number
  /** How long its board may be away in order. */
  readonly patienceMillis?: number
}

/** Begins a watch; a copy joins it. */
export const observe = (turn: Turn, { asker, key, program, sha256, forMillis, patienceMillis }: Watch): void => {
  const { observations, programs } = turn.state.work
  if (observations.has(key)) return
  if (observations.size >= observationsMax)
    return answer(turn, asker, key, codes.EAGAIN, "too many watches over one board")
  const restarts = programs.get(program)?.restarts ?? 0
  const because = reasonOf(turn.context)
  const observation: Observation = {
    key,
    asker,
    program,
    forMillis,
    until: turn.now + forMillis,
    restarts,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(patienceMillis === undefined ? {} : { patienceMillis }),
    ...(because !== undefined && { because })
  }
  setWork(turn, { observations: new Map(observations).set(key, observation) })
}

/** Answers a watch over a board that is turned away for ever. */
export const refuseWatch = (turn: Turn, { asker, key }: Watch): void =>
  answer(turn, asker, key, codes.Retired, "the device is retired")

/** How long a watch waits for a board that went away in order, ms, where its asker has not said. */
const patienceMillisDefault = 3_600_000

/** When a watch is over: its board's time away counts from when it went, and has an end of its own. */
const endOf = ({ connection }: DeviceState, { until, patienceMillis }: Observation): number =>
  connection.state === "online" ? until : Math.max(until, connection.since + (patienceMillis ?? patienceMillisDefault))

/** Earliest end of a watch; infinite for none. */
export const observationsDue = (state: DeviceState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const observation of state.work.observations.values()) due = Math.min(due, endOf(state, observation))
  return due
}

/** The board has told of a program. */
export const noteProgram = (turn: Turn, { name, state, code, restarts = 0, detail }: ProgramReport): void => {
  for (const observation of turn.state.work.observations.values()) {
    if (observation.program !== name) continue
    if (state === "failed" || state === "rolled-back")
      end(turn, observation, code === undefined || code === 0 ? codes.ExitCode : code, detail ?? `it is ${state}`)
    else if (restarts > observation.restarts) end(turn, observation, codes.Trap, "it was restarted")
  }
}

/** The board has fallen silent: what it runs may be the cause. */
export const noteSilent = (turn: Turn): void => {
  for (const observation of turn.state.work.observations.values())
    end(turn, observation, codes.ETIMEDOUT, "its board fell silent")
}

/** The board is turned away for ever. */
export const noteRetired = (turn: Turn): void => {
  for (const observation of turn.state.work.observations.values())
    end(turn, observation, codes.Retired, "the device is retired")
}

/** The board is back. A watch whose time went by without it begins anew: nobody saw how the program was. */
export const noteBack = (turn: Turn): void => {
  for (const observation of turn.state.work.observations.values()) {
    if (observation.until > turn.now) continue
    const again = { ...observation, until: turn.now + observation.forMillis }
    setWork(turn, { observations: new Map(turn.state.work.observations).set(observation.key, again) })
  }
}

/** Ends the watches whose time is over. That of a board that is away in order waits for it a while. */
export const endObservations = (turn: Turn): void => {
  const { work, connection } = turn.state
  for (const observation of work.observations.values()) {
    if (endOf(turn.state, observation) > turn.now) continue
    if (connection.state !== "online") {
      const isSilent = connection.state === "silent"
      if (isSilent) end(turn, observation, codes.ETIMEDOUT, "its board fell silent")
      else end(turn, observation, codes.NotAttached, "its board went away")
      continue
    }
    const state = work.programs.get(observation.program)?.state ?? "absent"
    if (well.has(state)) end(turn, observation, codes.ok)
    else end(turn, observation, codes.EIO, `it is ${state}`)
  }
}
