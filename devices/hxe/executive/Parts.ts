/** The registries of one board: what a program can hold beside its place. */
import type { BudgetProfile } from "./BudgetProfile.ts"
import { Commands } from "./Commands.ts"
import type { Emit } from "./Events.ts"
import { type Delivery, Mailboxes } from "./Mailboxes.ts"
import { hostPid } from "./MailboxTypes.ts"
import { ProgramTimers } from "./ProgramTimers.ts"
import { StringPool } from "./StringPool.ts"
import type { ValueStore } from "./ValueStore.ts"
import { Values } from "./Values.ts"

/** What the registries are made of. */
export interface PartsOptions {
  readonly profile: BudgetProfile
  readonly now: () => number
  readonly emit: Emit
  readonly wake: (pid: number, delivery: Delivery) => void
  readonly isTask: (pid: number) => boolean
  readonly store?: ValueStore
  readonly isTokenValid?: (oid: number, token: string) => boolean
}

/** The registries. Everything in them belongs to a task, or to the host. */
export interface Parts {
  readonly strings: StringPool
  readonly mailboxes: Mailboxes
  readonly values: Values
  readonly commands: Commands
  readonly timers: ProgramTimers
}

/** Empty registries. */
export const makeParts = (options: PartsOptions): Parts => {
  const { profile, now, emit, wake, isTask, store, isTokenValid } = options
  const strings = new StringPool(profile.stringBytes)
  const mailboxes = new Mailboxes({ limits: profile, now, emit, wake, isTask })
  const values = new Values({
    limit: profile.values,
    strings,
    now,
    emit,
    notify: ({ pid, handle }, note) => mailboxes.send(pid, handle, note, 0, 0) === 0,
    closeHandle: ({ pid, handle }) => mailboxes.close(pid, handle),
    ...(store && { store })
  })
  const commands = new Commands({ limit: profile.commands, strings, emit, ...(isTokenValid && { isTokenValid }) })
  const timers = new ProgramTimers(now, (target, data) => postIfThere(mailboxes, target, data))
  return { strings, mailboxes, values, commands, timers }
}

/** Posts what the board has to say to a mailbox, if anybody made it. */
export const postIfThere = (mailboxes: Mailboxes, target: string, data: Uint8Array): boolean => {
  const mailbox = mailboxes.find(hostPid, target)
  if (mailbox === undefined) return false
  return mailboxes.post(mailbox, { data, flags: 0, channel: 0, sourcePid: hostPid }) === 0
}

/** Removes all registrations of a task. Its own mailboxes stay, with what is still to be read in them. */
export const endRegistrations = ({ values, commands, timers, mailboxes }: Parts, pid: number): void => {
  values.removeTask(pid)
  commands.removeTask(pid)
  timers.removeTask(pid)
  mailboxes.endTask(pid)
}

/** Removes everything a task had. */
export const purgeRegistrations = (parts: Parts, pid: number): void => {
  endRegistrations(parts, pid)
  parts.mailboxes.purgeTask(pid)
}
