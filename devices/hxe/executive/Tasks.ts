/** All tasks of a board by process id, and the one way in which their states change. */
import { Result } from "effect"
import type { Emit, EventData } from "./Events.ts"
import type { Task } from "./Task.ts"
import { hasEnded, type TaskState, transition } from "./TaskState.ts"

/** Why a state changed, as events show it. */
export type StateReason =
  | "loaded"
  | "sleep"
  | "sleep_wake"
  | "mailbox_wait"
  | "mailbox_wake"
  | "timeout"
  | "debug_break"
  | "user_pause"
  | "resume"
  | "returned"
  | "fault"
  | "killed"

/** The tasks. Process ids only grow; a row stays after the end until it is removed. */
export class Tasks {
  readonly #emit: Emit
  readonly #tasks = new Map<number, Task>()
  #nextPid = 1

  constructor(emit: Emit) {
    this.#emit = emit
  }

  /** The number the next task gets. It is used up by `add` alone. */
  get nextPid(): number {
    return this.#nextPid
  }

  add(task: Task): void {
    this.#tasks.set(task.pid, task)
    this.#nextPid = Math.max(this.#nextPid, task.pid + 1)
  }

  remove(task: Task): void {
    this.#tasks.delete(task.pid)
  }

  /** Takes the task that was added last out as if it had never been. `nextPid` is what it was before. */
  undo(task: Task, nextPid: number): void {
    this.remove(task)
    this.#nextPid = nextPid
  }

  get(pid: number): Task | undefined {
    return this.#tasks.get(pid)
  }

  /** The live task of this name; one that is still loading has none yet. */
  named(name: string): Task | undefined {
    return this.live().find((task) => task.name === name && task.state !== "loading")
  }

  /** In the order in which they were made. */
  all(): ReadonlyArray<Task> {
    return [...this.#tasks.values()]
  }

  /** Those that are loading or may still run. */
  live(): ReadonlyArray<Task> {
    return this.all().filter((task) => !hasEnded(task.state))
  }

  /** Those whose rows are all that is left, the oldest first. */
  ended(): ReadonlyArray<Task> {
    return this.all().filter((task) => hasEnded(task.state))
  }

  /** Changes a state and tells of it. An illegal change is a bug of the executive: it is thrown. */
  move(task: Task, to: TaskState, reason: StateReason, details: EventData = {}): void {
    const from = task.state
    this.#set(task, to)
    this.#emit("task_state", task.pid, { prev_state: from, new_state: to, reason, details })
  }

  /** Gives a task the processor; the one that had it is ready again. Turns are not told. */
  takeTurn(task: Task): void {
    for (const other of this.#tasks.values()) {
      if (other !== task && other.state === "running") this.#set(other, "ready")
    }
    this.#set(task, "running")
  }

  #set(task: Task, to: TaskState): void {
    const moved = transition(task.pid, task.state, to)
    if (Result.isFailure(moved)) throw new Error(moved.failure.detail)
    task.state = moved.success
  }
}
