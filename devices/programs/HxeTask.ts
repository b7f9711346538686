/** One HXE program on the board. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { ValueId } from "../../src/protocol/frame/ProgramFrames.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import type { Outcome } from "../agent/Application.ts"
import type { Executive } from "../hxe/executive/Executive.ts"
import type { LoadReply } from "../hxe/executive/ExecutiveTypes.ts"
import type { HostAccess, HostCommand, HostValue } from "../hxe/executive/HostAccess.ts"
import type { BoundMailbox } from "../hxe/executive/Registration.ts"
import { programEntry } from "../hxe/executive/Rows.ts"
import type { Refused } from "../Refused.ts"
import { programStates, type Standing, type TappedMail, type Task, type TaskValue } from "./Runtime.ts"

/** The link speaks for the cluster, which has judged who may: it calls commands at the highest level. */
const levelOfLink = 3

/** A task of the executive. */
export class HxeTask implements Task {
  readonly pid: number
  readonly memoryBytes: number
  readonly #executive: Executive
  readonly #access: HostAccess
  readonly #standing: () => Standing | undefined
  readonly #mailboxes: ReadonlyArray<BoundMailbox>
  #last: Standing = { state: programStates.ready }

  /** `mailboxes` are those that its image declares. */
  constructor(
    { pid, mailboxes }: Pick<LoadReply, "pid" | "mailboxes">,
    executive: Executive,
    access: HostAccess,
    standing: () => Standing | undefined
  ) {
    this.pid = pid
    this.#mailboxes = mailboxes
    this.#executive = executive
    this.#access = access
    this.#standing = standing
    const task = executive.task(pid)
    this.memoryBytes = (task === undefined ? undefined : programEntry(task, executive.now()).mem) ?? 0
  }

  /** The executive forgets its oldest ended tasks; this one remembers its own end. */
  standing(): Standing {
    this.#last = this.#standing() ?? this.#last
    return this.#last
  }

  start(): void {
    this.#executive.start(this.pid)
  }

  pause(): Refused | undefined {
    return this.#executive.pause(this.pid)
  }

  resume(): Refused | undefined {
    return this.#executive.resume(this.pid)
  }

  remove(): void {
    this.standing()
    this.#executive.remove(this.pid)
  }

  values(): ReadonlyArray<TaskValue> {
    return this.#access.values(this.pid)
  }

  valueOf(id: ValueId): TaskValue | undefined {
    return this.#access.valueOf(this.pid, id)
  }

  read(oid: number): Result.Result<number, Refused> {
    return this.#access.getValue(this.pid, oid, levelOfLink)
  }

  write(oid: number, value: number, level: number): Refused | undefined {
    return this.#access.setValue(this.pid, oid, value, level)
  }

  command(name: string): Outcome {
    const ended = this.#access.callCommand(this.pid, name, levelOfLink)
    return Result.isFailure(ended) ? ended.failure : { code: codes.ok, value: ended.success }
  }

  offers(): TwinMap {
    const values = this.#access.values(this.pid).map((value) => ({ ...offered(value), ...word("unit", value.unit) }))
    const commands = this.#access
      .commands(this.pid)
      .map((command) => ({ ...offered(command), ...word("help", command.help) }))
    const mailboxes = this.#mailboxes.map(({ target, capacity, mode }) => ({ name: target, capacity, mode }))
    return { values, commands, mailboxes }
  }

  send(target: string, data: Uint8Array, channel: number): Result.Result<number, Refused> {
    return this.#access.sendMail(this.pid, target, data, channel)
  }

  tap(target: string, rate: number | undefined, take: (mail: TappedMail) => void): Result.Result<() => void, Refused> {
    return this.#access.tapMail(this.pid, target, rate, take)
  }
}

const word = (key: string, text: string | undefined): TwinMap => (text === undefined ? {} : { [key]: text })

const offered = ({ oid, name, group, authLevel, flags }: HostValue | HostCommand): TwinMap => ({
  number: oid,
  ...word("name", name),
  ...word("group", group),
  level: authLevel,
  flags
})
