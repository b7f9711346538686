/**
 * The session actor: brings one image to one board. It never touches a chunk: the device sends them and tells how far it is, so
 * a killed node costs the session nothing but time.
 */

import type { BoardRequest } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { InvalidTransition } from "../../protocol/Errors.ts"
import { imageFlags, imageStates } from "../../protocol/Frame.ts"
import { imageKindOf } from "../../protocol/image/ImageKind.ts"
import { type Installed, Session, type SessionRecord, type SessionView } from "../../protocol/Session.ts"
import * as Behaviour from "../Behaviour.ts"
import { fact, failure, progressed } from "./Facts.ts"
import { isImageFound, sessionReads } from "./Reads.ts"
import { next } from "./States.ts"

const stallMillisDefault = 60_000
const totalMillisDefault = 1_800_000
/** How long a board may take to check an image, or to write it. */
const boardMillis = 60_000
/** How long a trial may take until the board keeps the image or goes back. */
const trialMillis = 600_000
/** An end that could not release its image tries again after this. */
const releaseMillis = 60_000

type Context = Behaviour.TransitionContext<undefined>
type Outcome = Behaviour.Outcome<SessionRecord, undefined, never, never>

const initial: SessionRecord = {
  device: "",
  sha256: "",
  state: "idle",
  options: {
    autostart: true,
    persist: true,
    replace: true,
    stallMillis: stallMillisDefault,
    totalMillis: totalMillisDefault
  },
  kind: 0,
  isSigned: false,
  bytes: 0,
  total: 0,
  startedAt: 0,
  movedAt: 0,
  shown: 0,
  shownAt: 0,
  coalesced: 0,
  holdsImage: false
}

const viewOf = (record: SessionRecord, id: string): SessionView => {
  const { device, sha256, state, installed, name, version, options, bytes, total, startedAt, endedAt, code, detail } =
    record
  return {
    id,
    device: device as SessionView["device"],
    sha256,
    state,
    ...(installed === undefined ? {} : { installed }),
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(options.instance === undefined ? {} : { instance: options.instance }),
    bytes,
    total,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail })
  }
}

const toDevice = ({ device }: SessionRecord, message: string, payload: unknown): Behaviour.Tell => ({
  to: { kind: "device", id: device },
  message,
  payload
})

/** A board that may be away for long while it takes the image may be so afterwards too. */
const ask = (record: SessionRecord, { self }: Context, key: string, request: BoardRequest): Behaviour.Tell =>
  toDevice(record, "AskBoard", {
    asker: self,
    key,
    request,
    lifeMillis: Math.max(boardMillis, record.options.stallMillis)
  })

const flagsOf = ({ options }: SessionRecord): number =>
  (options.autostart ? imageFlags.autostart : 0) |
  (options.persist ? imageFlags.persist | imageFlags.keepOld : 0) |
  (options.replace ? imageFlags.replace : 0)

/** The longest that a session can need its board, ms: the transfer, then the check, the installation and the trial. */
const lifeOf = ({ options: { totalMillis, stallMillis } }: SessionRecord): number =>
  totalMillis + 3 * Math.max(boardMillis, stallMillis) + trialMillis + boardMillis

const describe = (record: SessionRecord, { self }: Context): Behaviour.EffectOrder => ({
  name: "describe",
  id: record.sha256,
  input: { sha256: record.sha256, user: `session/${self.id}` }
})

const release = (record: SessionRecord, { self }: Context): Behaviour.EffectOrder => ({
  name: "release",
  id: record.sha256,
  input: { sha256: record.sha256, user: `session/${self.id}` }
})

const outcomeOf = (record: SessionRecord, session: string) => {
  const { device, state, installed, bytes, options, name, code, detail } = record
  const program = options.instance ?? name
  return {
    session,
    device,
    state,
    ...(installed === undefined ? {} : { installed }),
    bytes,
    ...(program === undefined ? {} : { program }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail })
  }
}

/** The session is over; the device is told, and the image may go from the store. */
const end = (
  record: SessionRecord,
  context: Context,
  events: ReadonlyArray<Behaviour.Emitted>,
  abort?: number
): Outcome => {
  const ended = { ...record, endedAt: context.now }
  const close = { session: context.self.id, ...(abort === undefined ? {} : { abort }) }
  const tells = [toDevice(ended, "CloseTransfer", close)]
  if (ended.observer !== undefined)
    tells.push({ to: ended.observer, message: "SessionEnded", payload: outcomeOf(ended, context.self.id) })
  return {
    state: ended,
    events,
    tells,
    effects: [release(ended, context)]
  }
}

type Where = Parameters<typeof failure>[1]

const fail = (record: SessionRecord, context: Context, where: Where, code: number, detail: string): Outcome => {
  const state = next(record.state, "fail")
  if (state === undefined) return {}
  const failed: SessionRecord = { ...record, state, code, detail }
  const isTimeout = code === codes.ETIMEDOUT
  const events = [failure(failed, where, code, detail)]
  if (isTimeout)
    events.push(
      fact(failed, "provisioning.aborted", "abort", { reason: "timeout", bytes_written: failed.bytes }, "warn")
    )
  return end(failed, context, events, isTimeout ? 1 : 2)
}

/** Where a failure belongs while the image is on its way. */
const whereOf = ({ state, bytes }: SessionRecord): Where =>
  state === "verify" ? "verify" : bytes === 0 ? "begin" : "write"

const described = (record: SessionRecord, outcome: unknown, context: Context): Outcome => {
  if (record.state !== "loading" || record.total > 0) return {}
  if (!isImageFound(outcome)) {
    const isMissing = outcome === "missing"
    return fail(
      record,
      context,
      "begin",
      isMissing ? codes.ENOENT : codes.EIO,
      isMissing ? "there is no such image; push it first" : "the store of images does not answer"
    )
  }
  const { name, version, kind, size, isSigned } = outcome
  const found: SessionRecord = {
    ...record,
    name,
    version,
    kind,
    isSigned,
    total: size,
    movedAt: context.now,
    shownAt: context.now,
    holdsImage: true
  }
  const { instance } = found.options
  const label = name
  return {
    state: found,
    events: [
      fact(found, "provisioning.started", "begin", {
        mode: "streaming",
        label,
        total_bytes: size,
        sha256: found.sha256
      })
    ],
    tells: [
      toDevice(found, "OpenTransfer", {
        session: context.self.id,
        sha256: found.sha256,
        size,
        kind: imageKindOf(kind),
        flags: flagsOf(found),
        lifeMillis: lifeOf(found),
        ...(instance === undefined ? {} : { instance })
      })
    ]
  }
}

const verified = (record: SessionRecord, context: Context): Outcome => {
  const state = next(record.state, "verified")
  if (state === undefined) return {}
  const ready: SessionRecord = { ...record, state, installed: "staged", movedAt: context.now }
  return {
    state: ready,
    events: [
      fact(ready, "provisioning.complete", "complete", {
        ready: true,
        app_instance: ready.options.instance ?? ready.name ?? "",
        bytes_written: ready.bytes,
        duration_ms: context.now - ready.startedAt,
        signed: ready.isSigned
      })
    ],
    tells: [ask(ready, context, "commit", { _tag: "ImageOp", act: "commit" })]
  }
}

const isEnd = (installed: Installed): boolean => installed !== "staged" && installed !== "trial"

const installedOf = (state: number): Installed | undefined => {
  const name = imageStates[state]
  return name === "staged" || name === "committed" || name === "trial" || name === "confirmed" || name === "rolled-back"
    ? name
    : undefined
}

/** What the board says became of an image that it holds verified. */
const installedAs = (
  record: SessionRecord,
  context: Context,
  report: {
    readonly state: number
    readonly code?: number
    readonly detail?: string
    readonly generation?: number
  }
): Outcome => {
  const installed = installedOf(report.state)
  if (record.state !== "ready" || record.endedAt !== undefined || installed === undefined) return {}
  if (installed === record.installed) return {}
  const { code, detail, generation } = report
  const isBack = installed === "rolled-back"
  const changed: SessionRecord = {
    ...record,
    installed,
    movedAt: context.now,
    ...(isBack && code !== undefined ? { code } : {}),
    ...(isBack ? { detail: detail ?? "the board went back to the image before" } : {})
  }
  const numbered = generation === undefined ? {} : { generation }
  const events: Array<Behaviour.Emitted> = []
  if (record.installed === "staged" && record.options.persist && !isBack)
    events.push(fact(changed, "provisioning.persisted", "persist", { ...numbered, bytes: changed.total }))
  if (isBack)
    events.push(
      fact(
        changed,
        "provisioning.rollback",
        "rollback",
        { reason: "boot_failure", ...(generation === undefined ? {} : { to_generation: generation }) },
        "error"
      )
    )
  return isEnd(installed) ? end(changed, context, events) : { state: changed, events }
}

const answered = (
  record: SessionRecord,
  {
    key,
    code,
    detail,
    image
  }: { readonly key: string; readonly code: number; readonly detail?: string } & {
    readonly image?: { readonly state: number; readonly code?: number; readonly generation?: number }
  },
  context: Context
): Outcome => {
  if (key === "verify") {
    if (record.state !== "verify") return {}
    const isReady = code === 0 && image !== undefined && imageStates[image.state] !== "failed"
    return isReady
      ? verified(record, context)
      : fail(record, context, "verify", code === 0 ? codes.EBADMSG : code, detail ?? "the board refuses the image")
  }
  if (key !== "commit" || record.state !== "ready" || record.endedAt !== undefined) return {}
  if (code === 0 && image !== undefined && installedOf(image.state) !== undefined)
    return installedAs(record, context, image)
  const text = detail ?? "the board could not install the image"
  const failed: SessionRecord = { ...record, code: code === 0 ? codes.EIO : code, detail: text }
  return end(failed, context, [failure(failed, "persist", failed.code ?? codes.EIO, text)], 2)
}

const dueAt = (record: SessionRecord): number | undefined => {
  const { state, startedAt, movedAt, endedAt, options, holdsImage } = record
  if (endedAt !== undefined) return holdsImage ? endedAt + releaseMillis : undefined
  switch (state) {
    case "loading":
      return Math.min(movedAt + options.stallMillis, startedAt + options.totalMillis)
    case "verify":
      return startedAt + options.totalMillis
    case "ready":
      return movedAt + Math.max(trialMillis, options.stallMillis)
    default:
      return undefined
  }
}

const timeout = (record: SessionRecord, context: Context): Outcome => {
  const { now } = context
  if (record.endedAt !== undefined) return record.holdsImage ? { effects: [release(record, context)] } : {}
  const due = dueAt(record)
  if (due !== undefined && due <= now) {
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
  return record.state === "loading" && record.total === 0 ? { effects: [describe(record, context)] } : {}
}

/** The behaviour of sessions. */
export const session: Behaviour.AnyBehaviour = Behaviour.make<Session>(Session, {
  initial: () => initial,
  dueAt,
  timeout,
  effects: sessionReads,
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
    if (state === undefined) return Behaviour.refuse(new InvalidTransition({ from: record.state, event: "Abort" }))
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

  TransferEnded: (record, { code, detail }, context) => {
    if (record.state !== "loading") return {}
    if (code !== 0) return fail(record, context, whereOf(record), code, detail ?? "the board refuses the image")
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
