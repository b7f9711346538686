/** What sessions and devices say of a board of a rollout, and what is concluded when they say nothing. */
import { codes } from "../../protocol/Codes.ts"
import type { Rollout, RolloutBoard, RolloutView } from "../../protocol/Rollout.ts"
import { goOn, placeOf, rollBack, rollbackMillis, sessionOf } from "./Course.ts"
import { begin, type Context, move, type Noted, notedOf, type Turn } from "./Turn.ts"

type Messages = (typeof Rollout)["messages"]
type SessionEnd = Messages["SessionEnded"]["payload"]["Type"]
type Observed = Messages["Observed"]["payload"]["Type"]
type Answered = Messages["BoardAnswered"]["payload"]["Type"]
type Move = Partial<RolloutBoard> & { readonly step: RolloutBoard["step"] }

/** A board that is busy with another image is tried again after this, ms, doubled each time up to the most. */
const busyMillis = { first: 5000, most: 60_000 } as const
/** After so many tries, a quarter of an hour and more, it is left for later. */
const busyMax = 20

/** A board is through; a rollout that has ended or stands still only takes note. */
export const through = (turn: Turn, place: number, to: Move): Noted => {
  move(turn, place, to)
  goOn(turn)
  return notedOf(turn)
}

/** What becomes of a board whose session ended without the image being installed. */
const missed = (state: RolloutView, board: RolloutBoard, end: SessionEnd, now: number): Move => {
  const { code = codes.EIO, detail, failedBefore, installed } = end
  if (failedBefore !== undefined)
    return { step: "failed-before", code: failedBefore.code, ...(detail === undefined ? {} : { detail }) }
  if (code === codes.ECANCELED) return { step: "cancelled" }
  const why = { code, detail: detail ?? `the session ended ${installed ?? end.state}` }
  if (end.isTransient === true) {
    if (state.endedAt !== undefined) return { step: "cancelled" }
    const busy = (board.busy ?? 0) + 1
    if (busy > busyMax) return { step: "away", ...why }
    const wait = Math.min(busyMillis.most, busyMillis.first * 2 ** (busy - 1))
    return { step: "waiting", busy, notBefore: now + wait, ...why }
  }
  // Silence before the image was whole is a board that went away; after it, the image may have taken the board down.
  return { step: code === codes.ETIMEDOUT && installed === undefined ? "away" : "failed", ...why }
}

/** A session of this rollout has ended. */
export const sessionEnded = (state: RolloutView, end: SessionEnd, context: Context): Noted => {
  const place = placeOf(state, end.device)
  const board = state.boards[place]
  if (board?.step !== "provisioning" || end.session !== sessionOf(context, board)) return {}
  const turn = begin(state, context)
  const isInstalled = end.state === "ready" && (end.installed === "committed" || end.installed === "confirmed")
  if (!isInstalled) return through(turn, place, missed(state, board, end, context.now))
  if (state.state === "stopped" && board.wave === state.wave && state.rules.rollsBack) {
    rollBack(turn, board, place)
    return notedOf(turn)
  }
  const program = end.program ?? state.instance ?? ""
  const { observeMillis, patienceMillis } = state.rules
  move(turn, place, { step: "observing", program })
  turn.tells.push({
    to: { kind: "device", id: end.device },
    message: "Observe",
    payload: {
      asker: context.self,
      key: end.session,
      program,
      sha256: state.sha256,
      forMillis: observeMillis,
      patienceMillis
    }
  })
  return notedOf(turn)
}

/** A device says whether the program was well for its time. */
export const observed = (state: RolloutView, { key, device, code, detail }: Observed, context: Context): Noted => {
  const place = placeOf(state, device)
  const board = state.boards[place]
  if (board?.step !== "observing" || key !== sessionOf(context, board)) return {}
  const turn = begin(state, context)
  if (code === codes.ok) return through(turn, place, { step: "good" })
  const step = code === codes.NotAttached ? "away" : "failed"
  return through(turn, place, { step, code, ...(detail === undefined ? {} : { detail }) })
}

/** A board that is to go back says whether it has. */
export const wentBack = (state: RolloutView, { key, code, detail }: Answered, context: Context): Noted => {
  const place = state.boards.findIndex(({ id, step }) => step === "rolling-back" && key === `rollback ${id}`)
  if (place < 0) return {}
  const turn = begin(state, context)
  if (code === codes.ok) return through(turn, place, { step: "rolled-back" })
  return through(turn, place, { step: "failed", code, detail: detail ?? "it could not go back" })
}

const lateMillis = 60_000
/** The longest that a session takes, but for the patience with its board at the transfer, the check and the installation. */
const sessionMillis = 3_000_000

const lost = {
  provisioning: { step: "failed", code: codes.ETIMEDOUT, detail: "its session has not said how it ended" },
  observing: { step: "away", code: codes.NotAttached, detail: "it did not stay long enough to be watched" },
  "rolling-back": { step: "failed", code: codes.ETIMEDOUT, detail: "nobody knows whether it went back" }
} as const

const isLosable = (step: RolloutBoard["step"]): step is keyof typeof lost => step in lost

/**
 * When a board is given up of which nobody says anything: its session or its device has crashed for good, or the board
 * never stays long enough. Until then they always tell.
 */
const lostAt = ({ rules }: RolloutView, { step, since }: RolloutBoard): number => {
  const { observeMillis, patienceMillis } = rules
  if (step === "provisioning") return since + sessionMillis + 3 * patienceMillis
  if (step === "observing") return since + 3 * (observeMillis + patienceMillis) + lateMillis
  return step === "rolling-back" ? since + rollbackMillis + lateMillis : Number.POSITIVE_INFINITY
}

/** When something of the boards is due; infinite for nothing. */
export const boardsDue = (state: RolloutView): number => {
  let due = Number.POSITIVE_INFINITY
  for (const board of state.boards) {
    if (isLosable(board.step)) due = Math.min(due, lostAt(state, board))
    else if (board.notBefore !== undefined && state.state === "running") due = Math.min(due, board.notBefore)
  }
  return due
}

/** What becomes of a board whose due has passed; nothing for one that may go on as it is. */
export const overdue = (state: RolloutView, board: RolloutBoard, now: number): Move | undefined =>
  isLosable(board.step) && lostAt(state, board) <= now ? lost[board.step] : undefined
