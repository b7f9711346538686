/** Whose turn it is: round robin over the tasks that can run, in the order in which they were made. */
import type { Services } from "../machine/Services.ts"
import type { Stop } from "../machine/Stop.ts"
import type { Task } from "./Task.ts"
import type { Tasks } from "./Tasks.ts"

/** Turns that a task may have in one piece while no other one can run. Deadlines are looked at in between. */
const turnsAlone = 256

/** What the scheduler needs of the executive. */
export interface SchedulerOptions {
  readonly tasks: Tasks
  readonly servicesOf: (task: Task) => Services
  /** A turn ended. */
  readonly stopped: (task: Task, stop: Stop) => void
}

/** Gives turns. */
export class Scheduler {
  readonly #options: SchedulerOptions
  /** Who had the last turn. */
  #lastPid = 0
  /** Another task became able to run in the midst of a turn. */
  #isYielding = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  /** Who had the last turn; 0 before the first. */
  get lastPid(): number {
    return this.#lastPid
  }

  /** Whether anything can run now. */
  get isBusy(): boolean {
    return this.#options.tasks.all().some((task) => task.isRunnable)
  }

  /** Who is next, without giving the turn. */
  peek(): Task | undefined {
    const tasks = this.#options.tasks.all().filter((task) => task.isRunnable)
    return tasks.find((task) => task.pid > this.#lastPid) ?? tasks[0]
  }

  /**
   * Gives one turn, or up to so many in one piece to a task that has the processor for itself. `only` names the one task that
   * may run. Answers the turns that were taken, 0 when nothing can run.
   */
  turn(turns: number, only: number | undefined): number {
    const runnable = this.#options.tasks
      .all()
      .filter((task) => task.isRunnable && (only === undefined || task.pid === only))
    const task = this.#pick(runnable)
    if (task?.machine === undefined) return 0
    const { machine } = task
    const { stepsMax } = task.rights
    const wanted = task.quantum * (runnable.length > 1 ? 1 : Math.min(turns, turnsAlone))
    const left = stepsMax === undefined ? wanted : Math.min(wanted, stepsMax - machine.steps)
    this.#lastPid = task.pid
    this.#options.tasks.takeTurn(task)
    this.#isYielding = false
    const before = machine.steps
    const isAlone = runnable.length === 1 && only === undefined
    const services = isAlone ? this.#yielding(task) : this.#options.servicesOf(task)
    const stop = machine.run(Math.max(left, 0), services)
    this.#options.stopped(task, this.#isYielding && stop.kind === "waiting" ? { kind: "budget" } : stop)
    const retired = machine.steps - before
    // The return or fault that ends a task is a turn of its own, though no instruction of it counts.
    return Math.max(
      1,
      Math.ceil((stop.kind === "returned" || stop.kind === "fault" ? retired + 1 : retired) / task.quantum)
    )
  }

  /** Handlers that a task ran in its turns are paid for with later turns, as long as somebody else wants them. */
  #pick(runnable: ReadonlyArray<Task>): Task | undefined {
    const next = runnable.findIndex((task) => task.pid > this.#lastPid)
    const order = next < 0 ? runnable : [...runnable.slice(next), ...runnable.slice(0, next)]
    for (const task of order) {
      if (task.debt <= 0) return task
      task.debt -= task.quantum
    }
    const first = order[0]
    if (first !== undefined && order.length === 1) first.debt = 0
    return order.reduce<Task | undefined>(
      (least, task) => (least === undefined || task.debt < least.debt ? task : least),
      undefined
    )
  }

  /** A call that makes another task able to run ends the piece, so that both are served in turn. */
  #yielding(task: Task): Services {
    const services = this.#options.servicesOf(task)
    return {
      call: (module, fn, machine) => {
        const result = services.call(module, fn, machine)
        if (result !== "done") return result
        const isOtherReady = this.#options.tasks.all().some((other) => other !== task && other.isRunnable)
        if (!isOtherReady) return result
        this.#isYielding = true
        return "waiting"
      }
    }
  }
}
