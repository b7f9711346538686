/**
 * Images that the board failed: it took them back, or what they started did not run well. None of them is sent there again
 * until somebody says so, by whichever session or rollout.
 */
import type { FailedImage } from "../../protocol/FailedImage.ts"
import { setWork } from "./Errands.ts"
import type { Turn } from "./Turn.ts"

/** Failures of one board that are remembered; the oldest goes first. */
const failedImagesMax = 32
/** What a board may say of a failure, characters: it rests for long. */
const detailCharacters = 256

/** Remembers that the board failed an image. A failure that is remembered already keeps its time and its reason. */
export const rememberFailed = (turn: Turn, sha256: string, code: number, detail: string | undefined): void => {
  const { failedImages } = turn.state.work
  if (failedImages.has(sha256)) return
  const failed: FailedImage = {
    sha256,
    at: turn.now,
    code,
    ...(detail === undefined ? {} : { detail: detail.slice(0, detailCharacters) })
  }
  const kept = [...failedImages.values()].sort((left, right) => left.at - right.at).slice(1 - failedImagesMax)
  setWork(turn, { failedImages: new Map([...kept, failed].map((one) => [one.sha256, one])) })
}

/** Somebody wants the image sent again: what was remembered of it is forgotten. */
export const forgetFailed = (turn: Turn, sha256: string): void => {
  if (!turn.state.work.failedImages.has(sha256)) return
  const failedImages = new Map(turn.state.work.failedImages)
  failedImages.delete(sha256)
  setWork(turn, { failedImages })
}
