/**
 * What a board tells unasked of images, for the session whose image it has. A board that is restarted says what it keeps: when
 * that is other images alone, or none, it has the session's no longer.
 */
import type { ImageReport } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import type { Board, Transfer } from "../../protocol/DeviceState.ts"
import { type ImageStatus, imageStates } from "../../protocol/frame/ImageFrames.ts"
import { setWork } from "./Errands.ts"
import { rememberFailed } from "./FailedImages.ts"
import { imageReportOf } from "./Reports.ts"
import { type Turn, tell } from "./Turn.ts"

const rolledBack = imageStates.indexOf("rolled-back")
/** What a board says of a transfer that it does not know. */
const absent = { state: imageStates.indexOf("idle"), code: codes.ESRCH }

/** Whether the board was restarted since it was last known to have the image. */
const isRestarted = ({ boot }: Transfer, board: Board): boolean => boot !== undefined && boot !== board.boot

/** In the chain of what began the transfer, if that is known. */
const tellReport = (turn: Turn, { session, because }: Transfer, payload: ImageReport): void =>
  tell(turn, {
    to: { kind: "session", id: session },
    message: "ImageReported",
    payload,
    ...(because !== undefined && { because })
  })

/** The board tells unasked what became of its image. */
export const takeImageReport = (turn: Turn, status: ImageStatus): void => {
  const { transfer } = turn.state.work
  const { board } = turn.state
  if (transfer === undefined || board === undefined) return
  // After a restart a board knows images by their hash alone; with another number it speaks of an earlier transfer.
  const isUnnumbered = status.xfer === undefined || status.xfer === 0
  const isOurs = status.xfer === transfer.xfer || (isUnnumbered && imageReportOf(status).sha256 === transfer.sha256)
  if (!isOurs) {
    if (isUnnumbered && isRestarted(transfer, board)) tellReport(turn, transfer, absent)
    return
  }
  if (isRestarted(transfer, board)) setWork(turn, { transfer: { ...transfer, boot: board.boot } })
  const { code = codes.EIO, detail } = status
  // Before its session hears of it: another one may begin as soon as that has ended.
  if (status.state === rolledBack && code !== codes.ok) rememberFailed(turn, transfer.sha256, code, detail)
  tellReport(turn, transfer, imageReportOf(status))
}
