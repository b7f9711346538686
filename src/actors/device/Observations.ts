/** Whether a program is well: it must run for a stated time without trap, restart or silence of its board. */
import type { ActorAddress } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import type { DeviceState, Observation } from "../../protocol/DeviceState.ts"
import type { ProgramReport, ProgramState } from "../../protocol/Program.ts"
import { setWork } from "./Errands.ts"
import { type Turn, tell } from "./Turn.ts"

/** A program that does, or did, what it was made for. */
const well: ReadonlySet<ProgramState> = new Set(["running", "waiting", "completed"])

/** Watches over one board at a time. */
const observationsMax = 32

const end = (turn: Turn, { key, asker }: Observation, code: number, detail?: string): void => {
  const observations = new Map(turn.state.work.observations)
  observations.delete(key)
  setWork(turn, { observations })
  answer(turn, asker, key, code, detail)
}

const answer = (turn: Turn, to: ActorAddress, key: string, code: number, detail: string | undefined): void =>
  tell(turn, {
    to,
    message: "Observed",
    payload: { key, device: turn.context.self.id, code, ...(detail === undefined ? {} : { detail }) }
  })

/** What somebody wants to learn. */
export interface Watch {
  readonly asker: ActorAddress
  readonly key: string
  readonly program: string
  readonly forMillis: number
}

/** Begins a watch; a copy joins it. */
export const observe = (turn: Turn, { asker, key, program, forMillis }: Watch): void => {
  const { observations, programs } = turn.state.work
  if (observations.has(key)) return
  if (observations.size >= observationsMax)
    return answer(turn, asker, key, codes.EAGAIN, "too many watches over one board")
  const restarts = programs.get(program)?.restarts ?? 0
  const observation: Observation = { key, asker, program, forMillis, until: turn.now + forMillis, restarts }
  setWork(turn, { observations: new Map(observations).set(key, observation) })
}

/** Earliest end of a watch; infinite for none. */
export const observationsDue = ({ work }: DeviceState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const { until } of work.observations.values()) due = Math.min(due, until)
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

/** Ends the watches whose time is over. That of a board that is away in order goes on. */
export const endObservations = (turn: Turn): void => {
  const { work, connection } = turn.state
  for (const observation of work.observations.values()) {
    if (observation.until > turn.now) continue
    if (connection.state !== "online") {
      const later = { ...observation, until: turn.now + observation.forMillis }
      setWork(turn, { observations: new Map(turn.state.work.observations).set(observation.key, later) })
      continue
    }
    const state = work.programs.get(observation.program)?.state ?? "absent"
    if (well.has(state)) end(turn, observation, codes.ok)
    else end(turn, observation, codes.EIO, `it is ${state}`)
  }
}
