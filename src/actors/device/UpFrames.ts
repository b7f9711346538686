/** What the frames of a board do to its device. */
import { codes } from "../../protocol/Codes.ts"
import { Device } from "../../protocol/Device.ts"
import type { Board, DeviceState } from "../../protocol/DeviceState.ts"
import type { UpFrame } from "../../protocol/Frame.ts"
import type { EventFrame, Log, Progress, ResultFrame } from "../../protocol/frame/CommandFrames.ts"
import type { ErrorUp, GoodbyeUp, HeartbeatUp } from "../../protocol/frame/LinkFrames.ts"
import type { DesiredAck, Report } from "../../protocol/frame/TwinFrames.ts"
import { acknowledgeDesired } from "../../protocol/Twin.ts"
import { mergeReport, type Stamp } from "../../protocol/TwinSection.ts"
import { sourceOf } from "../../protocol/vsm/Signal.ts"
import type { Emitted, FrameReply, Outcome } from "../Behaviour.ts"
import { ended } from "./Commands.ts"
import { refuseErrand, takeAnswer, takeImageAnswer } from "./Errands.ts"
import { takeImageReport } from "./ImageReports.ts"
import { consume, highestOf, placeOf } from "./Numbering.ts"
import { endLink } from "./Presence.ts"
import { takeMail, takePrinted, takeProgramStatus, takeValues } from "./Programs.ts"
import { chainOf, desiredAnswered, emitEnd, noteDrift, sendDue, timed } from "./Requests.ts"
import { feel, feelingIn } from "./Signals.ts"
import { takeImageAck } from "./Transfers.ts"
import { begin, type Context, emit, outcomeOf, type Resident, refuseFrame, type Turn, writeCommand } from "./Turn.ts"

/** How far back a board may date a fact. */
const oldestMillis = 7 * 24 * 3600 * 1000
/** Estimates of the board's clock that are compared. */
const offsetsMax = 8
/** Severity of a board's level by its number. */
const severities = ["error", "warn", "info", "debug", "debug"] as const

type FrameOutcome = Outcome<DeviceState, Resident, FrameReply>

/** Takes an up frame of the current link. What was consumed before has no effect again. */
export const takeFrame = (state: DeviceState, frame: UpFrame, context: Context): FrameOutcome => {
  const turn = begin(state, context)
  const { board } = state
  if (board === undefined || state.connection.state !== "online") {
    refuseFrame(turn, frame, state.connection.state === "retired" ? codes.Retired : codes.NotAttached)
    return outcomeOf(turn, "consumed")
  }
  if (turn.resident.heardAt !== turn.now) turn.resident = { ...turn.resident, heardAt: turn.now }
  const { seq } = frame
  if (seq > 0) {
    const place = placeOf(state.numbering, seq)
    if (place === "beyond") return outcomeOf(turn, "beyond")
    if (place === "seen") {
      if (frame.type === "progress") answerEnded(turn, frame)
      return outcomeOf(turn, "consumed")
    }
    turn.state = {
      ...state,
      numbering: consume(state.numbering, seq),
      connection:
        state.connection.lastSeen === turn.now ? state.connection : { ...state.connection, lastSeen: turn.now }
    }
  }
  act(turn, frame, board, state)
  return outcomeOf(turn, "consumed")
}

/** A frame that crashed its transition: its number is consumed, the board is told, nothing else happens. */
export const failFrame = (state: DeviceState, frame: UpFrame, context: Context): FrameOutcome => {
  const turn = begin(state, context)
  if (frame.seq > 0) {
    const place = placeOf(state.numbering, frame.seq)
    if (place === "beyond") return outcomeOf(turn, "beyond")
    if (place === "new") turn.state = { ...state, numbering: consume(state.numbering, frame.seq) }
  }
  refuseFrame(turn, frame, codes.Internal)
  return outcomeOf(turn, "consumed")
}

const act = (turn: Turn, frame: UpFrame, board: Board, before: DeviceState): void => {
  switch (frame.type) {
    case "report":
      return takeReport(turn, frame, board, before)
    case "heartbeat":
      return takeHeartbeat(turn, frame)
    case "desired-ack":
      return takeDesiredAck(turn, frame)
    case "progress":
      return takeProgress(turn, frame)
    case "result":
      return takeResult(turn, frame)
    case "event":
      return takeEvent(turn, frame)
    case "log":
      return takeLog(turn, frame)
    case "goodbye":
      return takeGoodbye(turn, frame, board)
    case "error":
      return takeError(turn, frame)
    case "image-ack":
      takeImageAck(turn, frame)
      turn.resident = timed(turn.resident)
      return
    case "image-status":
      if (!takeImageAnswer(turn, frame)) takeImageReport(turn, frame)
      return sendDue(turn)
    case "answer":
      takeAnswer(turn, frame)
      return sendDue(turn)
    case "program-status":
      return takeProgramStatus(turn, frame, factTime(turn, frame.at).at)
    case "value":
      return takeValues(turn, frame, (at) => factTime(turn, at).at)
    case "mail":
      return takeMail(turn, frame, factTime(turn, frame.at).at)
    default:
      refuseFrame(turn, frame, codes.ENOTSUP)
  }
}

// ---------------------------------------------------------------------------------------------------------------- time

interface FactTime {
  readonly at: number
  readonly estimated: boolean
}

/** When something happened, from the board's clock and the best estimate of its offset. */
const factTime = ({ now, resident }: Turn, at: number | undefined): FactTime => {
  if (at === undefined || resident.offsets.length === 0) return { at: now, estimated: true }
  const time = at + Math.min(...resident.offsets)
  if (time > now) return { at: now, estimated: true }
  if (time < now - oldestMillis) return { at: now - oldestMillis, estimated: true }
  return { at: time, estimated: false }
}

// ----------------------------------------------------------------------------------------------------------- telemetry

const takeReport = (turn: Turn, frame: Report, board: Board, before: DeviceState): void => {
  if (frame.doc !== undefined) return refuseFrame(turn, frame, codes.ENOTSUP)
  const time = factTime(turn, frame.at)
  const { state: patch, samples } = frame
  if (patch !== undefined || frame.full === true) {
    const { twin } = turn.state
    const isNumbered = frame.seq > 0
    const rank = isNumbered ? frame.seq : highestOf(turn.state.numbering) - 0.5
    const stamp: Stamp = [board.order, board.boot, rank, time.at, time.estimated]
    const merged = mergeReport(twin.reported, {
      state: patch ?? {},
      isFull: frame.full === true,
      stamp,
      version: twin.version + 1,
      // An unnumbered report loses a tie against the last numbered one, so what that one deleted stays hidden.
      settled: isNumbered ? before.numbering.last : before.numbering.last - 1
    })
    if (merged._tag === "Refused") return refuseFrame(turn, frame, merged.code)
    const { section, changed } = merged
    turn.state = {
      ...turn.state,
      twin: { ...twin, version: changed.length > 0 ? twin.version + 1 : twin.version, reported: section }
    }
    noteDrift(turn, changed)
    // A full report that says nothing takes all away: whoever follows the journal must hear of that too.
    if (patch !== undefined || changed.length > 0)
      turn.samples = [{ type: "board.telemetry", data: patch ?? {}, at: time.at }]
  }
  if (samples !== undefined) {
    turn.samples ??= []
    for (const { dt, values } of samples)
      turn.samples.push({ type: "board.telemetry", data: values, at: Math.min(time.at + dt, turn.now) })
  }
  if (frame.full === true && turn.resident.awaitsFullUntil > 0) {
    turn.resident = timed({ ...turn.resident, awaitsFullUntil: 0 })
    sendDue(turn)
  }
}

/** The gateway has answered it: the sooner the board gets its echo, the better it knows the time. */
const takeHeartbeat = (turn: Turn, frame: HeartbeatUp): void => {
  const { up, free, load, signal, power } = frame
  const { resident, now } = turn
  turn.resident = {
    ...resident,
    offsets: [now - up, ...resident.offsets].slice(0, offsetsMax),
    vitals: {
      ...(free === undefined ? {} : { freeBytes: free }),
      ...(load === undefined ? {} : { load }),
      ...(signal === undefined ? {} : { signal }),
      ...(power === undefined ? {} : { power })
    }
  }
}

// ------------------------------------------------------------------------------------------------------------- desired

const takeDesiredAck = (turn: Turn, frame: DesiredAck): void => {
  if (frame.doc !== undefined) return refuseFrame(turn, frame, codes.ENOTSUP)
  const { twin } = turn.state
  const acknowledged = acknowledgeDesired(twin, frame.version, frame.refused)
  if (acknowledged !== twin) turn.state = { ...turn.state, twin: acknowledged }
  desiredAnswered(turn, frame.version, Object.keys(frame.refused ?? {}))
}

// ------------------------------------------------------------------------------------------------------------ commands

/**
 * A board that keeps no journal takes the acknowledgement of its progress as the word to go. For a command that has ended
 * the refusal stands before that acknowledgement, with every copy of the progress.
 */
const answerEnded = (turn: Turn, frame: Progress): boolean => {
  const command = turn.state.commands.byId.get(frame.id)
  if (command !== undefined && command.state !== "done") return false
  refuseFrame(turn, frame, command?.code === codes.ECANCELED ? codes.ECANCELED : codes.ETIME, frame.id)
  return true
}

const takeProgress = (turn: Turn, frame: Progress): void => {
  if (answerEnded(turn, frame)) return
  const command = turn.state.commands.byId.get(frame.id)
  if (command === undefined) return
  const { done, note } = frame
  writeCommand(turn, {
    ...command,
    state: "accepted",
    wasAccepted: true,
    ...(done === undefined ? {} : { progress: done }),
    ...(note === undefined ? {} : { note })
  })
}

const takeResult = (turn: Turn, { id, code, value, detail, took }: ResultFrame): void => {
  const command = turn.state.commands.byId.get(id)
  if (command === undefined || command.state === "done") {
    // The repeat of the result that ended it is no news.
    if (command?.code === code) return
    return emit(turn, {
      type: "command.late",
      because: chainOf(command ?? { id }),
      severity: "warn",
      data: { id, code, ...(value === undefined ? {} : { value }) }
    })
  }
  // A board that is asked to cancel what it never had says that it does not know it.
  const isUnknown = command.isCancelling && !command.wasAccepted && code === codes.ESRCH
  const end = ended(
    command,
    {
      code: isUnknown ? codes.ECANCELED : code,
      ...(value === undefined ? {} : { value }),
      ...(detail === undefined ? {} : { detail }),
      ...(took === undefined ? {} : { tookMillis: took })
    },
    turn.now
  )
  emitEnd(turn, end)
  writeCommand(turn, end)
  sendDue(turn)
}

/** A board refuses a frame: one that names a command ends it, or puts it off when the board is only low on memory. */
const takeError = (turn: Turn, { code, detail, req, retry }: ErrorUp): void => {
  if (typeof req === "number" && code !== codes.EAGAIN) refuseErrand(turn, req, code, detail)
  const command = typeof req === "string" ? turn.state.commands.byId.get(req) : undefined
  if (code === codes.EAGAIN) {
    const repeats = new Map(turn.resident.repeats)
    const at = turn.now + (retry ?? 1000)
    if (command !== undefined && command.state !== "done") repeats.set(command.id, { at, waitMillis: retry ?? 1000 })
    turn.resident = timed({ ...turn.resident, repeats, quietUntil: at })
    return
  }
  emit(turn, { type: "board.failed", severity: "warn", data: { code, ...(detail === undefined ? {} : { detail }) } })
  if (command === undefined || command.state === "done") return
  const end = ended(command, { code, ...(detail === undefined ? {} : { detail }) }, turn.now)
  emitEnd(turn, end)
  writeCommand(turn, end)
  sendDue(turn)
}

// ------------------------------------------------------------------------------------------------------- events, goodbye

/** Facts the device states about itself: a board may not speak in its name. */
const isReserved = (type: string): boolean => type in Device.events && !type.startsWith("board.")

const takeEvent = (turn: Turn, frame: EventFrame): void => {
  // An event type has two segments at least.
  const type = frame.name.includes(".") ? frame.name : `board.${frame.name}`
  if (isReserved(type)) return refuseFrame(turn, frame, codes.EPERM)
  const feeling = feelingIn(type, frame.data)
  if (feeling === "misfit") return refuseFrame(turn, frame, codes.EINVAL)
  noteDropped(turn, frame.dropped)
  const { program, data } = frame
  const { id } = turn.context.self
  emit(turn, {
    type,
    data: program === undefined ? (data ?? {}) : { program, data: data ?? {} },
    severity: severities[frame.level ?? 2] ?? "info",
    at: factTime(turn, frame.at).at,
    unit: id
  })
  if (feeling === undefined) return
  const source = program === undefined ? sourceOf("device", id) : sourceOf("program", `${id}:${program}`)
  feel(turn, source, feeling, (turn.events?.length ?? 1) - 1)
}

const takeLog = (turn: Turn, frame: Log): void => {
  noteDropped(turn, frame.dropped)
  const { text, program } = frame
  const line: Emitted = {
    type: "board.log",
    data: { text, ...(program === undefined ? {} : { program }) },
    severity: severities[frame.level] ?? "info",
    at: factTime(turn, frame.at).at,
    unit: turn.context.self.id
  }
  emit(turn, line)
  if (program !== undefined) takePrinted(turn, program, frame, line.at ?? turn.now)
}

const noteDropped = (turn: Turn, dropped: number | undefined): void => {
  if (dropped !== undefined && dropped > 0)
    emit(turn, { type: "board.dropped", severity: "warn", data: { count: dropped } })
}

/** The end of another link than the current one, such as a late will, changes nothing. */
const takeGoodbye = (turn: Turn, frame: GoodbyeUp, board: Board): void => {
  if (frame.boot === board.boot && frame.link === board.link) endLink(turn, frame.reason)
}
