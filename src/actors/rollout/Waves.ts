/** The rules of waves, as pure functions: who is in which, when one is over, and what its outcome means. */
import type { RolloutBoard, RolloutRules, RolloutStep } from "../../protocol/Rollout.ts"

/** Cuts the boards into waves, in their order: a canary first. */
export const cut = (
  devices: ReadonlyArray<string>,
  { canary, waveSize }: Pick<RolloutRules, "canary" | "waveSize">,
  now: number
): ReadonlyArray<RolloutBoard> =>
  devices.map((id, index) => ({
    id,
    wave: index < canary ? 0 : 1 + Math.floor((index - canary) / waveSize),
    step: "waiting",
    attempts: 0,
    since: now
  }))

/** How many waves there are. */
export const wavesOf = (boards: ReadonlyArray<RolloutBoard>): number =>
  boards.reduce((most, { wave }) => Math.max(most, wave + 1), 0)

const underWay: ReadonlySet<RolloutStep> = new Set(["provisioning", "observing"])

/** Whether a board is being worked on. */
export const isUnderWay = ({ step }: RolloutBoard): boolean => underWay.has(step)

/** Whether a board may begin: it waits, and was not found busy a moment ago. */
export const isReady = ({ step, notBefore = 0 }: RolloutBoard, now: number): boolean =>
  step === "waiting" && notBefore <= now

/** How many boards stand at a step. */
export const countOf = (boards: ReadonlyArray<RolloutBoard>, step: RolloutStep): number =>
  boards.reduce((count, board) => (board.step === step ? count + 1 : count), 0)

/** What a wave comes to: `open` while it may still turn out either way. */
export type Verdict = "open" | "passed" | "failed"

/**
 * Fails as soon as too many of its boards have failed, else when all are through and too few are good. Boards that are away
 * count for nothing, nor do those that were sent nothing because they failed the image before: a wave of which all are away has
 * passed.
 */
export const verdictOf = (
  boards: ReadonlyArray<RolloutBoard>,
  { errorShare, successShare }: Pick<RolloutRules, "errorShare" | "successShare">
): Verdict => {
  const failed = countOf(boards, "failed")
  const present = boards.length - countOf(boards, "away") - countOf(boards, "failed-before")
  if (failed > 0 && failed > errorShare * present) return "failed"
  if (boards.some((board) => board.step === "waiting" || isUnderWay(board))) return "open"
  return countOf(boards, "good") >= successShare * present ? "passed" : "failed"
}
