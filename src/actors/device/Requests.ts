/** What the actor wants of an attached board: desired leaves and commands, when they go out, and when they go out again. */
import type { Because } from "../../protocol/Because.ts"
import { cborBytes, textBytes } from "../../protocol/CborSize.ts"
import { codes } from "../../protocol/Codes.ts"
import type { Board, Command } from "../../protocol/DeviceState.ts"
import { caps } from "../../protocol/frame/LinkFrames.ts"
import { deltaOf, isMissing, missing } from "../../protocol/Twin.ts"
import { pathOf, pointerOf } from "../../protocol/TwinPath.ts"
import { ended, write } from "./Commands.ts"
import { sendErrands } from "./Errands.ts"
import { firstRepeat, nextRepeat, pace } from "./Repeats.ts"
import { sendTransfer } from "./Transfers.ts"
import { emit, noRepeats, type Repeat, type Resident, send, type Turn } from "./Turn.ts"

/** What follows a change of desired within this time goes out as one frame. */
const gatherMillis = 20
/** How long desired waits for the full report that a welcome asked for. */
export const fullReportMillis = 2000
/** Least time between two tellings of one field, and the most that it grows to. */
const driftMillis = { first: 5000, most: 300_000 } as const
/** Bytes of a frame around its content: array, type, epoch, keys, a version or an id. */
const envelopeBytes = 64

/** The resident memory with its earliest due computed. */
export const timed = (resident: Resident): Resident => {
  if (resident.quietUntil > 0) return { ...resident, dueAt: resident.quietUntil }
  let dueAt = resident.owesDesired
    ? Math.max(resident.desiredSentAt + gatherMillis, resident.awaitsFullUntil)
    : Number.POSITIVE_INFINITY
  if (resident.desiredRepeat !== undefined) dueAt = Math.min(dueAt, resident.desiredRepeat.at)
  for (const { at } of resident.drifts.values()) dueAt = Math.min(dueAt, at)
  for (const { at } of resident.repeats.values()) dueAt = Math.min(dueAt, at)
  for (const { at } of resident.errandRepeats.values()) dueAt = Math.min(dueAt, at)
  if (resident.courier !== undefined) dueAt = Math.min(dueAt, resident.courier.repeat.at)
  return { ...resident, dueAt }
}

/** Sends what is due. Frames for a board wait while its link is new or it asked for a pause. */
export const sendDue = (turn: Turn): void => {
  const { state, link, now } = turn
  const { board } = state
  if (link === undefined || board === undefined || state.connection.state !== "online") return
  if (turn.resident.quietUntil > now) return
  if (turn.resident.quietUntil > 0) turn.resident = { ...turn.resident, quietUntil: 0 }
  sendDesired(turn, board)
  sendDrifts(turn, board)
  sendCommands(turn, board)
  sendErrands(turn, board)
  sendTransfer(turn, board)
  turn.resident = timed(turn.resident)
}

// -------------------------------------------------------------------------------------------------------------- desired

const sendDesired = (turn: Turn, board: Board): void => {
  const { resident, now } = turn
  const isRepeat = resident.desiredRepeat !== undefined && resident.desiredRepeat.at <= now
  if (!resident.owesDesired && !isRepeat) return
  if (resident.awaitsFullUntil > now || resident.desiredSentAt + gatherMillis > now) return
  const { twin } = turn.state
  const forgotten = (board.caps & caps.keepsDesired) === 0 ? [] : [...twin.desired.forgotten.keys()]
  const isSent = sendLeaves(turn, board, missing(twin), forgotten)
  const wait = isRepeat && resident.desiredRepeat !== undefined ? resident.desiredRepeat : undefined
  turn.resident = {
    ...turn.resident,
    owesDesired: false,
    awaitsFullUntil: 0,
    desiredRepeat: !isSent
      ? undefined
      : wait === undefined
        ? firstRepeat(board, now)
        : nextRepeat(wait, pace(board).most, now)
  }
}

/** Sends desired leaves in as many frames as the board's buffer needs; one that fits no frame is refused in its name. */
const sendLeaves = (
  turn: Turn,
  board: Board,
  paths: ReadonlyArray<string>,
  forgotten: ReadonlyArray<string>
): boolean => {
  const { twin } = turn.state
  const room = board.rx - envelopeBytes
  const groups: Array<{ set: Array<string>; forget: Array<string> }> = []
  let left = 0
  const place = (path: string, bytes: number, list: "set" | "forget") => {
    if (groups.length === 0 || bytes > left) {
      groups.push({ set: [], forget: [] })
      left = room
    }
    groups.at(-1)?.[list].push(path)
    left -= bytes
  }
  const tooLarge: Record<string, number> = {}
  for (const path of paths) {
    const leaf = twin.desired.leaves.get(path)
    if (leaf === undefined) continue
    const bytes = pathBytesMax(path) + cborBytes(leaf.value)
    if (bytes > room) tooLarge[pointerOf(path)] = codes.EMSGSIZE
    else place(path, bytes, "set")
  }
  for (const path of forgotten) place(path, pathBytesMax(path) + 1, "forget")
  if (Object.keys(tooLarge).length > 0)
    turn.state = { ...turn.state, twin: { ...twin, refused: { ...twin.refused, ...tooLarge } } }
  for (const [index, { set, forget }] of groups.entries())
    send(turn, {
      type: "desired",
      version: twin.desiredVersion,
      state: deltaOf(twin, set, forget),
      ...(index < groups.length - 1 ? { more: true } : {})
    })
  if (groups.length > 0) turn.resident = { ...turn.resident, desiredSentAt: turn.now }
  return groups.length > 0
}

/** What the keys above and of a leaf can take in a frame. */
const pathBytesMax = (path: string): number => textBytes(path) + 4 + 4 * path.split("/").length

/** Desired has changed: the first change goes out at once. */
export const oweDesired = (turn: Turn): void => {
  turn.resident = { ...turn.resident, owesDesired: true, desiredRepeat: undefined, drifts: noRepeats }
}

/** Marks fields that the board had acknowledged and no longer reports; they are told again, ever more rarely. */
export const noteDrift = (turn: Turn, changed: Iterable<string>): void => {
  const { twin } = turn.state
  if (twin.desired.leaves.size === 0 || turn.resident.owesDesired) return
  let drifts: Map<string, Repeat> | undefined
  for (const path of changed) {
    const leaf = twin.desired.leaves.get(path)
    if (leaf === undefined || leaf.v > twin.applied || turn.resident.drifts.has(path) || !isMissing(twin, path))
      continue
    drifts ??= new Map(turn.resident.drifts)
    const { first } = driftMillis
    drifts.set(path, { at: Math.max(turn.now, turn.resident.desiredSentAt + first), waitMillis: first })
  }
  if (drifts !== undefined) turn.resident = timed({ ...turn.resident, drifts })
}

const sendDrifts = (turn: Turn, board: Board): void => {
  const { now, resident } = turn
  const again: Array<string> = []
  let drifts: Map<string, Repeat> | undefined
  for (const [path, drift] of resident.drifts) {
    if (drift.at > now) continue
    drifts ??= new Map(resident.drifts)
    if (!isMissing(turn.state.twin, path)) drifts.delete(path)
    else {
      drifts.set(path, nextRepeat(drift, driftMillis.most, now))
      again.push(path)
    }
  }
  if (drifts === undefined) return
  turn.resident = { ...resident, drifts }
  if (again.length === 0) return
  sendLeaves(turn, board, again, [])
  emit(turn, {
    type: "twin.diverged",
    severity: "warn",
    data: { version: turn.state.twin.desiredVersion, fields: again.map(pointerOf) }
  })
}

/** The board has answered a desired version. */
export const desiredAnswered = (turn: Turn, version: number, refused: ReadonlyArray<string>): void => {
  const { twin } = turn.state
  if (version < twin.desiredVersion) return
  const drifts = new Map(turn.resident.drifts)
  for (const pointer of refused) drifts.delete(pathOf(pointer))
  turn.resident = timed({ ...turn.resident, desiredRepeat: undefined, drifts })
  noteDrift(turn, twin.desired.leaves.keys())
}

// ------------------------------------------------------------------------------------------------------------- commands

/** Sends commands in order of acceptance while the board has room, and repeats those that it has not answered. */
const sendCommands = (turn: Turn, board: Board): void => {
  const { open } = turn.state.commands
  if (open.length === 0) {
    if (turn.resident.repeats.size > 0) turn.resident = { ...turn.resident, repeats: noRepeats }
    return
  }
  const { now } = turn
  let { underWay } = turn.state.commands
  const repeats = new Map<string, Repeat>()
  const changed: Array<Command> = []
  for (const command of open) {
    const known = turn.resident.repeats.get(command.id)
    if (command.state !== "queued") {
      if (known !== undefined && known.at > now) {
        repeats.set(command.id, known)
        continue
      }
      sendCommand(turn, command)
      repeats.set(command.id, known === undefined ? firstRepeat(board, now) : nextRepeat(known, pace(board).most, now))
    } else if (command.expiresAt > now && underWay < board.requests) {
      if (invokeBytes(command) > board.rx) {
        changed.push(endCommand(turn, command, codes.EMSGSIZE))
        continue
      }
      underWay++
      changed.push({ ...command, state: "sent" })
      sendCommand(turn, command)
      repeats.set(command.id, firstRepeat(board, now))
    }
  }
  if (changed.length > 0) turn.state = { ...turn.state, commands: write(turn.state.commands, changed, now) }
  turn.resident = { ...turn.resident, repeats }
}

const invokeBytes = ({ name, args, program }: Command): number =>
  envelopeBytes +
  textBytes(name) +
  (args === undefined ? 0 : cborBytes(args)) +
  (program === undefined ? 0 : textBytes(program))

/** One that is to be cancelled is not asked for again: a board that never had it says so, and that is its end. */
const sendCommand = (turn: Turn, command: Command): void => {
  const { id, name, args, program, idempotent } = command
  if (command.isCancelling) return send(turn, { type: "cancel", id })
  send(turn, {
    type: "invoke",
    id,
    name,
    ...(args === undefined ? {} : { args }),
    ttl: Math.max(1, command.expiresAt - turn.now),
    ...(program === undefined ? {} : { program }),
    ...(idempotent ? { idempotent } : {})
  })
}

/** Ends a command by the actor's own word and puts that on the event stream. */
const endCommand = (turn: Turn, command: Command, code: number, detail?: string): Command => {
  const end = ended(command, { code, ...(detail === undefined ? {} : { detail }) }, turn.now)
  emitEnd(turn, end)
  return end
}

/** The chain of causes that a command is in: the one it was told in, or one that begins with its id, which is that of the request. */
export const chainOf = ({ id, because }: Pick<Command, "id" | "because">): Because =>
  because ?? { causes: [id], root: id }

/** Puts the end of a command on the event stream. */
export const emitEnd = (turn: Turn, command: Command): void => {
  const { id, name, code, value, detail } = command
  emit(turn, {
    type: "command.ended",
    because: chainOf(command),
    severity: code === 0 ? "info" : "warn",
    data: {
      id,
      name,
      code,
      ...(value === undefined ? {} : { value }),
      ...(detail === undefined ? {} : { detail })
    }
  })
}
