/** The lists of tasks: for clients of the board, and for the link. */
import type { ProgramEntry } from "../../../src/protocol/frame/ProgramFrames.ts"
import type { Task } from "./Task.ts"
import type { TaskState } from "./TaskState.ts"

/** One row of `ps`. Addresses are of the task's data memory, times on the board's clock in milliseconds. */
export interface TaskRow {
  readonly pid: number
  readonly program: string
  readonly state: TaskState
  readonly appName: string
  readonly appNameBase: string
  readonly source: string | undefined
  readonly pc: number
  readonly priority: number
  readonly quantum: number
  /** Instructions retired. */
  readonly steps: number
  readonly sleepMillis: number | undefined
  readonly sleepDeadline: number | undefined
  readonly waitMailbox: number | undefined
  readonly waitHandle: number | undefined
  readonly waitTimeout: number | undefined
  readonly waitDeadline: number | undefined
  readonly exitStatus: number | undefined
  readonly registerBase: number
  readonly stackBase: number
  readonly stackLimit: number
  readonly stackBytes: number
  readonly imageCrc32: number | undefined
  readonly generation: number | undefined
  readonly callMode: string | undefined
}

/** A task as `ps` shows it. */
export const taskRow = (task: Task): TaskRow => {
  const { wait, place, machine, origin, identity } = task
  const sleep = wait?.kind === "sleep" ? wait : undefined
  const mailbox = wait?.kind === "mailbox" ? wait : undefined
  return {
    pid: task.pid,
    program: origin.label ?? `<stream:${task.pid}>`,
    state: task.state,
    appName: task.name,
    appNameBase: task.base,
    source: origin.source,
    pc: machine?.pc ?? 0,
    priority: task.rights.priority,
    quantum: task.quantum,
    steps: machine?.steps ?? 0,
    sleepMillis: sleep?.millis,
    sleepDeadline: sleep?.deadline,
    waitMailbox: mailbox?.mailbox,
    waitHandle: mailbox?.handle,
    waitTimeout: mailbox?.timeout,
    waitDeadline: mailbox?.deadline,
    exitStatus: task.end?.status,
    registerBase: place.registerBase,
    stackBase: place.stackBase,
    stackLimit: place.stackBase,
    stackBytes: place.stackEnd - place.stackBase,
    imageCrc32: identity.crc32,
    generation: identity.generation,
    callMode: task.callMode
  }
}

/** Numbers of a program's states on the link. */
const linkStates = {
  loading: 1,
  ready: 2,
  starting: 3,
  running: 4,
  waiting: 5,
  paused: 6,
  stopped: 7,
  completed: 8,
  failed: 9
} as const

/** Where a task stands, as the link counts it. */
const linkState = (task: Task): number => {
  switch (task.state) {
    case "loading":
      return linkStates.loading
    case "ready":
      if (!task.isStarted) return linkStates.ready
      return task.machine?.steps === 0 ? linkStates.starting : linkStates.running
    case "running":
      return linkStates.running
    case "waiting_mbx":
    case "sleeping":
      return linkStates.waiting
    case "paused":
      return linkStates.paused
    case "killed":
      return linkStates.stopped
    case "returned":
      return task.end?.status === 0 ? linkStates.completed : linkStates.failed
    case "terminated":
      return linkStates.failed
  }
}

/** Kind of these programs on the link. */
const hxeKind = 1

/** Bytes of memory a task holds of its board. */
export const memoryBytesOf = ({ place, end }: Task): number =>
  end === undefined ? place.codeBytes + place.dataBytes + place.stackEnd - place.stackBase : 0

/** A task as the link reports it. How often it was restarted is known to whoever restarts it. */
export const programEntry = (task: Task, now: number): ProgramEntry => ({
  name: task.name,
  state: linkState(task),
  kind: hxeKind,
  ...(task.identity.sha256 && { sha256: task.identity.sha256 }),
  ...(task.identity.version !== undefined && { version: task.identity.version }),
  ...(task.end?.status !== undefined && { exit: task.end.status | 0 }),
  ...(task.end !== undefined && task.end.code !== 0 && { code: task.end.code }),
  mem: memoryBytesOf(task),
  up: Math.max(0, Math.floor(now - task.origin.madeAt)),
  pid: task.pid,
  ...(task.end !== undefined && task.end.detail !== "" && { detail: task.end.detail })
})
