/** The commands of a device: their states, their ends, and the table that remembers them. */

import { codes } from "../../protocol/Codes.ts"
import type { CommandView } from "../../protocol/Device.ts"
import type { Board, Command, Commands } from "../../protocol/DeviceState.ts"
import { caps } from "../../protocol/frame/LinkFrames.ts"

/** Commands of one device that have not ended. */
export const openMax = 256
/** Commands of one device whose ids are remembered. */
export const knownMax = 2048
/** How long a copy of an id may travel after the end of its life. */
export const lateMillis = 600_000
/** How long an id is remembered beyond that, for clocks that differ. */
const slackMillis = 60_000
/** How long after life and lease a board that was sent a command may still be on its way with the result. */
const graceMillis = 4000
/** The lease of a board that has never attached. */
const leaseMillisDefault = 25_000

/** No commands. */
export const noCommands: Commands = tableOf(new Map())

/** Makes the table of these commands. */
export function tableOf(byId: ReadonlyMap<string, Command>): Commands {
  const open: Array<Command> = []
  let underWay = 0
  let queuedDue = Number.POSITIVE_INFINITY
  let sentDue = Number.POSITIVE_INFINITY
  let acceptedDue = Number.POSITIVE_INFINITY
  for (const command of byId.values()) {
    if (command.state === "done") continue
    open.push(command)
    if (command.state === "queued") queuedDue = Math.min(queuedDue, command.expiresAt)
    else {
      underWay++
      if (command.state === "sent") sentDue = Math.min(sentDue, command.expiresAt)
      else acceptedDue = Math.min(acceptedDue, command.expiresAt)
    }
  }
  open.sort((left, right) => left.place - right.place)
  return { byId, open, underWay, queuedDue, sentDue, acceptedDue }
}

/** The table with some commands written, and those whose memory is over forgotten. */
export const write = (commands: Commands, written: ReadonlyArray<Command>, now: number): Commands => {
  const byId = new Map(commands.byId)
  for (const command of written) byId.set(command.id, command)
  for (const [id, command] of byId) if (command.state === "done" && command.keepUntil < now) byId.delete(id)
  return tableOf(byId)
}

/** How an id is remembered: its life from its making, the time its copies may travel, and some slack. */
export const keepUntilOf = (bornAt: number, ttlMillis: number): number => bornAt + ttlMillis + lateMillis + slackMillis

/** What became of a command. */
export interface End {
  readonly code: number
  readonly value?: Command["value"]
  readonly detail?: string
  readonly tookMillis?: number
}

/** Ends a command. */
export const ended = (command: Command, end: End, now: number): Command => {
  const { value, detail, tookMillis } = end
  return {
    ...command,
    state: "done",
    code: end.code,
    ...(value === undefined ? {} : { value }),
    ...(detail === undefined ? {} : { detail }),
    ...(tookMillis === undefined ? {} : { tookMillis }),
    endedAt: now,
    keepUntil: Math.max(command.keepUntil, now + slackMillis)
  }
}

/** When one that was put on a link is given up: its life, a lease and a grace are over. */
const givenUpAt = (expiresAt: number, board: Board | undefined): number =>
  expiresAt + (board?.leaseMillis ?? leaseMillisDefault) + graceMillis

/** Earliest instant at which {@link expired} ends something. One a board has accepted ends only while the board is away. */
export const commandsDue = (commands: Commands, board: Board | undefined, isOnline: boolean): number =>
  Math.min(
    commands.queuedDue,
    givenUpAt(commands.sentDue, board),
    isOnline ? Number.POSITIVE_INFINITY : givenUpAt(commands.acceptedDue, board)
  )

/** Ends what cannot end by the board any more. Only one that no boot can have run ends as expired. */
export const expired = (
  commands: Commands,
  board: Board | undefined,
  isOnline: boolean,
  now: number
): ReadonlyArray<Command> => {
  if (commandsDue(commands, board, isOnline) > now) return []
  const over: Array<Command> = []
  for (const command of commands.open) {
    if (command.state === "queued") {
      if (command.expiresAt <= now)
        over.push(ended(command, { code: command.wasAccepted ? codes.EOWNERDEAD : codes.ETIME }, now))
    } else if (givenUpAt(command.expiresAt, board) <= now && (command.state === "sent" || !isOnline))
      over.push(ended(command, { code: codes.EOWNERDEAD }, now))
  }
  return over
}

/** Whether a board remembers over a restart which commands it began and how they ended. */
const keepsJournal = (board: Board): boolean => (board.caps & caps.commandJournal) !== 0

/**
 * The board has started anew. With a journal in both boots it answers for itself. Else what may have run is sent again only
 * if it is idempotent: a board without a journal runs nothing before its acceptance is acknowledged, one with a journal
 * may run what it was sent.
 */
export const rebooted = (commands: Commands, old: Board, board: Board, now: number): ReadonlyArray<Command> => {
  if (keepsJournal(old) && keepsJournal(board)) return []
  const changed: Array<Command> = []
  for (const command of commands.open) {
    if (command.state === "queued") continue
    const mayHaveRun = command.wasAccepted || keepsJournal(old)
    if (mayHaveRun && !command.idempotent) changed.push(ended(command, { code: codes.EOWNERDEAD }, now))
    else if (command.isCancelling)
      changed.push(ended(command, { code: mayHaveRun ? codes.EOWNERDEAD : codes.ECANCELED }, now))
    else changed.push({ ...command, state: "queued", wasAccepted: mayHaveRun })
  }
  return changed
}

/** A command for people. */
export const viewOf = (command: Command): CommandView => {
  const { id, name, state, acceptedAt, expiresAt, progress, note, code, value, detail, tookMillis, endedAt } = command
  return {
    id,
    name,
    state,
    acceptedAt,
    expiresAt,
    ...(progress === undefined ? {} : { progress }),
    ...(note === undefined ? {} : { note }),
    ...(command.isCancelling && state !== "done" ? { isCancelling: true } : {}),
    ...(code === undefined ? {} : { code }),
    ...(value === undefined ? {} : { value }),
    ...(detail === undefined ? {} : { detail }),
    ...(tookMillis === undefined ? {} : { tookMillis }),
    ...(endedAt === undefined ? {} : { endedAt })
  }
}
