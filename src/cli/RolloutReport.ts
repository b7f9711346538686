/** A rollout as the command line shows it: a line of where it stands, and its boards, which come in pages. */
import { Effect } from "effect"
import { codeEntry } from "../protocol/Codes.ts"
import { type RolloutBoard, RolloutPage, RolloutSummary } from "../protocol/Rollout.ts"
import { explained } from "./Details.ts"
import { type Place, sendTo, watchUntil } from "./Following.ts"
import { bar, makeProgress } from "./Progress.ts"
import { type Cell, table } from "./Table.ts"

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

/** In this order boards are shown: first those that somebody has to look at. */
const shownSteps: ReadonlyArray<RolloutBoard["step"]> = [
  "failed",
  "rolled-back",
  "failed-before",
  "away",
  "rolling-back",
  "provisioning",
  "observing",
  "waiting",
  "cancelled",
  "good"
]
const rankOf = ({ step }: RolloutBoard): number => (shownSteps.indexOf(step) + shownSteps.length) % shownSteps.length

const detailOf = ({ detail, code }: RolloutBoard): string => {
  if (detail !== undefined) return explained(detail)
  return code === undefined || code === 0 ? "" : codeEntry(code).sentence.replace(/\.$/, "")
}

/** A board that waits for its first turn has nothing to tell. */
const isUntouched = ({ step, attempts, detail, code }: RolloutBoard): boolean =>
  step === "waiting" && attempts === 0 && detail === undefined && code === undefined

/** Those that wait for their first turn, in one row. */
const waitingRow = (boards: ReadonlyArray<RolloutBoard>): ReadonlyArray<Cell> => {
  const [first] = boards
  if (first === undefined || boards.length === 1) return first === undefined ? [] : rowOf(first)
  const waves = [...new Set(boards.map(({ wave }) => wave + 1))].sort((left, right) => left - right)
  const from = waves[0] ?? 1
  const to = waves.at(-1) ?? from
  return [`${boards.length} boards`, from === to ? String(from) : `${from}-${to}`, "waiting", 0, "not begun yet"]
}

const rowOf = (board: RolloutBoard): ReadonlyArray<Cell> => [
  board.id,
  String(board.wave + 1),
  board.step,
  board.attempts,
  detailOf(board)
]

/** Its boards as a table: failing ones first, and those that have not had their turn in one line. */
export const boardTable = ({ boards }: Pick<RolloutReport, "boards">): string => {
  const untouched = boards.filter(isUntouched)
  const touched = boards
    .filter((board) => !isUntouched(board))
    .sort((left, right) => rankOf(left) - rankOf(right) || left.wave - right.wave)
  const rows = [...touched.map(rowOf), ...(untouched.length === 0 ? [] : [waitingRow(untouched)])]
  return table(["device", "wave", "step", "sessions", "detail"], rows)
}
