/**
 * The session actor: brings one image to one board. It never touches a chunk: the device sends them and tells how far it is, so
 * a killed node costs the session nothing but time.
 */
import { codes } from "../../protocol/Codes.ts"
import { InvalidTransition } from "../../protocol/Errors.ts"
import { imageStates } from "../../protocol/frame/ImageFrames.ts"
import { Session, type SessionRecord } from "../../protocol/Session.ts"
import * as Behaviour from "../Behaviour.ts"
import { answered, described, endLost, lossDue } from "./Course.ts"
import { end, fail, whereOf } from "./Ends.ts"
import { fact, failure, progressed } from "./Facts.ts"
import { installedAs } from "./Installing.ts"
import { ask, type Context, describe, type Outcome, release, trialMillis } from "./Orders.ts"
import { sessionReads } from "./Reads.ts"
import { initial, viewOf } from "./Record.ts"
import { next } from "./States.ts"

/** An end that could not release its image tries again after this. */
const releaseMillis = 60_000

const dueAt = (record: SessionRecord): number | undefined => {
  const { state, startedAt, movedAt, endedAt, options, holdsImage } = record
  if (endedAt !== undefined) return holdsImage ? endedAt + releaseMillis : undefined
  switch (state) {
    case "loading":
      return Math.min(movedAt + options.stallMillis, startedAt + options.totalMillis)
    case "verify":
      return startedAt + options.totalMillis
    case "ready":
      return Math.min(movedAt + Math.max(trialMillis, options.stallMillis), lossDue(record))
    default:
      return undefined
  }
}

/** What its image is has been asked of the store and not been answered. */
const isDescribing = ({ state, total }: SessionRecord): boolean => state === "loading" && total === 0

const timeout = (record: SessionRecord, context: Context): Outcome => {
  const { now } = context
  if (record.endedAt !== undefined) return record.holdsImage ? { effects: [release(record, context)] } : {}
  const due = dueAt(record)
  if (due !== undefined && due <= now) {
    if (lossDue(record) <= now) return endLost(record, context)
    if (record.state === "ready") {
      const detail = "the board has not said how the trial ended"
      const unknown = { ...record, code: codes.ETIMEDOUT, detail }
      return end(unknown, context, [failure(unknown, "boot", codes.ETIMEDOUT, detail)])
    }
    const isStall = record.state === "loading" && now < record.startedAt + record.options.totalMillis
    const detail = isStall ? "the board took nothing for too long" : "the session took too long"
    return fail(record, context, whereOf(record), codes.ETIMEDOUT, detail)
  }
  // Begun again after a move: the image is described twice at most.
  return isDescribing(record) ? { effects: [describe(record, context)] } : {}
}

/** Why a session is not aborted any more. */
const tooLate = ({ endedAt, device, options, name }: SessionRecord): string =>
  endedAt === undefined
    ? `the image is installed; stop the program instead: holon program stop ${device} ${options.instance ?? name ?? "NAME"}`
    : "the session is over"

/** The behaviour of sessions. */
export const session: Behaviour.AnyBehaviour = Behaviour.make<Session>(Session, {
  initial: () => initial,
  dueAt,
  timeout,
  effects: sessionReads,
  // The node that asked the store may have died with the answer; nothing else would wake the session before it is late.
  atTakeover: isDescribing,
  completed: (record, { name, outcome }, context) => {
    if (name === "release") return outcome === "released" ? { state: { ...record, holdsImage: false } } : {}
    return described(record, outcome, context)
  },

  // Whatever the device does not take, there is no board for this image.
  undelivered: (record, { to, message, cause }, context) => {
    if (to.kind !== "device" || message === "CloseTransfer" || record.endedAt !== undefined) return {}
    if (record.state !== "ready") return fail(record, context, whereOf(record), codes.ESRCH, cause)
    const failed: SessionRecord = { ...record, code: codes.ESRCH, detail: cause }
    return end(failed, context, [failure(failed, "persist", codes.ESRCH, cause)])
  },

  Provision: (record, { device, sha256, observer, ...asked }, context) => {
    const state = record.device === "" ? next(record.state, "begin") : undefined
    if (state === undefined) return Behaviour.refuse(new InvalidTransition({ from: record.state, event: "Provision" }))
    const { now, self } = context
    const begun: SessionRecord = {
      ...record,
      device,
      sha256,
      state,
      options: { ...record.options, ...asked },
      ...(observer === undefined ? {} : { observer }),
      startedAt: now,
      movedAt: now,
      shownAt: now,
      // Until the store has said otherwise: a note that may be there is taken back at the end.
      holdsImage: true
    }
    return { state: begun, reply: viewOf(begun, self.id), effects: [describe(begun, context)] }
  },

  GetSession: (record, _payload, { self }) => ({ reply: viewOf(record, self.id) }),
  Watch: (record, _payload, { self }) => ({ reply: viewOf(record, self.id) }),

  Abort: (record, { reason }, context) => {
    const { self } = context
    const aborting = next(record.state, "abort")
    const state = aborting === undefined ? undefined : next(aborting, "cleaned")
    if (state === undefined)
      return Behaviour.refuse(new InvalidTransition({ from: record.state, event: "Abort", reason: tooLate(record) }))
    const aborted: SessionRecord = { ...record, state, code: codes.ECANCELED, detail: reason ?? "aborted" }
    const event = fact(
      aborted,
      "provisioning.aborted",
      "abort",
      { reason: "user", bytes_written: aborted.bytes },
      "warn"
    )
    const outcome = end(aborted, context, [event], 0)
    return { ...outcome, reply: viewOf(outcome.state ?? aborted, self.id) }
  },

  TransferMoved: (record, { bytes }, { now }) => {
    // Fewer than before: the board was restarted and begins anew. That is a movement too.
    if (record.state !== "loading" || bytes === record.bytes) return {}
    const moved = progressed({ ...record, bytes, movedAt: now }, now)
    return { state: moved.record, events: moved.events }
  },

  TransferEnded: (record, { code, detail, failedBefore }, context) => {
    if (record.state !== "loading") return {}
    if (code !== 0) {
      const refused: SessionRecord = failedBefore === undefined ? record : { ...record, failedBefore }
      return fail(refused, context, whereOf(record), code, detail ?? "the board refuses the image")
    }
    const state = next(record.state, "whole")
    if (state === undefined) return {}
    const { record: whole, events } = progressed(
      { ...record, state, bytes: record.total, movedAt: context.now },
      context.now
    )
    return { state: whole, events, tells: [ask(whole, context, "verify", { _tag: "ImageOp", act: "verify" })] }
  },

  ImageReported: (record, report, context) => {
    if (imageStates[report.state] === "failed")
      return fail(
        record,
        context,
        whereOf(record),
        report.code ?? codes.EBADMSG,
        report.detail ?? "the board refuses the image"
      )
    return installedAs(record, context, report)
  },

  BoardAnswered: answered
})
