/** What the board says became of an image that it holds verified: written, on trial, kept, or gone again. */
import { imageStates } from "../../protocol/frame/ImageFrames.ts"
import type { Installed, SessionRecord } from "../../protocol/Session.ts"
import type * as Behaviour from "../Behaviour.ts"
import { end } from "./Ends.ts"
import { fact } from "./Facts.ts"
import type { Context, Outcome } from "./Orders.ts"

const isEnd = (installed: Installed): boolean => installed !== "staged" && installed !== "trial"

/** What a number of the link says of an image; `undefined` for one that is not installed. */
export const installedOf = (state: number): Installed | undefined => {
  const name = imageStates[state]
  return name === "staged" || name === "committed" || name === "trial" || name === "confirmed" || name === "rolled-back"
    ? name
    : undefined
}

/**
 * What the board says became of an image that it holds verified. One that was restarted may say that it does not know the
 * image and then, a moment later, that it does.
 */
export const installedAs = (
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
  if (record.state !== "ready" || record.endedAt !== undefined) return {}
  if (imageStates[report.state] === "idle")
    return record.lostAt === undefined ? { state: { ...record, lostAt: context.now } } : {}
  const { lostAt, ...kept } = record
  if (installed === undefined || installed === record.installed) return lostAt === undefined ? {} : { state: kept }
  const { code, detail, generation } = report
  const isBack = installed === "rolled-back"
  const changed: SessionRecord = {
    ...kept,
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
