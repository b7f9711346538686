/** The course of a session: what it does when the image is described, held whole, checked, installed, on trial. */
import { codes } from "../../protocol/Codes.ts"
import { imageStates } from "../../protocol/frame/ImageFrames.ts"
import type { Session, SessionRecord } from "../../protocol/Session.ts"
import { end, fail } from "./Ends.ts"
import { fact, failure } from "./Facts.ts"
import { installedAs, installedOf } from "./Installing.ts"
import { ask, type Context, type Outcome, ship } from "./Orders.ts"
import { isImageFound } from "./Reads.ts"
import { next } from "./States.ts"

/** The store has said what it knows of the image. */
export const described = (record: SessionRecord, outcome: unknown, context: Context): Outcome => {
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
  const data = { mode: "streaming", label: name, total_bytes: size, sha256: found.sha256 } as const
  return {
    state: found,
    events: [fact(found, "provisioning.started", "begin", data)],
    tells: [ship(found, context)]
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

/** A board that was restarted before it installed the image holds it no longer, unless it keeps what it was sent. */
const lostSentence = "the board was restarted before it had installed the image, and no longer holds it; send it again"
const lostOnTrialSentence =
  "the board was restarted while the image was on trial and no longer has it; nobody heard it go back, so send it again or look at the board"
/** What a restarted board has it says by itself, but maybe after what it has not: it is waited for so long, ms. */
const wordMillis = 5000

type Answer = (typeof Session)["messages"]["BoardAnswered"]["payload"]["Type"]

/** The board has answered what the session asked, or will not. */
export const answered = (record: SessionRecord, answer: Answer, context: Context): Outcome => {
  if (answer.key === "verify") return checked(record, answer, context)
  if (answer.key !== "commit" || record.state !== "ready" || record.endedAt !== undefined) return {}
  const { code, detail, image } = answer
  if (code === 0 && image !== undefined && installedOf(image.state) !== undefined)
    return installedAs(record, context, image)
  if (code === codes.ESRCH) return record.installed === "staged" ? { state: { ...record, lostAt: context.now } } : {}
  return endUninstalled(
    record,
    context,
    code === 0 ? codes.EIO : code,
    detail ?? "the board could not install the image"
  )
}

const checked = (record: SessionRecord, { code, detail, image }: Answer, context: Context): Outcome => {
  if (record.state !== "verify") return {}
  if (code === 0 && image !== undefined && imageStates[image.state] !== "failed") return verified(record, context)
  if (code === codes.ESRCH) return fail({ ...record, lostAt: context.now }, context, "verify", code, lostSentence)
  return fail(record, context, "verify", code === 0 ? codes.EBADMSG : code, detail ?? "the board refuses the image")
}

const endUninstalled = (record: SessionRecord, context: Context, code: number, detail: string): Outcome => {
  const failed: SessionRecord = { ...record, code, detail }
  return end(failed, context, [failure(failed, "persist", code, detail)], 2)
}

/** When it is clear that a restarted board has lost the image; infinite while it is not away. */
export const lossDue = ({ lostAt }: SessionRecord): number => (lostAt === undefined ? Infinity : lostAt + wordMillis)

/** The board has lost the image. One on trial is not held against it: nobody knows that the board took it back. */
export const endLost = (record: SessionRecord, context: Context): Outcome => {
  if (record.installed !== "trial") return endUninstalled(record, context, codes.ESRCH, lostSentence)
  const lost: SessionRecord = { ...record, code: codes.ESRCH, detail: lostOnTrialSentence }
  return end(lost, context, [failure(lost, "boot", codes.ESRCH, lostOnTrialSentence)])
}
