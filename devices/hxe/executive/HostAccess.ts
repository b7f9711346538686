/**
 * What the board itself does with programs, for its link and its people: values, commands and mail, in numbers of the code
 * table. Nothing here may be called while the executive is being stepped.
 */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { ProgramEntry, ValueId } from "../../../src/protocol/frame/ProgramFrames.ts"
import { f16Bits, f16Value } from "../../../src/protocol/hxe/F16.ts"
import type { Refused } from "../../Refused.ts"
import type { Executive } from "./Executive.ts"
import { hostPid, type Message, mailboxStatus } from "./MailboxTypes.ts"
import { commandCode, registryStatus, valueCode } from "./RegistryStatus.ts"
import { programEntry } from "./Rows.ts"
import type { ValueRecord } from "./ValueRecord.ts"
import type { WatchListener, WatchOptions } from "./ValueWatches.ts"

/** A value as the host sees it. */
export interface HostValue {
  readonly oid: number
  readonly name: string | undefined
  readonly group: string | undefined
  readonly unit: string | undefined
  readonly flags: number
  readonly authLevel: number
  readonly value: number
}

/** A command as the host sees it. */
export interface HostCommand {
  readonly oid: number
  readonly name: string | undefined
  readonly group: string | undefined
  readonly help: string | undefined
  readonly flags: number
  readonly authLevel: number
}

const refuse = (code: number, detail: string): Refused => ({ code, detail })

const mailCodes: ReadonlyMap<number, number> = new Map([
  [mailboxStatus.wouldBlock, codes.EAGAIN],
  [mailboxStatus.messageTooLarge, codes.EMSGSIZE],
  [mailboxStatus.noDescriptor, codes.ENOSPC],
  [mailboxStatus.internalError, codes.EINVAL],
  [mailboxStatus.noData, codes.ENOENT]
])

/** The code of the link for a status of mailboxes. */
const mailCode = (status: number): number =>
  status === mailboxStatus.ok ? codes.ok : (mailCodes.get(status) ?? codes.ENOENT)

/** Most bytes of one message from outside: what the largest mailbox can hold. */
const mailBytesMax = 0xffff

/** Whether a number, a name, `group.name` or `group:id` means this entry. */
const isMeant = (id: ValueId, oid: number, name: string | undefined, group: string | undefined): boolean =>
  id === oid ||
  (typeof id === "string" &&
    ((name !== undefined && (id === name || id === `${group ?? ""}.${name}`)) || id === `${oid >> 8}:${oid & 0xff}`))

const hostValue = ({ oid, flags, bits, declaration }: ValueRecord): HostValue => ({
  oid,
  name: declaration.name,
  group: declaration.groupName,
  unit: declaration.unit,
  flags,
  authLevel: declaration.authLevel,
  value: f16Value(bits)
})

/** Access of the board to its programs. A task is named by its process id; 3 for one that does not exist. */
export class HostAccess {
  readonly #executive: Executive

  constructor(executive: Executive) {
    this.#executive = executive
  }

  /** All programs as the link lists them. */
  programs(): ReadonlyArray<ProgramEntry> {
    const now = this.#executive.now()
    return this.#executive.tasks().map((task) => programEntry(task, now))
  }

  /** The values of a task, in the order of their numbers. */
  values(pid: number): ReadonlyArray<HostValue> {
    return this.#executive.parts.values.ofOwner(pid).map(hostValue)
  }

  /** A value by its number, its name, `group.name` or `group:id`. */
  valueOf(pid: number, id: ValueId): HostValue | undefined {
    const record = this.#record(pid, id)
    return record && hostValue(record)
  }

  /** Reads a value with a level of authorisation, 0 to 3. Fails with 2 and 1. */
  getValue(pid: number, id: ValueId, level: number): Result.Result<number, Refused> {
    const record = this.#record(pid, id)
    if (record === undefined) return Result.fail(refuse(codes.ENOENT, `value:${id}`))
    return level < record.declaration.authLevel
      ? Result.fail(refuse(codes.EPERM, `value:${id}`))
      : Result.succeed(f16Value(record.bits))
  }

  /** Sets a value, rounded to a half once. Fails with 2, 1 (level, or read-only) and 16 (too soon after the last change). */
  setValue(pid: number, id: ValueId, value: number, level: number): Refused | undefined {
    const record = this.#record(pid, id)
    if (record === undefined) return refuse(codes.ENOENT, `value:${id}`)
    const status = this.#executive.parts.values.setRecord(record, undefined, f16Bits(value), level)
    return status === registryStatus.ok ? undefined : refuse(valueCode(status), `value:${id}`)
  }

  /** Has changes told, until the answer is called or the task ends. */
  watchValue(
    pid: number,
    id: ValueId,
    level: number,
    options: WatchOptions,
    listener: WatchListener
  ): Result.Result<() => void, Refused> {
    const record = this.#record(pid, id)
    if (record === undefined) return Result.fail(refuse(codes.ENOENT, `value:${id}`))
    if (level < record.declaration.authLevel) return Result.fail(refuse(codes.EPERM, `value:${id}`))
    return Result.succeed(this.#executive.parts.values.watches.add(record, options, listener))
  }

  /** The commands of a task, in the order of their numbers. */
  commands(pid: number): ReadonlyArray<HostCommand> {
    return this.#executive.parts.commands.ofOwner(pid).map(({ oid, declaration }) => ({
      oid,
      name: declaration.name,
      group: declaration.groupName,
      help: declaration.help,
      flags: declaration.flags,
      authLevel: declaration.authLevel
    }))
  }

  /**
   * Runs a command to its end and answers what its handler left in R0. Fails with 2, 1 (level or token), 16 (still loading)
   * and 5 (the handler did not return, or the program has ended).
   */
  callCommand(pid: number, id: ValueId, level: number, token?: string): Result.Result<number, Refused> {
    const task = this.#executive.task(pid)
    if (task === undefined) return Result.fail(refuse(codes.ESRCH, `pid:${pid}`))
    const found = this.#executive.parts.commands
      .ofOwner(pid)
      .find(({ oid, declaration }) => isMeant(id, oid, declaration.name, declaration.groupName))
    const oid = found?.oid ?? (typeof id === "number" ? id : -1)
    const ended = this.#executive.runCommand(task, oid, level, token)
    if (Result.isFailure(ended)) return Result.fail(ended.failure)
    const { status, result } = ended.success
    return status === registryStatus.ok
      ? Result.succeed(result)
      : Result.fail(refuse(commandCode(status), `command:${id}`))
  }

  /**
   * Puts a message into a mailbox that exists: of a task, or everybody's. Answers the bytes taken. Fails with 2 (no such
   * mailbox), 11 (full) and 90 (larger than the mailbox).
   */
  sendMail(pid: number | undefined, target: string, data: Uint8Array, channel = 0): Result.Result<number, Refused> {
    const { mailboxes } = this.#executive.parts
    if (data.length > mailBytesMax) return Result.fail(refuse(codes.EMSGSIZE, target))
    const mailbox = mailboxes.find(pid ?? hostPid, target)
    if (mailbox === undefined) return Result.fail(refuse(codes.ENOENT, target))
    const status = mailboxes.post(mailbox, { data, flags: 0, channel: channel & 0xffff, sourcePid: hostPid })
    return status === mailboxStatus.ok ? Result.succeed(data.length) : Result.fail(refuse(mailCode(status), target))
  }

  /** Has copies of what passes through a mailbox told, at most so many a second, until the answer is called. */
  tapMail(
    pid: number | undefined,
    target: string,
    rate: number | undefined,
    listener: (message: Message) => void
  ): Result.Result<() => void, Refused> {
    const { mailboxes } = this.#executive.parts
    const opened = this.#open(pid, target)
    if (Result.isFailure(opened)) return Result.fail(opened.failure)
    const handle = opened.success
    mailboxes.tap(hostPid, handle, true, rate, () => {
      const { message } = mailboxes.receive(hostPid, handle)
      if (message !== undefined) listener(message)
    })
    return Result.succeed(() => mailboxes.close(hostPid, handle))
  }

  /** Takes the oldest message of a mailbox without fan-out, such as a task's standard output; none when it is empty. */
  takeMail(pid: number | undefined, target: string): Result.Result<Message | undefined, Refused> {
    const opened = this.#open(pid, target)
    if (Result.isFailure(opened)) return Result.fail(opened.failure)
    const { mailboxes } = this.#executive.parts
    const { message } = mailboxes.receive(hostPid, opened.success)
    mailboxes.close(hostPid, opened.success)
    return Result.succeed(message)
  }

  /** Opens a mailbox that exists, read as this task reads its name. */
  #open(pid: number | undefined, target: string): Result.Result<number, Refused> {
    const { mailboxes } = this.#executive.parts
    if (mailboxes.find(pid ?? hostPid, target) === undefined) return Result.fail(refuse(codes.ENOENT, target))
    const opened = mailboxes.open(hostPid, target, { readAs: pid ?? hostPid })
    return "handle" in opened ? Result.succeed(opened.handle) : Result.fail(refuse(mailCode(opened.status), target))
  }

  #record(pid: number, id: ValueId): ValueRecord | undefined {
    return this.#executive.parts.values
      .ofOwner(pid)
      .find(({ oid, declaration }) => isMeant(id, oid, declaration.name, declaration.groupName))
  }
}
