/** Commands as people give them to a device: taken once for each id, looked up, cancelled. */
import { codes } from "../../protocol/Codes.ts"
import type { CommandView } from "../../protocol/Device.ts"
import type { Command, DeviceState } from "../../protocol/DeviceState.ts"
import {
  Backpressure,
  Expired,
  type HolonError,
  InvalidTransition,
  Malformed,
  NotFound
} from "../../protocol/Errors.ts"
import { millisOf } from "../../protocol/Ids.ts"
import type { ClaimToken } from "../../protocol/vsm/Claim.ts"
import * as Behaviour from "../Behaviour.ts"
import { reasonOf } from "../Origin.ts"
import { ended, keepUntilOf, knownMax, lateMillis, openMax, viewOf, write } from "./Commands.ts"
import { noted, objection } from "./Fences.ts"
import { chainOf, emitEnd, sendDue } from "./Requests.ts"
import { begin, type Context, emit, outcomeOf, type Resident, send, type Turn, writeCommand } from "./Turn.ts"

/** Life of a command that names none: long enough for a board that reconnects, short enough that nobody has forgotten it. */
const ttlMillisDefault = 30_000
/** How far ahead of our clock the maker of an id may be. */
const fromFutureMillis = 60_000

const refuse = (refusal: HolonError) => Behaviour.refuse(refusal)

/** Answers what is asked of a device that is retired. */
export const refuseRetired = (event: string) => refuse(new InvalidTransition({ from: "retired", event }))

/** One command; refused when it is not known. */
export const lookUp = (
  state: DeviceState,
  id: string,
  context: Context
): Behaviour.Outcome<DeviceState, Resident, CommandView, HolonError> => {
  const command = state.commands.byId.get(id)
  if (command === undefined) return refuse(new NotFound({ what: `command ${id} of device ${context.self.id}` }))
  return { reply: viewOf(command) }
}

interface Invocation {
  readonly name: string
  readonly args?: Command["args"]
  readonly ttlMillis?: number
  readonly idempotent?: boolean
  readonly program?: string
  readonly id?: string
  readonly claim?: ClaimToken
}

/** Takes a command, or joins it to the one of the same id. */
export const invoke = (
  state: DeviceState,
  { name, args, ttlMillis = ttlMillisDefault, idempotent = false, program, claim, ...given }: Invocation,
  context: Context
): Behaviour.Outcome<DeviceState, Resident, CommandView, HolonError> => {
  const id = given.id ?? context.requestId
  const { now } = context
  const known = state.commands.byId.get(id)
  if (known !== undefined) return { reply: viewOf(known) }
  if (state.connection.state === "retired") return refuseRetired("Invoke")
  const bornAt = millisOf(id)
  if (bornAt === undefined || bornAt > now + fromFutureMillis)
    return refuse(new Malformed({ path: "id", reason: "needs a UUIDv7 made now" }))
  // Past this the id may have been forgotten: a copy would run a second time.
  if (now > bornAt + ttlMillis + lateMillis) return refuse(new Expired({ age: now - bornAt }))
  const late = objection(state, context.self.id, claim, "Invoke")
  if (late !== undefined) return refuse(late)
  const turn = begin(noted(state, context.self.id, claim), context)
  if (state.commands.open.length >= openMax || isFull(turn))
    return refuse(new Backpressure({ bucket: `device/${context.self.id} commands`, retryAfterMs: 5000 }))
  const because = context.asker.root === undefined ? undefined : reasonOf(context)
  const command: Command = {
    id,
    name,
    ...(args === undefined ? {} : { args }),
    ...(program === undefined ? {} : { program }),
    idempotent,
    state: "queued",
    place: (state.commands.open.at(-1)?.place ?? 0) + 1,
    acceptedAt: now,
    expiresAt: now + ttlMillis,
    keepUntil: Math.max(keepUntilOf(bornAt, ttlMillis), now + ttlMillis),
    wasAccepted: false,
    isCancelling: false,
    ...(because !== undefined && { because })
  }
  writeCommand(turn, command)
  emit(turn, { type: "command.accepted", because: chainOf(command), data: { id, name, expiresAt: command.expiresAt } })
  sendDue(turn)
  return outcomeOf(turn, viewOf(turn.state.commands.byId.get(id) ?? command))
}

/** Forgets what may be forgotten before it says that the memory of ids is full: pushed out, an id could run twice. */
const isFull = (turn: Turn): boolean => {
  if (turn.state.commands.byId.size < knownMax) return false
  turn.state = { ...turn.state, commands: write(turn.state.commands, [], turn.now) }
  return turn.state.commands.byId.size >= knownMax
}

/**
 * A command that is cancelled before it has come: it is remembered as ended, and whoever brings it later finds it so. Its name is
 * that of the command.
 */
const forestall = (
  state: DeviceState,
  { id, name }: { readonly id: string; readonly name: string },
  context: Context
): Behaviour.Outcome<DeviceState, Resident, CommandView, HolonError> => {
  const { now } = context
  const bornAt = millisOf(id)
  if (bornAt === undefined || bornAt > now + fromFutureMillis)
    return refuse(new Malformed({ path: "id", reason: "needs a UUIDv7 made now" }))
  const turn = begin(state, context)
  if (isFull(turn))
    return refuse(new Backpressure({ bucket: `device/${context.self.id} commands`, retryAfterMs: 5000 }))
  const command: Command = {
    id,
    name,
    idempotent: false,
    state: "queued",
    place: 0,
    acceptedAt: now,
    expiresAt: now,
    keepUntil: keepUntilOf(bornAt, ttlMillisDefault),
    wasAccepted: false,
    isCancelling: false
  }
  const end = ended(command, { code: codes.ECANCELED }, now)
  emitEnd(turn, end)
  writeCommand(turn, end)
  return outcomeOf(turn, viewOf(end))
}

/** Ends a command that has not begun; asks the board to stop one that has. With its name also one that has not come yet. */
export const cancel = (
  state: DeviceState,
  { id, name }: { readonly id: string; readonly name?: string },
  context: Context
): Behaviour.Outcome<DeviceState, Resident, CommandView, HolonError> => {
  const command = state.commands.byId.get(id)
  if (command === undefined && name !== undefined) return forestall(state, { id, name }, context)
  if (command === undefined || command.state === "done" || command.isCancelling) return lookUp(state, id, context)
  const turn = begin(state, context)
  if (command.state === "queued" && !command.wasAccepted) {
    const end = ended(command, { code: codes.ECANCELED }, turn.now)
    emitEnd(turn, end)
    writeCommand(turn, end)
    return outcomeOf(turn, viewOf(end))
  }
  const cancelling: Command = { ...command, isCancelling: true }
  writeCommand(turn, cancelling)
  send(turn, { type: "cancel", id })
  return outcomeOf(turn, viewOf(cancelling))
}
