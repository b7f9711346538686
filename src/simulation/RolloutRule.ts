/** The rule of a rollout's waves, told anew, apart from the code that follows it. */
import type { RolloutBoard, RolloutRules, RolloutView } from "../protocol/Rollout.ts"

/**
 * Whether no wave was opened over one that failed, and the end is what the shares of `rules` say, as somebody asked for them. Boards
 * that are away, or were sent nothing because they failed the image before, count for nothing.
 */
export const keepsRule = (
  { state, boards, wave }: RolloutView,
  rules: Pick<RolloutRules, "errorShare" | "successShare">
): boolean => {
  const sharesOf = (number: number) => {
    const present = boards.filter(({ wave: at, step }) => at === number && step !== "away" && step !== "failed-before")
    const count = (step: RolloutBoard["step"]) => present.filter((board) => board.step === step).length
    return { present: present.length, failed: count("failed"), good: count("good") }
  }
  const isSound = (number: number): boolean => {
    const { present, failed, good } = sharesOf(number)
    return failed <= rules.errorShare * present && good >= rules.successShare * present
  }
  const before = Array.from({ length: wave }, (_, number) => number)
  if (!before.every(isSound)) return false
  if (state === "stopped") return sharesOf(wave).good === 0
  return state !== "succeeded" || isSound(wave)
}
