/** The reasons of goodbyes, by name and number, and how a connection ends for each. */
import { goodbyeReasons } from "../../protocol/frame/LinkFrames.ts"
import type { Ending } from "./LinkTransport.ts"

type Reason = (typeof goodbyeReasons)[number]

/** Number of a reason. */
export const goodbyeReason = (name: Reason): number => goodbyeReasons.indexOf(name)

const lastOfBoards = goodbyeReason("link-lost")

/** The reasons behind a lost link are the cluster's; a board that gives one of those, or one unknown, gave `other`. */
export const boardReason = (reason: number, other: Reason): number =>
  reason <= lastOfBoards ? reason : goodbyeReason(other)

/** How the connection ends when the cell gives this reason. */
export const endingOf = (reason: Reason): Ending => {
  switch (reason) {
    case "superseded":
      return "superseded"
    case "draining":
      return "draining"
    case "refused":
    case "retired":
    case "quarantined":
      return "refused"
    case "too-many-errors":
      return "flood"
    default:
      return "goodbye"
  }
}
