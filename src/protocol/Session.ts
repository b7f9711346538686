/** A provisioning session: one image on its way to one board. Its id is its own. Times are ms since 1970. */
import { Schema } from "effect"
import { ActorAddress, BoardAnswered, ImageReport, ProgramName, Sha256 } from "./BoardRequest.ts"
import * as Contract from "./Contract.ts"
import { HolonError } from "./Errors.ts"
import { FailedImage } from "./FailedImage.ts"
import { DeviceId } from "./Ids.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** `idle` before it begins and after an abort; `ready` and `failed` are ends. */
export const SessionState = Schema.Literals(["idle", "loading", "verify", "ready", "failed", "aborting"])
export type SessionState = typeof SessionState.Type

/** What became of an image that a board holds verified: kept in memory only, written, on trial, kept, or gone again. */
export const Installed = Schema.Literals(["staged", "committed", "trial", "confirmed", "rolled-back"])
export type Installed = typeof Installed.Type

/** What the session asks of the board with the image. */
export const SessionOptions = {
  /** Name of the program on the board; absent is the image's own. */
  instance: Schema.optionalKey(ProgramName),
  /** Starts the program when the image is ready. */
  autostart: Schema.Boolean,
  /** Keeps the image over a restart of the board. */
  persist: Schema.Boolean,
  /** Replaces a running program of the same name. */
  replace: Schema.Boolean,
  /** Sends an image that the board failed before. */
  again: Schema.optionalKey(Schema.Boolean),
  /** Longest time without progress while the board is to receive, and longest of all. */
  stallMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 3_600_000 })),
  totalMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 86_400_000 }))
}

/** A session as people see it. */
export const SessionView = Schema.Struct({
  id: Schema.String,
  device: DeviceId,
  sha256: Sha256,
  state: SessionState,
  installed: Schema.optionalKey(Installed),
  /** Name and version of the image, once read. */
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  /** Name of the program on the board. */
  instance: Schema.optionalKey(Schema.String),
  /** Bytes that the board holds, and of the whole. */
  bytes: count,
  total: count,
  startedAt: instant,
  endedAt: Schema.optionalKey(instant),
  /** Why it failed: a number of `codes`. */
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String),
  /** Nothing was sent: the board failed this image before. */
  failedBefore: Schema.optionalKey(FailedImage)
})
export type SessionView = typeof SessionView.Type

/** The message by which an observer hears of the end. */
export const SessionEnded = Contract.idempotent({
  payload: {
    session: Schema.String,
    device: Schema.String,
    state: SessionState,
    installed: Schema.optionalKey(Installed),
    /** Bytes that the board took. */
    bytes: count,
    /** Name of the program on the board, when it is known. */
    program: Schema.optionalKey(Schema.String),
    code: Schema.optionalKey(count),
    detail: Schema.optionalKey(Schema.String),
    /** The image was not tried, and may be taken later: the board was busy, or was restarted in between. */
    isTransient: Schema.optionalKey(Schema.Boolean),
    /** Nothing was sent: the board failed this image before. */
    failedBefore: Schema.optionalKey(FailedImage)
  },
  creates: false,
  about: "a session that was begun for this actor has ended"
})

/** What rests of a session. */
export const SessionRecord = Schema.Struct({
  device: Schema.String,
  sha256: Schema.String,
  state: SessionState,
  installed: Schema.optionalKey(Installed),
  options: Schema.Struct(SessionOptions),
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  kind: count,
  isSigned: Schema.Boolean,
  bytes: count,
  total: count,
  startedAt: instant,
  endedAt: Schema.optionalKey(instant),
  /** Last sign of progress. */
  movedAt: instant,
  /** Progress that was last put on the event stream. */
  shown: count,
  shownAt: instant,
  coalesced: count,
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String),
  failedBefore: Schema.optionalKey(FailedImage),
  /** When the board said that it holds the image no longer. */
  lostAt: Schema.optionalKey(instant),
  /** Who is told how it ended. */
  observer: Schema.optionalKey(ActorAddress),
  /** The image is noted as used by this session. */
  holdsImage: Schema.Boolean
})
export type SessionRecord = typeof SessionRecord.Type

/** Every field that the events of a session have in common. */
const common = {
  device: Schema.String,
  phase: Schema.String,
  source: Schema.String,
  app_name: Schema.NullOr(Schema.String)
}

/** The session: kind of the actor that brings an image to a board. */
export const Session = Contract.make("session", {
  about: "brings one image to one board and says what became of it",
  state: SessionRecord,
  messages: {
    Provision: Contract.once({
      payload: {
        device: DeviceId,
        sha256: Sha256,
        instance: Schema.optionalKey(ProgramName),
        autostart: Schema.optionalKey(Schema.Boolean),
        persist: Schema.optionalKey(Schema.Boolean),
        replace: Schema.optionalKey(Schema.Boolean),
        /** Sends the image though the board failed it before. */
        again: SessionOptions.again,
        stallMillis: Schema.optionalKey(SessionOptions.stallMillis),
        totalMillis: Schema.optionalKey(SessionOptions.totalMillis),
        /** An actor that is told how it ended, as a rollout. */
        observer: Schema.optionalKey(ActorAddress)
      },
      success: SessionView,
      error: HolonError,
      audience: "operator",
      capability: "session.provision",
      creates: true,
      about: "brings an image to a board; answers at once, Watch tells how it goes on"
    }),
    GetSession: Contract.query({
      success: SessionView,
      audience: "operator",
      capability: "session.read",
      about: "how far the session is"
    }),
    Watch: Contract.watch({
      success: SessionView,
      audience: "operator",
      capability: "session.read",
      about: "how far the session is, again whenever that changes"
    }),
    Abort: Contract.idempotent({
      payload: { reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) },
      success: SessionView,
      error: HolonError,
      audience: "operator",
      capability: "session.provision",
      creates: false,
      about: "ends a session whose image is not installed yet"
    }),
    TransferMoved: Contract.idempotent({
      payload: { bytes: count },
      creates: false,
      about: "the board holds so many bytes of the image"
    }),
    TransferEnded: Contract.idempotent({
      payload: {
        code: count,
        detail: Schema.optionalKey(Schema.String),
        failedBefore: Schema.optionalKey(FailedImage)
      },
      creates: false,
      about: "the board holds the whole image (code 0), or will not"
    }),
    ImageReported: Contract.idempotent({
      payload: ImageReport.fields,
      creates: false,
      about: "the board tells unasked what became of its image"
    }),
    BoardAnswered
  },
  events: {
    "provisioning.started": Schema.Struct({
      ...common,
      mode: Schema.Literal("streaming"),
      label: Schema.NullOr(Schema.String),
      total_bytes: Schema.NullOr(count),
      sha256: Schema.String
    }),
    "provisioning.progress": Schema.Struct({
      ...common,
      bytes_written: count,
      total_bytes: count,
      percent: count,
      rate_bps: count,
      coalesced: count
    }),
    "provisioning.complete": Schema.Struct({
      ...common,
      ready: Schema.Literal(true),
      app_instance: Schema.String,
      bytes_written: count,
      duration_ms: Schema.Finite,
      signed: Schema.Boolean
    }),
    "provisioning.error": Schema.Struct({
      ...common,
      where: Schema.Literals(["begin", "write", "verify", "persist", "boot"]),
      code: Schema.String,
      errno: count,
      detail: Schema.String,
      bytes_written: count
    }),
    "provisioning.aborted": Schema.Struct({ ...common, reason: Schema.String, bytes_written: count }),
    "provisioning.persisted": Schema.Struct({ ...common, generation: Schema.optionalKey(count), bytes: count }),
    "provisioning.rollback": Schema.Struct({
      ...common,
      reason: Schema.String,
      to_generation: Schema.optionalKey(count)
    })
  },
  audited: {
    "provisioning.started": "change",
    "provisioning.complete": "change",
    "provisioning.error": "change",
    "provisioning.aborted": "change",
    "provisioning.persisted": "change",
    "provisioning.rollback": "change"
  }
})
export type Session = typeof Session
