/** What other actors ask of a board through its device, and how its answer comes back to them. */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))

/** Name of a program on its board. */
export const ProgramName = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(31))
/** SHA-256 of an image: 64 lower-case hexadecimal digits. */
export const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
/** Number (group × 256 + id) or name of a program's value. */
export const ValueId = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
])
/** What a program's value holds. */
export const ProgramValue = Schema.Union([Schema.Finite, Schema.String.check(Schema.isMaxLength(64))])
/** Authorisation level of who sets a value: 0 public, 1 user, 2 admin, 3 factory. */
export const Level = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
/** Name of a mailbox. */
export const MailTarget = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(32))
/** Bytes of a message of a mailbox, in base64. */
export const MailBytes = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]*={0,2}$/), Schema.isMaxLength(8192))

/** Actor that is told the answer. */
export const ActorAddress = Schema.Struct({ kind: Schema.String, id: Schema.String })
export type ActorAddress = typeof ActorAddress.Type

/** What can be done with an image that a board holds whole. */
export const ImageAct = Schema.Literals(["verify", "commit", "confirm", "rollback", "abort", "status", "slots"])
export type ImageAct = typeof ImageAct.Type

/** What can be done with a program. */
export const ProgramAct = Schema.Literals(["start", "stop", "pause", "resume", "kill", "restart", "remove"])
export type ProgramAct = typeof ProgramAct.Type

/** A request that a board answers. */
export const BoardRequest = Schema.Union([
  Schema.TaggedStruct("ImageOp", {
    act: ImageAct,
    generation: Schema.optionalKey(u32),
    /** For an abort: 0 user, 1 timeout, 2 error, 3 transport. */
    reason: Schema.optionalKey(count)
  }),
  Schema.TaggedStruct("ProgramControl", {
    program: ProgramName,
    act: ProgramAct,
    graceMillis: Schema.optionalKey(count)
  }),
  Schema.TaggedStruct("ProgramDescribe", { program: ProgramName }),
  Schema.TaggedStruct("ValueGet", { program: ProgramName, ids: Schema.optionalKey(Schema.Array(ValueId)) }),
  Schema.TaggedStruct("ValueSet", {
    program: ProgramName,
    id: ValueId,
    value: ProgramValue,
    level: Schema.optionalKey(Level)
  }),
  Schema.TaggedStruct("ValueWatch", {
    program: ProgramName,
    id: ValueId,
    on: Schema.Boolean,
    epsilon: Schema.optionalKey(Schema.Finite),
    rateMillis: Schema.optionalKey(count)
  }),
  Schema.TaggedStruct("MailSend", {
    program: ProgramName,
    target: MailTarget,
    data: MailBytes,
    channel: Schema.optionalKey(count)
  }),
  Schema.TaggedStruct("MailTap", {
    program: ProgramName,
    target: MailTarget,
    on: Schema.Boolean,
    ratePerSecond: Schema.optionalKey(count)
  })
])
export type BoardRequest = typeof BoardRequest.Type

/** State of a transfer or of the slots, as a board tells it. */
export const ImageReport = Schema.Struct({
  /** A number of `imageStates`. */
  state: count,
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String),
  generation: Schema.optionalKey(u32),
  sha256: Schema.optionalKey(Sha256)
})
export type ImageReport = typeof ImageReport.Type

/** The end of a request. */
export const BoardAnswer = Schema.Struct({
  /** As the asker named its request. */
  key: Schema.String,
  /** 0 is done, else a number of `codes`; 110 when the board did not answer in time. */
  code: count,
  value: Schema.optionalKey(Schema.Json),
  detail: Schema.optionalKey(Schema.String),
  image: Schema.optionalKey(ImageReport)
})
export type BoardAnswer = typeof BoardAnswer.Type

/** The message by which an asker hears whether a program was well. */
export const Observed = Contract.idempotent({
  payload: {
    key: Schema.String,
    device: Schema.String,
    /** 0 is well, else a number of `codes`. */
    code: count,
    detail: Schema.optionalKey(Schema.String)
  },
  creates: false,
  about: "a program was well for the time asked, or was not"
})

/** The message by which an asker hears of it. */
export const BoardAnswered = Contract.idempotent({
  payload: BoardAnswer.fields,
  creates: false,
  about: "the board has answered a request, or will not"
})
