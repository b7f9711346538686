/** What people see of a rollout: a summary of fixed size, and its boards a page at a time. */
import {
  pageMax,
  type RolloutPage,
  type RolloutStep,
  type RolloutSummary,
  type RolloutView
} from "../../protocol/Rollout.ts"

/** All but the boards, which are counted. */
export const summaryOf = ({ boards, ...rest }: RolloutView): RolloutSummary => {
  const counts: Record<string, number> = {}
  for (const { step } of boards) counts[step] = (counts[step] ?? 0) + 1
  return { ...rest, total: boards.length, counts }
}

/** Boards from a place on, those of one step where one is asked for. */
export const pageOf = (
  { boards }: RolloutView,
  { from = 0, limit = pageMax, step }: { readonly from?: number; readonly limit?: number; readonly step?: RolloutStep }
): RolloutPage => {
  const found: Array<RolloutPage["boards"][number]> = []
  for (const [at, board] of boards.entries()) {
    if (at < from || (step !== undefined && board.step !== step)) continue
    if (found.length === limit) return { boards: found, next: at }
    found.push(board)
  }
  return { boards: found }
}
