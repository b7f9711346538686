/** How a session ends: its device and its observer are told, and its image may go from the store. */
import { codes } from "../../protocol/Codes.ts"
import type { FailedImage } from "../../protocol/FailedImage.ts"
import type { SessionRecord } from "../../protocol/Session.ts"
import type * as Behaviour from "../Behaviour.ts"
import { fact, failure } from "./Facts.ts"
import { type Context, type Outcome, release, toDevice } from "./Orders.ts"
import { outcomeOf } from "./Record.ts"
import { next } from "./States.ts"

/** The image as the board failed it: taken back though nobody asked for that, or on trial of which nobody knows the end. */
const judged = ({ sha256, installed, code = codes.EIO, detail, lostAt }: SessionRecord): Judged | undefined => {
  const isUnknown = installed === "trial" && lostAt === undefined
  const isFailed = code !== codes.ok && (installed === "rolled-back" || isUnknown)
  return isFailed ? { sha256, code, ...(detail === undefined ? {} : { detail }) } : undefined
}

type Judged = Pick<FailedImage, "sha256" | "code" | "detail">

/** The session is over; the device is told, and the image may go from the store. */
export const end = (
  record: SessionRecord,
  context: Context,
  events: ReadonlyArray<Behaviour.Emitted>,
  abort?: number
): Outcome => {
  const ended = { ...record, endedAt: context.now }
  const failed = judged(ended)
  const close = {
    session: context.self.id,
    ...(abort === undefined ? {} : { abort }),
    ...(failed === undefined ? {} : { failed })
  }
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

/** Where a session failed. */
export type Where = Parameters<typeof failure>[1]

/** The session has failed before the image was installed. */
export const fail = (record: SessionRecord, context: Context, where: Where, code: number, detail: string): Outcome => {
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
export const whereOf = ({ state, bytes }: SessionRecord): Where =>
  state === "verify" ? "verify" : bytes === 0 ? "begin" : "write"
