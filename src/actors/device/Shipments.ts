/** Whether an image that a session wants on the board is sent there. */
import { codes } from "../../protocol/Codes.ts"
import { failedBefore } from "../../protocol/FailedImage.ts"
import { forgetFailed } from "./FailedImages.ts"
import { openTransfer, type Shipment } from "./Transfers.ts"
import { type Turn, tell } from "./Turn.ts"

/** Takes an image to send, unless the board failed it before and nobody has said that it is to be sent again. */
export const takeShipment = (turn: Turn, { again, ...shipment }: Shipment & { readonly again?: boolean }): void => {
  const { session, sha256 } = shipment
  const failed = again === true ? undefined : turn.state.work.failedImages.get(sha256)
  if (failed === undefined) {
    openTransfer(turn, shipment)
    // A board that is busy with another one has not been sent it again.
    if (again === true && turn.state.work.transfer?.session === session) forgetFailed(turn, sha256)
    return
  }
  const detail = failedBefore(turn.context.self.id, failed)
  const payload = { code: codes.EPERM, detail, failedBefore: failed }
  tell(turn, { to: { kind: "session", id: session }, message: "TransferEnded", payload })
}
