/** Attach, loss and silence of a board's link, and what each says about the board being there. */
import { codes } from "../../protocol/Codes.ts"
import type { Attached } from "../../protocol/Device.ts"
import { DeviceRetired, LinkStale } from "../../protocol/Device.ts"
import type { Board, Boot, ConnectionNow, DeviceState } from "../../protocol/DeviceState.ts"
import type { Unavailable } from "../../protocol/Errors.ts"
import { caps, goodbyeReasons, resets, sync } from "../../protocol/frame/LinkFrames.ts"
import { continueFrom, emptyDesired, missing } from "../../protocol/Twin.ts"
import { type Zone, zoneIn } from "../../protocol/Zone.ts"
import type { Outcome } from "../Behaviour.ts"
import { expired, rebooted, write } from "./Commands.ts"
import { addErrand, endErrands } from "./Errands.ts"
import { turnedAway } from "./Isolation.ts"
import { firstNumber, highestOf } from "./Numbering.ts"
import { noteBack, noteRetired, noteSilent } from "./Observations.ts"
import { emitEnd, fullReportMillis, timed } from "./Requests.ts"
import { askedAgain } from "./Subscriptions.ts"
import { endTransfer } from "./Transfers.ts"
import { begin, type Context, emit, freshResident, outcomeOf, type Resident, type Turn } from "./Turn.ts"
import { joinRoot, leave as leaveVsm } from "./Unit.ts"
import { hearZone } from "./Zones.ts"

/** Number of the goodbye's reason for a link that ended without one, and for a retired board. */
const linkLost = 4
const retired = 8
/**
 * How long requests wait after an attach, so that the welcome is there first: the gateway learns the epoch by the answer to
 * its ask, frames come by another way.
 */
const welcomeMillis = { sameNode: 2, otherNode: 40 } as const
/** Boots before the current one whose late links are known as stale. */
const previousMax = 2

/** A board as its hello and its gateway describe it. */
export interface AttachRequest
  extends Pick<
    Board,
    "boot" | "link" | "node" | "connection" | "leaseMillis" | "profile" | "firmware" | "caps" | "rx" | "requests"
  > {
  readonly up: number
  readonly desired: number
  readonly reset?: number
  readonly isLossy?: boolean
  readonly zoneByRule?: Zone
  readonly zoneOfBoard?: Zone
}

/**
 * The boot before that a hello brings back. A hello that was long under way, of a boot that died unheard, looks like a new
 * boot; until something was consumed of the current one, a boot before it returns with a newer link than it had.
 */
const returning = ({ board, numbering }: DeviceState, { boot, link }: AttachRequest): Boot | undefined => {
  if (board === undefined || highestOf(numbering) > board.provenAbove) return undefined
  return board.previous.find((before) => before.boot === boot && link > before.link)
}

/** Whether an attach is that of an older boot, or of an older link of this one. */
const isStale = (state: DeviceState, request: AttachRequest): boolean => {
  const { board } = state
  if (board === undefined) return false
  if (board.boot === request.boot) return request.link < board.link
  return board.previous.some(({ boot }) => boot === request.boot) && returning(state, request) === undefined
}

/** What the actor keeps of the boots when the hello of one is accepted. */
const bootsAfter = (
  { board: old, numbering }: DeviceState,
  { boot }: AttachRequest,
  returned: Boot | undefined
): Pick<Board, "order" | "previous" | "provenAbove"> => {
  if (old === undefined) return { order: 1, previous: [], provenAbove: 0 }
  if (old.boot === boot) return { order: old.order, previous: old.previous, provenAbove: old.provenAbove }
  const left: Boot = { boot: old.boot, link: old.link, order: old.order, numbering }
  const others = old.previous.filter((before) => before !== returned)
  return {
    order: returned?.order ?? Math.max(old.order, ...others.map(({ order }) => order)) + 1,
    previous: [left, ...others].slice(0, previousMax),
    provenAbove: returned === undefined ? 0 : highestOf(returned.numbering)
  }
}

const boardOf = (state: DeviceState, request: AttachRequest, returned: Boot | undefined): Board => {
  const { boot, link, node, connection, leaseMillis, profile, firmware, caps, rx, requests } = request
  return {
    ...state.board,
    ...bootsAfter(state, request, returned),
    boot,
    link,
    node,
    connection,
    leaseMillis,
    profile,
    firmware,
    caps,
    rx,
    requests,
    isLossy: request.isLossy ?? false
  }
}

/** Binds a link. A stale one changes nothing: a late copy would reset the numbering, and the window would stick for good. */
export const attach = (
  state: DeviceState,
  request: AttachRequest,
  context: Context
): Outcome<DeviceState, Resident, Attached, LinkStale | DeviceRetired | Unavailable> => {
  const { connection, board: old } = state
  if (connection.state === "retired") return { refusal: new DeviceRetired({ since: connection.since }) }
  const apart = turnedAway(state, context.now)
  if (apart !== undefined) return { refusal: apart }
  if (old !== undefined && isStale(state, request))
    return { refusal: new LinkStale({ boot: old.boot, link: old.link }) }
  const turn = begin(state, context)
  const { now } = turn
  const returned = returning(state, request)
  const board = boardOf(state, request, returned)
  const isNewBoot = old?.boot !== board.boot && returned === undefined
  const epoch = state.epoch + 1
  turn.state = {
    ...state,
    board,
    epoch,
    numbering: returned?.numbering ?? (isNewBoot ? firstNumber : state.numbering),
    twin: continueFrom(state.twin, request.desired)
  }
  hearZone(turn, { rule: request.zoneByRule, board: request.zoneOfBoard })
  if (isNewBoot && old !== undefined) {
    endReboot(turn, old, board)
    for (const request of askedAgain(turn.state.work.subscriptions)) addErrand(turn, request)
    emit(turn, { type: "device.restarted", data: { boot: board.boot, reset: resets[request.reset ?? 0] ?? "unknown" } })
  }
  const { link, profile, firmware } = board
  if (state.connection.state !== "online") noteBack(turn)
  become(turn, "online", "attach", { boot: board.boot, link, epoch, profile, firmware })
  joinRoot(turn)
  // An attach may be repeated because its answer was lost: as long as nothing of this boot was consumed, its board may not
  // have heard that it is to report in full.
  const isUnheard = highestOf(turn.state.numbering) === 0
  const wantsFull = isUnheard || state.twin.reported.leaves === 0
  turn.link = { node: request.node, connection: request.connection, epoch }
  turn.resident = timed({
    ...freshResident(now),
    // A gateway adds to the board's clock how long the hello has waited, in parts of a millisecond; times of events are whole.
    offsets: [now - Math.floor(request.up)],
    quietUntil: now + (request.node === context.node ? welcomeMillis.sameNode : welcomeMillis.otherNode),
    awaitsFullUntil: wantsFull ? now + fullReportMillis : 0,
    owesDesired: missing(turn.state.twin).length > 0 || turn.state.twin.desired.forgotten.size > 0
  })
  const zone = zoneIn(turn.state.zone)
  return outcomeOf(turn, {
    ...(zone !== undefined && { zone }),
    owner: context.node,
    epoch,
    last: turn.state.numbering.last,
    desired: turn.state.twin.desiredVersion,
    sync:
      (wantsFull ? sync.fullReport : 0) |
      ((board.caps & caps.takesImages) === 0 ? 0 : sync.programStatus) |
      // A session waits to hear what became of its image; a board that was restarted may have said it to nobody.
      (state.work.transfer?.isWhole === true ? sync.imageStatus : 0)
  })
}

const endReboot = (turn: Turn, old: Board, board: Board): void => {
  const changed = rebooted(turn.state.commands, old, board, turn.now)
  if (changed.length === 0) return
  for (const command of changed) if (command.state === "done") emitEnd(turn, command)
  turn.state = { ...turn.state, commands: write(turn.state.commands, changed, turn.now) }
}

type Change = Exclude<ConnectionNow["state"], "never">

const severityOf = { online: "info", offline: "info", silent: "warn", retired: "info" } as const

/** Moves to another state of the connection. Every change is an event; staying as it was is none. */
const become = (turn: Turn, state: Change, reason: string, data: unknown): void => {
  const { connection } = turn.state
  const lastSeen = state === "online" ? turn.now : Math.max(connection.lastSeen, heard(turn))
  if (connection.state === state) {
    turn.state = { ...turn.state, connection: { ...connection, lastSeen } }
    return
  }
  turn.state = { ...turn.state, connection: { state, since: turn.now, reason, lastSeen } }
  emit(turn, { type: `device.${state}`, severity: severityOf[state], data })
}

/** When this activation heard the board last; its beginning does not count. */
const heard = ({ context, resident }: Turn): number => (context.link === undefined ? 0 : resident.heardAt)

const leave = (turn: Turn, state: "offline" | "silent", reason: string): void => {
  if (turn.state.connection.state !== "online") return
  become(turn, state, reason, { reason })
  if (state === "silent") noteSilent(turn)
  turn.link = undefined
  turn.resident = freshResident(turn.now)
}

/** The link ends with a goodbye's reason; one that was lost makes the board silent. */
export const endLink = (turn: Turn, reason: number): void =>
  leave(turn, reason === linkLost ? "silent" : "offline", goodbyeReasons[reason] ?? "normal")

/** The gateway says that a connection has ended; only that of the current link counts. */
export const lost = (
  state: DeviceState,
  { node, connection, reason }: { readonly node: string; readonly connection: number; readonly reason: number },
  context: Context
): Outcome<DeviceState, Resident, void, never> => {
  const { board } = state
  if (board === undefined || board.node !== node || board.connection !== connection) return {}
  const turn = begin(state, context)
  endLink(turn, reason)
  return outcomeOf(turn, undefined)
}

/** When a board that is said to be online counts as silent. */
export const silentAt = ({ connection, board }: DeviceState, resident: Resident): number =>
  connection.state === "online" && board !== undefined ? resident.heardAt + board.leaseMillis : Number.POSITIVE_INFINITY

/** Notices a board whose lease is over: its gateway may have died with its node. */
export const noticeSilence = (turn: Turn): void => {
  if (silentAt(turn.state, turn.resident) > turn.now) return
  if (turn.link !== undefined) turn.goodbye = linkLost
  leave(turn, "silent", "lease")
}

/** Ends the commands that cannot end by the board any more. */
export const endExpired = (turn: Turn): void => {
  const { commands, board, connection } = turn.state
  const over = expired(commands, board, connection.state === "online", turn.now)
  if (over.length === 0) return
  for (const command of over) emitEnd(turn, command)
  turn.state = { ...turn.state, commands: write(commands, over, turn.now) }
}

/** Turns the board away for ever. Commands that may have run end as unknown, the others as cancelled. */
export const retire = (state: DeviceState, context: Context): Turn => {
  const turn = begin(state, context)
  if (state.connection.state === "retired") return turn
  const { transfer } = state.work
  if (transfer !== undefined) endTransfer(turn, transfer, codes.Retired, "the device is retired")
  endErrands(turn, codes.Retired)
  noteRetired(turn)
  leaveVsm(turn)
  const ends = state.commands.open.map((command) => ({
    ...command,
    state: "done" as const,
    code: command.state === "queued" && !command.wasAccepted ? codes.ECANCELED : codes.EOWNERDEAD,
    endedAt: turn.now
  }))
  for (const command of ends) emitEnd(turn, command)
  turn.state = {
    ...turn.state,
    twin: emptyDesired(state.twin),
    commands: ends.length === 0 ? state.commands : write(state.commands, ends, turn.now)
  }
  if (turn.link !== undefined) turn.goodbye = retired
  become(turn, "retired", "retired", {})
  turn.link = undefined
  turn.resident = freshResident(turn.now)
  return turn
}
