/** The supervisor calls of each task, and the commands that programs and the host have run. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { Refused } from "../../Refused.ts"
import type { Services } from "../machine/Services.ts"
import { type CommandEnd, CommandRunner } from "./CommandRunner.ts"
import type { Emit } from "./Events.ts"
import type { ExecutiveOptions } from "./ExecutiveTypes.ts"
import type { Parts } from "./Parts.ts"
import type { ServiceCall } from "./services/ServiceCall.ts"
import { serve } from "./services/ServiceTable.ts"
import type { Task } from "./Task.ts"
import { hasEnded } from "./TaskState.ts"
import type { Waits } from "./Waits.ts"

const commandBudgetDefault = 10_000

/** Services of a task in its turns, and in its handlers. */
interface TaskCalls {
  readonly own: Services
  readonly handler: Services
}

/** Makes and remembers the services of tasks. */
export class TaskServices {
  readonly #options: ExecutiveOptions
  readonly #parts: Parts
  readonly #waits: Waits
  readonly #emit: Emit
  readonly #runner: CommandRunner
  readonly #calls = new WeakMap<Task, TaskCalls>()

  constructor(options: ExecutiveOptions, parts: Parts, waits: Waits, emit: Emit) {
    this.#options = options
    this.#parts = parts
    this.#waits = waits
    this.#emit = emit
    this.#runner = new CommandRunner({
      emit,
      waits,
      budget: options.commandBudget ?? commandBudgetDefault,
      servicesOf: (task) => this.#callsOf(task).handler
    })
  }

  /** The services of a task in its turns. */
  of(task: Task): Services {
    return this.#callsOf(task).own
  }

  /** Runs a command for the host, which calls as the owner. 16 while its program is loading, 5 after its end. */
  runForHost(owner: Task, oid: number, level: number, token: string | undefined): Result.Result<CommandEnd, Refused> {
    if (owner.state === "loading") return Result.fail({ code: codes.EBUSY, detail: "state:loading" })
    if (hasEnded(owner.state)) return Result.fail({ code: codes.EIO, detail: `state:${owner.state}` })
    const request = { oid, caller: undefined, owner: owner.pid, level, token, isAsync: false }
    const permitted = this.#parts.commands.permit(request)
    if (!("record" in permitted)) return Result.succeed({ status: permitted.status, result: 0 })
    return Result.succeed(this.#runner.run(owner, permitted.record, undefined))
  }

  /** Runs the calls that a program made without waiting: their ends go to the mailboxes it named. */
  runPending(task: Task): void {
    const calls = task.pendingCalls
    task.pendingCalls = []
    for (const { oid, handle } of calls) {
      const record = this.#parts.commands.find(task.pid, oid)
      if (record === undefined) continue
      const { status, result, steps } = this.#runner.run(task, record, task.pid)
      task.debt += steps
      const note = new DataView(new ArrayBuffer(8))
      note.setUint16(0, oid, true)
      note.setUint16(2, status, true)
      note.setUint32(4, result, true)
      this.#parts.mailboxes.send(task.pid, handle, new Uint8Array(note.buffer), 0, 0)
    }
  }

  /** A program calls its own command, at the lowest level. It pays for the handler with its coming turns. */
  #runOwn(task: Task, oid: number, token: string | undefined): CommandEnd {
    const permitted = this.#parts.commands.permit({ oid, caller: task.pid, level: 0, token, isAsync: false })
    if (!("record" in permitted)) return { status: permitted.status, result: 0 }
    const { status, result, steps } = this.#runner.run(task, permitted.record, task.pid)
    task.debt += steps
    return { status, result }
  }

  #callsOf(task: Task): TaskCalls {
    const known = this.#calls.get(task)
    if (known !== undefined) return known
    const made = { own: this.#make(task, false), handler: this.#make(task, true) }
    this.#calls.set(task, made)
    return made
  }

  #make(task: Task, isHandler: boolean): Services {
    const { now, hal = {}, files } = this.#options
    const parts = {
      ...this.#parts,
      now,
      hal,
      emit: this.#emit,
      filesOf: (program: string) => files?.(program),
      park: this.#waits.park.bind(this.#waits),
      runCommand: this.#runOwn.bind(this)
    }
    let call: ServiceCall | undefined
    return {
      call: (module, fn, machine) => {
        call ??= { ...parts, task, machine, isHandler }
        return serve(module, fn, call)
      }
    }
  }
}
