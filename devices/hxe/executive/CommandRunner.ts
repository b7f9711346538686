/** Runs the handlers of commands on the machines of their programs. */
import { runHandler } from "../machine/Handler.ts"
import type { Services } from "../machine/Services.ts"
import type { CommandRecord } from "./Commands.ts"
import type { Emit, EventData } from "./Events.ts"
import { hostPid } from "./MailboxTypes.ts"
import { registryStatus } from "./RegistryStatus.ts"
import type { Task } from "./Task.ts"
import type { Waits } from "./Waits.ts"

/** How a call ended: a status of commands, and what the handler left in R0. */
export interface CommandEnd {
  readonly status: number
  readonly result: number
}

/** What running handlers takes. */
export interface CommandRunnerOptions {
  readonly emit: Emit
  readonly waits: Waits
  /** Most instructions of one handler. */
  readonly budget: number
  /** The services of a task for one of its handlers, which may not wait. */
  readonly servicesOf: (task: Task) => Services
}

/** Runs commands that were permitted. */
export class CommandRunner {
  readonly #options: CommandRunnerOptions

  constructor(options: CommandRunnerOptions) {
    this.#options = options
  }

  /**
   * Runs a command to its end on its owner's machine; the owner does not notice. A handler that faults, ends the task, waits
   * or runs too long fails, and the owner lives on. The answer tells what it used up.
   */
  run(owner: Task, record: CommandRecord, caller: number | undefined): CommandEnd & { readonly steps: number } {
    const { emit } = this.#options
    const { groupId, commandId, flags, authLevel } = record.declaration
    const facts: EventData = {
      oid: record.oid,
      group_id: groupId,
      cmd_id: commandId,
      caller_pid: caller ?? hostPid,
      owner_pid: owner.pid,
      flags,
      auth_level: authLevel
    }
    emit("cmd_invoked", owner.pid, facts)
    const before = owner.machine?.steps ?? 0
    const { status, result } = this.#execute(owner, record)
    emit("cmd_completed", owner.pid, { ...facts, status, result })
    return { status, result, steps: (owner.machine?.steps ?? 0) - before }
  }

  #execute(owner: Task, record: CommandRecord): CommandEnd {
    const { machine } = owner
    if (machine === undefined) return { status: registryStatus.failed, result: 0 }
    const { handlerOffset } = record.declaration
    if (handlerOffset === undefined) return { status: registryStatus.ok, result: 0 }
    const { waits, budget, servicesOf } = this.#options
    const call = { entry: handlerOffset, argument: record.oid, budget }
    const ended = waits.during(owner.pid, () => runHandler(machine, call, servicesOf(owner)))
    return ended.kind === "returned"
      ? { status: registryStatus.ok, result: ended.result }
      : { status: registryStatus.failed, result: 0 }
  }
}
