/** A rollout as the command line shows it: a line of where it stands, and its boards, which come in pages. */
import { Effect } from "effect"
import { type RolloutBoard, RolloutPage, RolloutSummary } from "../protocol/Rollout.ts"
import { type Place, sendTo, watchUntil } from "./Following.ts"
import { bar, makeProgress } from "./Progress.ts"
import { table } from "./Table.ts"

/** A rollout with all of its boards. */
export interface RolloutReport extends RolloutSummary {
  readonly id: string
  readonly boards: ReadonlyArray<RolloutBoard>
}

/** In this order they are told. */
const steps = [
  "good",
  "failed",
  "failed-before",
  "away",
  "rolled-back",
  "cancelled",
  "rolling-back",
  "observing",
  "provisioning",
  "waiting"
] as const
const through = ["good", "failed", "failed-before", "away", "rolled-back", "cancelled"] as const
const underWay = ["rolling-back", "observing", "provisioning"] as const

/** Where it stands, in one line. */
export const summaryLine = ({ state, total, counts, wave, waves }: RolloutSummary): string => {
  const done = through.reduce((sum, step) => sum + (counts[step] ?? 0), 0)
  const said = steps.flatMap((step) => (counts[step] === undefined ? [] : [`${counts[step]} ${step}`]))
  return `${bar(total === 0 ? 0 : done / total)} wave ${wave + 1} of ${waves}, ${state}: ${said.join(", ")}`
}

const isOver = ({ state, endedAt, counts }: RolloutSummary): boolean =>
  state === "awaiting" ||
  state === "paused" ||
  (endedAt !== undefined && !underWay.some((step) => (counts[step] ?? 0) > 0))

/** Shows how it goes on until it waits for a person or is over. */
export const follow = (id: string, isQuiet: boolean) => {
  const progress = makeProgress(isQuiet)
  return watchUntil(
    { kind: "rollout", id },
    "Watch",
    {},
    { item: RolloutSummary, isEnd: isOver, show: (view) => progress.draw(summaryLine(view)) }
  ).pipe(Effect.ensuring(progress.finish))
}

/** Its boards, page by page. */
export const reportOf = Effect.fnUntraced(function* (id: string, summary: RolloutSummary) {
  const place: Place = { kind: "rollout", id }
  const boards: Array<RolloutBoard> = []
  let from: number | undefined = 0
  while (from !== undefined) {
    const page: RolloutPage = yield* sendTo(place, "GetBoards", { from }, RolloutPage)
    boards.push(...page.boards)
    from = page.next
  }
  const report: RolloutReport = { id, ...summary, boards }
  return report
})

/** Its boards as a table. */
export const boardTable = ({ boards }: RolloutReport): string =>
  table(
    ["device", "wave", "step", "sessions", "detail"],
    boards.map(({ id, wave, step, attempts, detail, code }) => [
      id,
      wave + 1,
      step,
      attempts,
      detail ?? (code === undefined ? "" : `code ${code}`)
    ])
  )
