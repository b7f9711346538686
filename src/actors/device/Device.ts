/** The device actor: mirrors one board. Its rules stand beside it, by concept. */
import { codes } from "../../protocol/Codes.ts"
import { type CommandView, Device } from "../../protocol/Device.ts"
import type { Command, DeviceState } from "../../protocol/DeviceState.ts"
import {
  Backpressure,
  Expired,
  type HolonError,
  InvalidTransition,
  Malformed,
  NotFound,
  TooLarge
} from "../../protocol/Errors.ts"
import { millisOf } from "../../protocol/Ids.ts"
import { changeDesired, desiredMap, emptyTwin } from "../../protocol/Twin.ts"
import * as Behaviour from "../Behaviour.ts"
import {
  commandsDue,
  ended,
  keepUntilOf,
  knownMax,
  lateMillis,
  noCommands,
  openMax,
  viewOf,
  write
} from "./Commands.ts"
import { addErrand, endOverdueErrands, errandsDue, noWork, refuseErrandOf } from "./Errands.ts"
import { firstNumber } from "./Numbering.ts"
import { endObservations, observationsDue, observe, refuseWatch } from "./Observations.ts"
import { attach, endExpired, lost, noticeSilence, retire, silentAt } from "./Presence.ts"
import { emitEnd, oweDesired, sendDue, timed } from "./Requests.ts"
import { storage } from "./Stored.ts"
import { escalate, escalationDue, takeFailing, takeQuarantined, takeRecovered } from "./Supervision.ts"
import {
  closeTransfer,
  endOverdueTransfer,
  openTransfer,
  refuseTransfer,
  takeRead,
  transferDue,
  transferReads
} from "./Transfers.ts"
import {
  begin,
  type Context,
  emit,
  freshResident,
  outcomeOf,
  type Resident,
  send,
  type Turn,
  writeCommand
} from "./Turn.ts"
import { failFrame, takeFrame } from "./UpFrames.ts"
import { connectionOf, statusOf, twinDocument, twinView } from "./Views.ts"

/** Life of a command that names none: long enough for a board that reconnects, short enough that nobody has forgotten it. */
const ttlMillisDefault = 30_000
/** How far ahead of our clock the maker of an id may be. */
const fromFutureMillis = 60_000

const initial: DeviceState = {
  connection: { state: "never", since: 0, reason: "", lastSeen: 0 },
  board: undefined,
  epoch: 0,
  numbering: firstNumber,
  twin: emptyTwin,
  commands: noCommands,
  work: noWork,
  rest: {}
}

const refuse = (refusal: HolonError) => Behaviour.refuse(refusal)

const finite = (due: number): number | undefined => (due === Number.POSITIVE_INFINITY ? undefined : due)

const refuseRetired = (event: string) => refuse(new InvalidTransition({ from: "retired", event }))

const lookUp = (
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
}

const invoke = (
  state: DeviceState,
  { name, args, ttlMillis = ttlMillisDefault, idempotent = false, program, ...given }: Invocation,
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
  const turn = begin(state, context)
  if (state.commands.open.length >= openMax || isFull(turn))
    return refuse(new Backpressure({ bucket: `device/${context.self.id} commands`, retryAfterMs: 5000 }))
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
    isCancelling: false
  }
  writeCommand(turn, command)
  emit(turn, { type: "command.accepted", data: { id, name, expiresAt: command.expiresAt } })
  sendDue(turn)
  return outcomeOf(turn, viewOf(turn.state.commands.byId.get(id) ?? command))
}

/** Forgets what may be forgotten before it says that the memory of ids is full: pushed out, an id could run twice. */
const isFull = (turn: Turn): boolean => {
  if (turn.state.commands.byId.size < knownMax) return false
  turn.state = { ...turn.state, commands: write(turn.state.commands, [], turn.now) }
  return turn.state.commands.byId.size >= knownMax
}

const cancel = (
  state: DeviceState,
  id: string,
  context: Context
): Behaviour.Outcome<DeviceState, Resident, CommandView, HolonError> => {
  const command = state.commands.byId.get(id)
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

/** The behaviour of devices. */
export const device: Behaviour.AnyBehaviour = Behaviour.make<Device, Resident>(Device, {
  initial: () => initial,
  storage,
  awake: (_state, now) => freshResident(now),
  dueAt: (state) => {
    const { commands, board, connection, work } = state
    if (commands.open.length === 0 && work === noWork) return undefined
    const due = Math.min(commandsDue(commands, board, connection.state === "online"), errandsDue(state))
    return finite(Math.min(due, observationsDue(state), transferDue(state), escalationDue(state)))
  },
  residentDueAt: (state, resident, link) =>
    finite(Math.min(silentAt(state, resident), link === undefined ? Number.POSITIVE_INFINITY : resident.dueAt)),
  atTakeover: ({ connection }) => connection.state === "online",

  timeout: (state, context) => {
    const turn = begin(state, context)
    noticeSilence(turn)
    endExpired(turn)
    endOverdueErrands(turn)
    endObservations(turn)
    endOverdueTransfer(turn)
    escalate(turn)
    sendDue(turn)
    return outcomeOf(turn, undefined)
  },

  effects: transferReads,
  completed: (state, { name, id, outcome }, context) => {
    const turn = begin(state, context)
    takeRead(turn, name, id, outcome)
    turn.resident = timed(turn.resident)
    return outcomeOf(turn, undefined)
  },

  frame: takeFrame,
  frameFailed: failFrame,

  Attach: attach,
  Lost: lost,

  NoteEvidence: (_state, { type, ...data }) => ({ events: [{ type, severity: "warn", data }] }),

  SetDesired: (state, { patch, expected }, context) => {
    if (state.connection.state === "retired") return refuseRetired("SetDesired")
    const { twin } = state
    if (expected !== undefined && expected !== twin.desiredVersion)
      return {
        reply: { _tag: "Conflict", code: codes.ESTALE, current: twin.desiredVersion, desired: desiredMap(twin) }
      }
    const change = changeDesired(twin, patch, context.now, context.asker.id)
    if (change._tag === "Refused")
      return refuse(
        change.code === codes.EMSGSIZE
          ? new TooLarge({ limit: change.limit, actual: change.actual })
          : new Malformed({
              path: "patch",
              reason: change.code === codes.TooDeep ? "nested too deep" : "null in an array"
            })
      )
    if (change._tag === "Same")
      return { reply: { _tag: "Accepted", version: twin.desiredVersion, desired: desiredMap(twin) } }
    const turn = begin(state, context)
    turn.state = { ...state, twin: change.twin }
    const { desiredVersion: version } = change.twin
    emit(turn, { type: "twin.desired-changed", data: { version, patch } })
    oweDesired(turn)
    turn.resident = timed(turn.resident)
    sendDue(turn)
    return outcomeOf(turn, { _tag: "Accepted", version, desired: desiredMap(change.twin) })
  },

  GetTwin: (state, _payload, context) => ({ reply: twinDocument(state, context) }),
  Watch: (state, _payload, context) => ({ reply: twinView(state, context) }),
  GetStatus: (state, _payload, context) => ({ reply: statusOf(state, context) }),

  Invoke: invoke,
  GetCommand: (state, { id }, context) => lookUp(state, id, context),
  WatchCommand: (state, { id }, context) => lookUp(state, id, context),
  CancelCommand: (state, { id }, context) => cancel(state, id, context),
  ListCommands: ({ commands }) => ({
    reply: {
      commands: [...commands.byId.values()].sort((left, right) => left.acceptedAt - right.acceptedAt).map(viewOf)
    }
  }),

  GetPrograms: ({ work }) => ({ reply: { programs: [...work.programs.values()] } }),

  OpenTransfer: (state, shipment, context) => {
    const turn = begin(state, context)
    if (state.connection.state === "retired") refuseTransfer(turn, shipment.session, codes.Retired)
    else openTransfer(turn, shipment)
    sendDue(turn)
    return outcomeOf(turn, undefined)
  },
  CloseTransfer: (state, { session, abort }, context) => {
    const turn = begin(state, context)
    closeTransfer(turn, session, abort)
    turn.resident = timed(turn.resident)
    sendDue(turn)
    return outcomeOf(turn, undefined)
  },
  AskBoard: (state, request, context) => {
    const turn = begin(state, context)
    if (state.connection.state === "retired") refuseErrandOf(turn, request)
    else addErrand(turn, request)
    sendDue(turn)
    return outcomeOf(turn, undefined)
  },

  Observe: (state, watch, context) => {
    const turn = begin(state, context)
    if (state.connection.state === "retired") refuseWatch(turn, watch)
    else observe(turn, watch)
    return outcomeOf(turn, undefined)
  },

  ProgramFailing: (state, failing, context) => {
    const turn = begin(state, context)
    takeFailing(turn, failing)
    return outcomeOf(turn, undefined)
  },
  ProgramRecovered: (state, { program, since }, context) => {
    const turn = begin(state, context)
    takeRecovered(turn, program, since)
    return outcomeOf(turn, undefined)
  },
  Escalate: (state, { actors }, context) => {
    const turn = begin(state, context)
    takeQuarantined(turn, actors)
    return outcomeOf(turn, undefined)
  },

  Retire: (state, _payload, context) => {
    const turn = retire(state, context)
    return outcomeOf(turn, connectionOf(turn.state, { ...context, link: turn.link, resident: turn.resident }))
  }
})
