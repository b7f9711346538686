/** The course of a rollout: which boards begin, when a wave is over, what an ended rollout winds up. */
import type { RolloutBoard, RolloutView } from "../../protocol/Rollout.ts"
import { type Context, each, hasRoom, move, put, type Turn } from "./Turn.ts"
import { countOf, isReady, isUnderWay, verdictOf } from "./Waves.ts"

/** When more is to be told than may leave at a time, it goes on after this, ms. */
const paceMillis = 250

/** How long a board may take to go back, ms. */
export const rollbackMillis = 120_000

/** Where a board stands in the list. */
export const placeOf = ({ boards }: RolloutView, id: string): number => boards.findIndex((board) => board.id === id)

const waveOf = ({ boards, wave }: RolloutView): ReadonlyArray<RolloutBoard> =>
  boards.filter((board) => board.wave === wave)

/** The session that brings the image to a board now. */
export const sessionOf = ({ self }: Context, { id, attempts }: RolloutBoard): string => `${self.id}.${id}.${attempts}`

const provision = (turn: Turn, board: RolloutBoard, place: number): void => {
  const { sha256, instance, rules, again } = turn.state
  const attempts = board.attempts + 1
  move(turn, place, { step: "provisioning", attempts })
  turn.tells.push({
    to: { kind: "session", id: sessionOf(turn.context, { ...board, attempts }) },
    message: "Provision",
    payload: {
      device: board.id,
      sha256,
      ...(instance === undefined ? {} : { instance }),
      stallMillis: rules.patienceMillis,
      ...(again === true || board.again === true ? { again: true } : {}),
      observer: turn.context.self
    }
  })
}

/** Ends a rollout; what it has under way is wound up. */
export const finish = (turn: Turn, state: "succeeded" | "stopped" | "cancelled", reason: string): void => {
  const { boards } = turn.state
  turn.state = { ...turn.state, state, reason, endedAt: turn.context.now }
  turn.events.push({
    type: "rollout.ended",
    severity: state === "stopped" ? "error" : "info",
    data: {
      state,
      reason,
      good: countOf(boards, "good"),
      failed: countOf(boards, "failed"),
      away: countOf(boards, "away"),
      failedBefore: countOf(boards, "failed-before")
    }
  })
}

/** Too many have failed: nothing new begins, and the wave goes back where the rules say so. */
const stop = (turn: Turn): void => {
  const { wave, rules } = turn.state
  each(turn, (board, place) => {
    if (board.wave === wave && board.step === "waiting") move(turn, place, { step: "cancelled" })
  })
  // How many there are is counted where it is shown: those under way may fail yet.
  const then = rules.rollsBack ? "goes back to what it had" : "stays as it is"
  finish(turn, "stopped", `more boards of wave ${wave + 1} failed than may, and the wave ${then}`)
}

/** A session whose image is installed already cannot be aborted: how it ends decides what becomes of the board. */
const abort = (turn: Turn, board: RolloutBoard, place: number): void => {
  put(turn, place, { ...board, isAborting: true })
  turn.tells.push({ to: { kind: "session", id: sessionOf(turn.context, board) }, message: "Abort", payload: {} })
}

/** Has a board go back to what it had. */
export const rollBack = (turn: Turn, { id }: RolloutBoard, place: number): void => {
  move(turn, place, { step: "rolling-back" })
  turn.tells.push({
    to: { kind: "device", id },
    message: "AskBoard",
    payload: {
      asker: turn.context.self,
      key: `rollback ${id}`,
      request: { _tag: "ImageOp", act: "rollback" },
      lifeMillis: rollbackMillis
    }
  })
}

/** Opens a wave. */
export const openWave = (turn: Turn, wave: number): void => {
  const { needsApproval: _, reason: __, ...state } = turn.state
  turn.state = { ...state, wave, state: "running" }
  turn.events.push({ type: "rollout.wave-opened", data: { wave, boards: waveOf(turn.state).length } })
}

/** Whether a board of a stopped rollout is to go back. */
export const goesBack = ({ state, rules, wave }: RolloutView, board: RolloutBoard): boolean =>
  state === "stopped" && rules.rollsBack && board.wave === wave && (board.step === "good" || board.step === "observing")

/** Ends what an ended rollout has under way, some boards at a time. */
const wind = (turn: Turn): void => {
  let room = turn.state.rules.parallel - countOf(turn.state.boards, "rolling-back")
  each(turn, (board, place) => {
    if (!hasRoom(turn)) return
    if (board.step === "provisioning" && board.isAborting !== true) abort(turn, board, place)
    else if (goesBack(turn.state, board) && room-- > 0) rollBack(turn, board, place)
  })
}

/** Begins boards, opens a wave, waits for a person, or ends. */
const advance = (turn: Turn): void => {
  while (turn.state.state === "running") {
    const { rules, wave, waves } = turn.state
    const boards = waveOf(turn.state)
    const verdict = verdictOf(boards, rules)
    if (verdict === "failed") return stop(turn)
    if (verdict === "open") {
      let room = rules.parallel - boards.filter(isUnderWay).length
      if (room > 0)
        each(turn, (board, place) => {
          if (board.wave === wave && isReady(board, turn.context.now) && hasRoom(turn) && room-- > 0)
            provision(turn, board, place)
        })
      return
    }
    if (wave + 1 >= waves) return finish(turn, "succeeded", endOf(turn.state))
    if (rules.needsApproval) {
      const reason = `wave ${wave + 2} waits for approval`
      turn.state = { ...turn.state, state: "awaiting", wave: wave + 1, reason, needsApproval: true }
      return
    }
    openWave(turn, wave + 1)
  }
}

/** Does what is to be done next, as much as may leave at a time. */
export const goOn = (turn: Turn): void => {
  advance(turn)
  if (turn.state.endedAt !== undefined) wind(turn)
  const { nextAt: _, ...state } = turn.state
  turn.state = hasRoom(turn) ? state : { ...state, nextAt: turn.context.now + paceMillis }
}

const notGood = ["failed", "away", "failed-before", "rolled-back", "cancelled", "waiting"] as const

const endOf = ({ boards }: RolloutView): string => {
  const good = countOf(boards, "good")
  if (good === boards.length) return "all boards are good"
  const others = notGood.flatMap((step) => {
    const count = countOf(boards, step)
    return count === 0 ? [] : `${count} ${step.replace("-", " ")}`
  })
  return `${good} of ${boards.length} boards are good, ${others.join(", ")}; retry takes up those that failed or were away`
}
