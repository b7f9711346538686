/** The states of a task, and which may follow which. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { Refused } from "../../Refused.ts"

/** All states. A `loading` task has its place reserved and is never scheduled. */
export const taskStates = [
  "loading",
  "ready",
  "running",
  "waiting_mbx",
  "sleeping",
  "paused",
  "returned",
  "terminated",
  "killed"
] as const

/** State of a task. */
export type TaskState = (typeof taskStates)[number]

const live: ReadonlyArray<TaskState> = ["ready", "running", "waiting_mbx", "sleeping", "paused", "terminated", "killed"]
const parked: ReadonlyArray<TaskState> = ["ready", "running", "paused", "terminated", "killed"]

/** A task that returns on its turn may have been marked ready by another one's turn, so both may end in `returned`. */
const followers: Readonly<Record<TaskState, ReadonlyArray<TaskState>>> = {
  loading: ["ready", "running", "terminated"],
  ready: [...live, "returned"],
  running: [...live, "returned"],
  waiting_mbx: ["waiting_mbx", ...parked],
  sleeping: ["sleeping", ...parked],
  paused: parked,
  returned: ["returned", "terminated", "killed"],
  terminated: ["terminated"],
  killed: ["killed"]
}

/** Whether a task may go from one state to another; from none, to any but `killed`. */
export const isTransition = (from: TaskState | undefined, to: TaskState): boolean =>
  from === undefined ? to !== "killed" : followers[from].includes(to)

/** The new state, or the refusal of an illegal change. */
export const transition = (
  pid: number,
  from: TaskState | undefined,
  to: TaskState
): Result.Result<TaskState, Refused> =>
  isTransition(from, to)
    ? Result.succeed(to)
    : Result.fail({
        code: codes.EBUSY,
        detail: `invalid_state_transition:${from ?? "none"}->${to}:pid=${pid}`
      })

/** Whether nothing more will run: the task's row remains until it is purged. */
export const hasEnded = (state: TaskState): boolean =>
  state === "returned" || state === "terminated" || state === "killed"
