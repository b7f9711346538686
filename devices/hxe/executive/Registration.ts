/** Registers what an image declares for a task: all of it, or nothing. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { HxeImage, MailboxEntry } from "../../../src/protocol/hxe/Hxe.ts"
import { effectiveMode } from "../../../src/protocol/hxe/Mailboxes.ts"
import type { Refused } from "../../Refused.ts"
import { standardMailboxes } from "./Capabilities.ts"
import { declaredCommands, declaredStringBytes, declaredValues } from "./Declarations.ts"
import type { Mailbox } from "./Mailbox.ts"
import type { MailboxLimits } from "./MailboxTypes.ts"
import { mailboxStatus, modeBits } from "./MailboxTypes.ts"
import { type Parts, purgeRegistrations } from "./Parts.ts"
import { budgetRefusal } from "./Placement.ts"
import { type RegistryUse, registryUse, valueCode } from "./RegistryStatus.ts"
import type { Task } from "./Task.ts"

/** A mailbox as it was bound. */
export interface BoundMailbox {
  readonly target: string
  readonly descriptor: number
  readonly capacity: number
  readonly mode: number
  readonly owner: number | undefined
}

/** What was registered. */
export interface Registered {
  /** Numbers, in the order of the image. */
  readonly values: ReadonlyArray<number>
  readonly commands: ReadonlyArray<number>
  readonly mailboxes: ReadonlyArray<BoundMailbox>
  readonly warnings: ReadonlyArray<string>
}

/** Sizes of the tables. */
export interface RegistryLimits extends MailboxLimits {
  readonly values: number
  readonly commands: number
}

interface SoonFree {
  readonly values: RegistryUse
  readonly commands: RegistryUse
  readonly mailboxes: number
}

/** What the tasks that are replaced will give back. */
const soonFreeOf = (parts: Parts, replaced: ReadonlySet<number>): SoonFree => {
  const pids = [...replaced]
  return {
    values: registryUse(pids.flatMap((pid) => parts.values.ofOwner(pid))),
    commands: registryUse(pids.flatMap((pid) => parts.commands.ofOwner(pid))),
    mailboxes: replaced.size === 0 ? 0 : parts.mailboxes.freedBy(replaced)
  }
}

/** Mailboxes an image needs, those that already exist not counted twice. */
export const mailboxNeed = (image: HxeImage): number => standardMailboxes + image.metadata.mailboxes.length

/** Whether the tables have room. `replaced` are tasks that will be gone. */
export const checkRoom = (
  parts: Parts,
  limits: RegistryLimits,
  image: HxeImage,
  replaced: ReadonlySet<number>
): Refused | undefined => {
  const soonFree = soonFreeOf(parts, replaced)
  const values = declaredValues(image)
  const commands = declaredCommands(image)
  const freed = soonFree.values.stringBytes + soonFree.commands.stringBytes
  const needs: ReadonlyArray<readonly [what: string, need: number, free: number]> = [
    ["values", values.length, limits.values - parts.values.count + soonFree.values.entries],
    ["commands", commands.length, limits.commands - parts.commands.count + soonFree.commands.entries],
    ["strings", declaredStringBytes(values, commands), parts.strings.free + freed],
    ["mailboxes", mailboxNeed(image), parts.mailboxes.free() + soonFree.mailboxes]
  ]
  const short = needs.find(([, need, free]) => need > free)
  return short && budgetRefusal(...short)
}

const mailboxRefusal = (target: string, status: number): Refused => ({
  code: status === mailboxStatus.noDescriptor ? codes.ENOSPC : codes.EINVAL,
  detail: `mailbox:${target}`
})

/** Another program lives by the shape this mailbox has. */
const isTakenShape = (mailbox: Mailbox, entry: MailboxEntry, replaced: ReadonlySet<number>): boolean =>
  mailbox.isDeclared &&
  (mailbox.capacity !== entry.capacity || mailbox.mode !== effectiveMode(entry.modeMask)) &&
  [...mailbox.holders].some((pid) => !replaced.has(pid))

/** The registrations of one load, in the order in which a program may rely on them. */
class Transaction {
  readonly #parts: Parts
  readonly #task: Task
  readonly #replaced: ReadonlySet<number>
  readonly #soonFree: SoonFree
  readonly #warnings: Array<string> = []

  constructor(parts: Parts, task: Task, replaced: ReadonlySet<number>) {
    this.#parts = parts
    this.#task = task
    this.#replaced = replaced
    this.#soonFree = soonFreeOf(parts, replaced)
  }

  run(image: HxeImage): Result.Result<Registered, Refused> {
    const values = this.#values(image)
    if (Result.isFailure(values)) return Result.fail(values.failure)
    const commands = this.#commands(image)
    if (Result.isFailure(commands)) return Result.fail(commands.failure)
    const standard = this.#standardMailboxes()
    if (standard !== undefined) return Result.fail(standard)
    const mailboxes = this.#mailboxes(image)
    if (Result.isFailure(mailboxes)) return Result.fail(mailboxes.failure)
    return Result.succeed({
      values: values.success,
      commands: commands.success,
      mailboxes: mailboxes.success,
      warnings: this.#warnings
    })
  }

  #values(image: HxeImage): Result.Result<ReadonlyArray<number>, Refused> {
    const oids: Array<number> = []
    // Values and commands share the texts, so either may use what the other's predecessors give back.
    const stringBytes = this.#soonFree.values.stringBytes + this.#soonFree.commands.stringBytes
    const { entries } = this.#soonFree.values
    for (const declaration of declaredValues(image)) {
      const { status, oid } = this.#parts.values.register(this.#task.pid, declaration, {
        persistKeyBase: this.#task.persistKeyBase,
        soonFree: { entries, stringBytes }
      })
      if (status !== 0) {
        const detail = `value:${declaration.groupId}:${declaration.valueId}`
        return Result.fail({ code: valueCode(status), detail })
      }
      oids.push(oid)
    }
    return Result.succeed(oids)
  }

  #commands(image: HxeImage): Result.Result<ReadonlyArray<number>, Refused> {
    const oids: Array<number> = []
    const stringBytes = this.#soonFree.values.stringBytes + this.#soonFree.commands.stringBytes
    const { entries } = this.#soonFree.commands
    for (const declaration of declaredCommands(image)) {
      const { status, oid } = this.#parts.commands.register(this.#task.pid, declaration, {
        soonFree: { entries, stringBytes }
      })
      if (status !== 0) {
        const detail = `command:${declaration.groupId}:${declaration.commandId}`
        return Result.fail({ code: valueCode(status), detail })
      }
      oids.push(oid)
    }
    return Result.succeed(oids)
  }

  /** Three streams, which are handles 1 to 3, and the task's own mailbox. */
  #standardMailboxes(): Refused | undefined {
    const { pid } = this.#task
    const { mailboxes } = this.#parts
    const streams = ["svc:stdio.in", "svc:stdio.out", "svc:stdio.err"]
    const soonFree = this.#soonFree.mailboxes
    for (const target of [...streams, `pid:${pid}`]) {
      const bound = mailboxes.bind(pid, target, { mode: modeBits.readWrite, isLoad: true, soonFree })
      if (!("mailbox" in bound)) return mailboxRefusal(target, bound.status)
    }
    for (const target of streams) {
      const opened = mailboxes.open(pid, target, { isLoad: true })
      if (!("handle" in opened)) return mailboxRefusal(target, opened.status)
    }
    return undefined
  }

  /** Shapes of mailboxes that exist are changed last, when nothing can fail any more. */
  #mailboxes(image: HxeImage): Result.Result<ReadonlyArray<BoundMailbox>, Refused> {
    const { pid } = this.#task
    const shaped: Array<readonly [MailboxEntry, Mailbox]> = []
    for (const entry of image.metadata.mailboxes) {
      const mode = effectiveMode(entry.modeMask)
      if (mode !== entry.modeMask) this.#warnings.push(`mailbox_fanout_implied:${entry.target}`)
      const existing = this.#parts.mailboxes.find(entry.ownerPid ?? pid, entry.target)
      if (existing !== undefined && isTakenShape(existing, entry, this.#replaced)) {
        return Result.fail({ code: codes.EEXIST, detail: `mailbox_conflict:${entry.target}` })
      }
      const bound = this.#parts.mailboxes.bind(pid, entry.target, {
        ...(existing === undefined && { capacity: entry.capacity, mode }),
        ...(entry.ownerPid !== undefined && { readAs: entry.ownerPid }),
        isLoad: true,
        soonFree: this.#soonFree.mailboxes
      })
      if (!("mailbox" in bound)) return Result.fail(mailboxRefusal(entry.target, bound.status))
      const { owner } = bound.mailbox.identity
      if (existing !== undefined && owner !== undefined && owner !== pid) {
        return Result.fail({ code: codes.EPERM, detail: `mailbox:${entry.target}` })
      }
      shaped.push([entry, bound.mailbox])
    }
    return Result.succeed(shaped.map(([entry, mailbox]) => this.#shape(entry, mailbox)))
  }

  #shape(entry: MailboxEntry, { id, identity }: Mailbox): BoundMailbox {
    const { mailboxes } = this.#parts
    const mode = effectiveMode(entry.modeMask)
    const readAs = entry.ownerPid === undefined ? {} : { readAs: entry.ownerPid }
    const bound = mailboxes.bind(this.#task.pid, entry.target, {
      capacity: entry.capacity,
      mode,
      isLoad: true,
      ...readAs
    })
    if ("mailbox" in bound) bound.mailbox.isDeclared = true
    return { target: entry.target, descriptor: id, capacity: entry.capacity, mode, owner: identity.owner }
  }
}

/**
 * Registers values, commands and mailboxes of an image for a task. After a refusal nothing of it is left. `replaced` are
 * tasks that will go when this succeeds, so their room counts as free.
 */
export const registerImage = (
  parts: Parts,
  task: Task,
  image: HxeImage,
  replaced: ReadonlySet<number>
): Result.Result<Registered, Refused> => {
  const registered = new Transaction(parts, task, replaced).run(image)
  if (Result.isFailure(registered)) purgeRegistrations(parts, task.pid)
  return registered
}
