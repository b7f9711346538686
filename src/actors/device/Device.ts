/** The device actor: mirrors one board. Its rules stand beside it, by concept. */
import { codes } from "../../protocol/Codes.ts"
import { Device } from "../../protocol/Device.ts"
import type { DeviceState } from "../../protocol/DeviceState.ts"
import { Malformed, TooLarge } from "../../protocol/Errors.ts"
import { goodbyeReasons } from "../../protocol/frame/LinkFrames.ts"
import { changeDesired, desiredMap, emptyTwin } from "../../protocol/Twin.ts"
import { mapOf } from "../../protocol/TwinSection.ts"
import { sourceOf } from "../../protocol/vsm/Signal.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { zoneIn } from "../../protocol/Zone.ts"
import * as Behaviour from "../Behaviour.ts"
import { commandsDue, noCommands, viewOf } from "./Commands.ts"
import { addErrand, endOverdueErrands, errandsDue, noWork, refuseErrandOf } from "./Errands.ts"
import { rememberFailed } from "./FailedImages.ts"
import { noFences, noted, objection, raise } from "./Fences.ts"
import { cancel, invoke, lookUp, refuseRetired } from "./Invocations.ts"
import { endIsolation, isolate, isolationDue, readmit } from "./Isolation.ts"
import { firstNumber } from "./Numbering.ts"
import { endObservations, observationsDue, observe, refuseWatch } from "./Observations.ts"
import { attach, endExpired, endLink, lost, noticeSilence, retire, silentAt } from "./Presence.ts"
import { oweDesired, sendDue, timed } from "./Requests.ts"
import { takeShipment } from "./Shipments.ts"
import { feel } from "./Signals.ts"
import { decodeMembership, storage } from "./Stored.ts"
import { escalate, escalationDue, takeFailing, takeQuarantined, takeRecovered } from "./Supervision.ts"
import { closeTransfer, endOverdueTransfer, refuseTransfer, takeRead, transferDue, transferReads } from "./Transfers.ts"
import { begin, emit, freshResident, outcomeOf, type Resident } from "./Turn.ts"
import { assign, unregistered } from "./Unit.ts"
import { failFrame, takeFrame } from "./UpFrames.ts"
import { connectionOf, statusOf, twinDocument, twinView } from "./Views.ts"
import { hearZone, zoneView } from "./Zones.ts"

const initial: DeviceState = {
  connection: { state: "never", since: 0, reason: "", lastSeen: 0 },
  board: undefined,
  epoch: 0,
  numbering: firstNumber,
  twin: emptyTwin,
  commands: noCommands,
  work: noWork,
  zone: undefined,
  unit: undefined,
  fences: noFences,
  isolation: undefined,
  rest: {}
}

/** Number of the goodbye to a board that is kept apart. */
const quarantined = goodbyeReasons.indexOf("quarantined")

const finite = (due: number): number | undefined => (due === Number.POSITIVE_INFINITY ? undefined : due)

/** The behaviour of devices. */
export const device: Behaviour.AnyBehaviour = Behaviour.make<Device, Resident>(Device, {
  initial: () => initial,
  storage,
  awake: (_state, now) => freshResident(now),
  dueAt: (state) => {
    const { commands, board, connection, work } = state
    if (commands.open.length === 0 && work === noWork) return finite(isolationDue(state))
    const due = Math.min(commandsDue(commands, board, connection.state === "online"), errandsDue(state))
    return finite(Math.min(due, observationsDue(state), transferDue(state), escalationDue(state), isolationDue(state)))
  },
  residentDueAt: (state, resident, link) =>
    finite(Math.min(silentAt(state, resident), link === undefined ? Number.POSITIVE_INFINITY : resident.dueAt)),
  atTakeover: ({ connection }) => connection.state === "online",
  zoneOf: ({ zone }) => zoneIn(zone),
  vsmOf: ({ unit }) => (unit === undefined || unit.vsm === rootId ? undefined : unit.vsm),
  factsOf: ({ twin }) => mapOf(twin.reported),
  supervisor: (_id, part) => ({ kind: "vsm", id: part === undefined ? rootId : decodeMembership(part).vsm }),
  undelivered: (state, tell, context) => {
    const turn = begin(state, context)
    unregistered(turn, tell)
    return outcomeOf(turn, undefined)
  },

  timeout: (state, context) => {
    const turn = begin(state, context)
    noticeSilence(turn)
    endIsolation(turn)
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

  Isolate: (state, { mitigation, until }, context) => {
    if (state.connection.state === "retired" || context.now >= until) return {}
    const turn = begin(state, context)
    isolate(turn, mitigation, until)
    if (turn.link !== undefined) turn.goodbye = quarantined
    endLink(turn, quarantined)
    return outcomeOf(turn, undefined)
  },
  Readmit: (state, { mitigation }, context) => {
    const turn = begin(state, context)
    readmit(turn, mitigation)
    return outcomeOf(turn, undefined)
  },

  NoteEvidence: (_state, { type, ...data }) => ({ events: [{ type, severity: "warn", data }] }),

  SetDesired: (before, { patch, expected, claim }, context) => {
    if (before.connection.state === "retired") return refuseRetired("SetDesired")
    const late = objection(before, context.self.id, claim, "SetDesired")
    if (late !== undefined) return Behaviour.refuse(late)
    const state = noted(before, context.self.id, claim)
    const { twin } = state
    if (expected !== undefined && expected !== twin.desiredVersion)
      return {
        reply: { _tag: "Conflict", code: codes.ESTALE, current: twin.desiredVersion, desired: desiredMap(twin) }
      }
    const change = changeDesired(twin, patch, context.now, context.asker.id)
    if (change._tag === "Refused")
      return Behaviour.refuse(
        change.code === codes.EMSGSIZE
          ? new TooLarge({ limit: change.limit, actual: change.actual })
          : new Malformed({
              path: "patch",
              reason: change.code === codes.TooDeep ? "nested too deep" : "null in an array"
            })
      )
    if (change._tag === "Same")
      return { state, reply: { _tag: "Accepted", version: twin.desiredVersion, desired: desiredMap(twin) } }
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

  SetZone: (state, { zone }, context) => {
    if (state.connection.state === "retired") return refuseRetired("SetZone")
    const turn = begin(state, context)
    hearZone(turn, { people: zone ?? undefined })
    return outcomeOf(turn, zoneView(turn.state))
  },

  RaiseFence: (state, claim, { self }) => ({ state: raise(state, self.id, claim) }),

  AssignUnit: (state, wanted, context) => {
    const turn = begin(state, context)
    assign(turn, wanted)
    return outcomeOf(turn, undefined)
  },
  Feel: (state, feeling, context) => {
    const turn = begin(state, context)
    feel(turn, sourceOf("device", context.self.id), feeling)
    return outcomeOf(turn, undefined)
  },

  Invoke: invoke,
  GetCommand: (state, { id }, context) => lookUp(state, id, context),
  WatchCommand: (state, { id }, context) => lookUp(state, id, context),
  CancelCommand: cancel,
  ListCommands: ({ commands }) => ({
    reply: {
      commands: [...commands.byId.values()].sort((left, right) => left.acceptedAt - right.acceptedAt).map(viewOf)
    }
  }),

  GetPrograms: ({ work }) => ({ reply: { programs: [...work.programs.values()] } }),

  OpenTransfer: (state, shipment, context) => {
    const turn = begin(state, context)
    if (state.connection.state === "retired") refuseTransfer(turn, shipment.session, codes.Retired)
    else takeShipment(turn, shipment)
    sendDue(turn)
    return outcomeOf(turn, undefined)
  },
  CloseTransfer: (state, { session, abort, failed }, context) => {
    const turn = begin(state, context)
    if (failed !== undefined) rememberFailed(turn, failed.sha256, failed.code, failed.detail)
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
