/** Requests of other actors to the board: each goes out until it is answered, and its asker is told the end once. */
import type { Reason } from "../../protocol/Because.ts"
import type { ActorAddress, BoardAnswer, BoardRequest } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import type { Board, DeviceState, Errand, Transfer, Work } from "../../protocol/DeviceState.ts"
import { type ImageStatus, imageOps } from "../../protocol/frame/ImageFrames.ts"
import { type Answer, programOps } from "../../protocol/frame/ProgramFrames.ts"
import type { FrameToBoard } from "../Behaviour.ts"
import { reasonOf } from "../Origin.ts"
import { firstRepeat, nextRepeat, pace } from "./Repeats.ts"
import { imageReportOf } from "./Reports.ts"
import { subscribed } from "./Subscriptions.ts"
import { noErrandRepeats, type Repeat, send, type Turn, tell } from "./Turn.ts"

/** Requests that wait for one board. */
const errandsMax = 64

/** Nothing was ever asked of the board. */
export const noWork: Work = {
  transfer: undefined,
  errands: new Map(),
  programs: new Map(),
  observations: new Map(),
  subscriptions: new Map(),
  failing: new Map(),
  quarantined: new Map(),
  failedImages: new Map(),
  lastNumber: 0
}

/** Changes what the board does for other actors. */
export const setWork = (turn: Turn, work: Partial<Work>): void => {
  turn.state = { ...turn.state, work: { ...turn.state.work, ...work } }
}

/** The next number of a request or a transfer; never one that may be unanswered. */
export const nextNumber = (turn: Turn): number => {
  const lastNumber = turn.state.work.lastNumber >= 0xffff_ffff ? 1 : turn.state.work.lastNumber + 1
  setWork(turn, { lastNumber })
  return lastNumber
}

/** What an asker wants, and how long it may take (ms). */
export interface Request {
  readonly asker: ActorAddress
  readonly key: string
  readonly request: BoardRequest
  readonly lifeMillis: number
}

/** Takes a request. A second copy joins the first; when too many wait it is answered at once. */
export const addErrand = (turn: Turn, { asker, key, request, lifeMillis }: Request): void => {
  const { errands, transfer } = turn.state.work
  for (const known of errands.values())
    if (known.key === key && known.asker.kind === asker.kind && known.asker.id === asker.id) return
  if (errands.size >= errandsMax)
    return answer(turn, asker, { key, code: codes.EAGAIN, detail: "too many requests wait" })
  const req = nextNumber(turn)
  const because = reasonOf(turn.context)
  const errand: Errand = {
    req,
    key,
    asker,
    request,
    // Only the session of a transfer may speak of it: a rollback asked for meanwhile is not about that image.
    ...(request._tag === "ImageOp" && isOf(transfer, asker) ? { xfer: transfer.xfer } : {}),
    until: turn.now + lifeMillis,
    ...(because !== undefined && { because })
  }
  setWork(turn, { errands: new Map(turn.state.work.errands).set(req, errand) })
}

const isOf = (transfer: Transfer | undefined, { kind, id }: ActorAddress): transfer is Transfer =>
  transfer !== undefined && kind === "session" && transfer.session === id

/** A board forgets an unfinished transfer by itself after this, ms: until then it must be told. */
const keptMillis = 600_000
const abortKey = "abort"

/** Has the board forget a transfer. Until it has answered, it refuses every other image. */
export const orderAbort = (turn: Turn, { session, xfer, because }: Transfer, reason: number): void => {
  if (turn.state.work.errands.size >= errandsMax) return
  const req = nextNumber(turn)
  const errand: Errand = {
    req,
    key: abortKey,
    asker: { kind: "session", id: session },
    request: { _tag: "ImageOp", act: "abort", reason },
    xfer,
    until: turn.now + keptMillis,
    ...(because !== undefined && { because })
  }
  setWork(turn, { errands: new Map(turn.state.work.errands).set(req, errand) })
}

/** Whether the board has yet to forget a transfer. */
export const awaitsAbort = ({ work }: DeviceState): boolean => {
  for (const { request } of work.errands.values())
    if (request._tag === "ImageOp" && request.act === "abort") return true
  return false
}

/** In the chain of what was asked, if that is known, whatever ended it. */
const answer = (turn: Turn, to: ActorAddress, payload: BoardAnswer, because?: Reason): void =>
  tell(turn, { to, message: "BoardAnswered", payload, ...(because !== undefined && { because }) })

/** Answers a request to a board that is turned away for ever. */
export const refuseErrandOf = (turn: Turn, { asker, key }: Request): void =>
  answer(turn, asker, { key, code: codes.Retired, detail: "the device is retired" })

/** Ends a request, and tells its asker. */
const endErrand = (turn: Turn, errand: Errand, end: Omit<BoardAnswer, "key">): void => {
  const errands = new Map(turn.state.work.errands)
  errands.delete(errand.req)
  const { subscriptions } = turn.state.work
  setWork(turn, { errands, subscriptions: subscribed(subscriptions, errand, end.code) })
  answer(turn, errand.asker, { key: errand.key, ...end }, errand.because)
}

/** Ends every request: the board is turned away for ever. */
export const endErrands = (turn: Turn, code: number): void => {
  for (const errand of turn.state.work.errands.values()) endErrand(turn, errand, { code })
}

/** Ends what the board has not answered in its time. */
export const endOverdueErrands = (turn: Turn): void => {
  for (const errand of turn.state.work.errands.values())
    if (errand.until <= turn.now)
      endErrand(turn, errand, { code: codes.ETIMEDOUT, detail: "the board has not answered in time" })
}

/** Earliest end of life of a request; infinite for none. */
export const errandsDue = ({ work }: DeviceState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const { until } of work.errands.values()) due = Math.min(due, until)
  return due
}

/** The board answers a request. One that nobody waits for is a repeat. */
export const takeAnswer = (turn: Turn, { req, code, value, detail }: Answer): void => {
  const errand = turn.state.work.errands.get(req)
  if (errand === undefined) return
  endErrand(turn, errand, {
    code,
    ...(value === undefined ? {} : { value }),
    ...(detail === undefined ? {} : { detail })
  })
}

/** An image-status that answers a request; `false` for one that was told unasked. */
export const takeImageAnswer = (turn: Turn, status: ImageStatus): boolean => {
  const errand = status.req === undefined ? undefined : turn.state.work.errands.get(status.req)
  if (errand === undefined) return status.req !== undefined && status.req > 0
  const { code = 0, detail } = status
  endErrand(turn, errand, { code, ...(detail === undefined ? {} : { detail }), image: imageReportOf(status) })
  return true
}

/** The board refuses the frame of a request. */
export const refuseErrand = (turn: Turn, req: number, code: number, detail: string | undefined): void => {
  const errand = turn.state.work.errands.get(req)
  if (errand !== undefined) endErrand(turn, errand, { code, ...(detail === undefined ? {} : { detail }) })
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"))

const frameOf = ({ req, request, xfer }: Errand): FrameToBoard => {
  switch (request._tag) {
    case "ImageOp": {
      const { act, generation, reason } = request
      return {
        type: "image-op",
        op: imageOps[act],
        ...(xfer === undefined ? {} : { xfer }),
        ...(generation === undefined ? {} : { generation }),
        ...(reason === undefined ? {} : { reason }),
        req
      }
    }
    case "ProgramControl": {
      const { program, act, graceMillis } = request
      return {
        type: "program-ctl",
        req,
        op: programOps[act],
        program,
        ...(graceMillis === undefined ? {} : { grace: graceMillis })
      }
    }
    case "ProgramDescribe":
      return { type: "program-ctl", req, op: programOps.describe, program: request.program }
    case "ValueGet":
      return {
        type: "value-get",
        req,
        program: request.program,
        ...(request.ids === undefined ? {} : { ids: request.ids })
      }
    case "ValueSet": {
      const { program, id, value, level } = request
      return { type: "value-set", req, program, id, value, ...(level === undefined ? {} : { level }) }
    }
    case "ValueWatch": {
      const { program, id, on, epsilon, rateMillis } = request
      return {
        type: "value-watch",
        req,
        program,
        id,
        on,
        ...(epsilon === undefined ? {} : { epsilon }),
        ...(rateMillis === undefined ? {} : { rate: rateMillis })
      }
    }
    case "MailSend": {
      const { program, target, data, channel } = request
      return {
        type: "mail-send",
        req,
        program,
        target,
        data: bytesOf(data),
        ...(channel === undefined ? {} : { channel })
      }
    }
    case "MailTap": {
      const { program, target, on, ratePerSecond } = request
      return {
        type: "mail-tap",
        req,
        program,
        target,
        on,
        ...(ratePerSecond === undefined ? {} : { rate: ratePerSecond })
      }
    }
  }
}

/** Sends the oldest requests, as many as the board takes at a time, and repeats those it has not answered. */
export const sendErrands = (turn: Turn, board: Board): void => {
  const { errands } = turn.state.work
  if (errands.size === 0) {
    if (turn.resident.errandRepeats.size > 0) turn.resident = { ...turn.resident, errandRepeats: noErrandRepeats }
    return
  }
  const { now } = turn
  const repeats = new Map<number, Repeat>()
  for (const errand of [...errands.values()].slice(0, board.requests)) {
    const known = turn.resident.errandRepeats.get(errand.req)
    if (known !== undefined && known.at > now) {
      repeats.set(errand.req, known)
      continue
    }
    send(turn, frameOf(errand))
    repeats.set(errand.req, known === undefined ? firstRepeat(board, now) : nextRepeat(known, pace(board).most, now))
  }
  turn.resident = { ...turn.resident, errandRepeats: repeats }
}
