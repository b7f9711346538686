/**
 * The rollout actor: brings an image to many boards in waves. It tells sessions to begin and devices to watch, and decides by
 * what they tell back; all it knows rests in its row, so it goes on wherever it wakes.
 */
import { codes } from "../../protocol/Codes.ts"
import { InvalidTransition } from "../../protocol/Errors.ts"
import { Rollout, type RolloutBoard, type RolloutView, rolloutRulesDefault } from "../../protocol/Rollout.ts"
import * as Behaviour from "../Behaviour.ts"
import { finish, goesBack, goOn, openWave, sessionOf } from "./Course.ts"
import { boardsDue, observed, overdue, sessionEnded, through, wentBack } from "./Ends.ts"
import { storage } from "./Stored.ts"
import { begin, each, move, notedOf, type Outcome, outcomeOf, put } from "./Turn.ts"
import { pageOf, summaryOf } from "./Views.ts"
import { cut, wavesOf } from "./Waves.ts"

const initial: RolloutView = {
  sha256: "",
  state: "idle",
  rules: rolloutRulesDefault,
  wave: 0,
  waves: 0,
  boards: [],
  startedAt: 0
}

const refuse = (state: RolloutView, event: string): Outcome =>
  Behaviour.refuse(new InvalidTransition({ from: state.state, event }))

/** What a retry takes up. */
const isTakenUp = (step: RolloutBoard["step"]): boolean =>
  step === "failed" || step === "away" || step === "failed-before"

/** A board that is taken up once more. To ask for that is to say that it may have an image which it failed. */
const retried = ({ id, step, attempts }: RolloutBoard, wave: number, now: number): RolloutBoard => ({
  id,
  wave,
  step: "waiting",
  attempts,
  since: now,
  ...(step === "away" ? {} : { again: true })
})

/** The behaviour of rollouts. */
export const rollout: Behaviour.AnyBehaviour = Behaviour.make<Rollout>(Rollout, {
  initial: () => initial,
  storage,

  dueAt: (state) => {
    const due = Math.min(state.nextAt ?? Number.POSITIVE_INFINITY, boardsDue(state))
    return due === Number.POSITIVE_INFINITY ? undefined : due
  },
  timeout: (state, context) => {
    const { now } = context
    const turn = begin(state, context)
    each(turn, (board, place) => {
      const to = overdue(state, board, now)
      if (to !== undefined) return move(turn, place, to)
      const { notBefore, ...waiting } = board
      if (notBefore !== undefined && notBefore <= now) put(turn, place, waiting)
    })
    if (turn.boards === undefined && (state.nextAt ?? now + 1) > now) return {}
    goOn(turn)
    return notedOf(turn)
  },
  undelivered: (state, { to, message, cause }, context) => {
    const place = state.boards.findIndex((board) =>
      to.kind === "session"
        ? message === "Provision" && board.step === "provisioning" && sessionOf(context, board) === to.id
        : board.id === to.id &&
          ((message === "Observe" && board.step === "observing") ||
            (message === "AskBoard" && board.step === "rolling-back"))
    )
    return place < 0 ? {} : through(begin(state, context), place, { step: "failed", code: codes.ESRCH, detail: cause })
  },

  Start: (state, { sha256, devices, instance, again, rules = rolloutRulesDefault }, context) => {
    if (state.state !== "idle") return refuse(state, "Start")
    const turn = begin(state, context)
    const boards = cut([...new Set<string>(devices)], rules, context.now)
    const waves = wavesOf(boards)
    turn.state = {
      ...state,
      sha256,
      ...(instance === undefined ? {} : { instance }),
      ...(again === true ? { again } : {}),
      rules,
      boards,
      waves,
      startedAt: context.now
    }
    turn.events.push({ type: "rollout.started", data: { sha256, boards: boards.length, waves } })
    openWave(turn, 0)
    goOn(turn)
    return outcomeOf(turn)
  },

  GetRollout: (state) => ({ reply: summaryOf(state) }),
  GetBoards: (state, page) => ({ reply: pageOf(state, page) }),
  Watch: (state) => ({ reply: summaryOf(state) }),

  Pause: (state, _payload, context) => {
    if (state.state === "paused") return { reply: summaryOf(state) }
    if (state.state !== "running" && state.state !== "awaiting") return refuse(state, "Pause")
    const turn = begin(state, context)
    const reason = `paused by ${context.asker.id}`
    turn.state = { ...state, state: "paused", reason }
    turn.events.push({ type: "rollout.paused", data: { reason } })
    return outcomeOf(turn)
  },

  Resume: (state, _payload, context) => {
    if (state.state === "running") return { reply: summaryOf(state) }
    if (state.state !== "paused") return refuse(state, "Resume")
    const { reason: _, ...open } = state
    // A pause is no way round the person who approves.
    if (state.needsApproval === true)
      return outcomeOf(
        begin({ ...open, state: "awaiting", reason: `wave ${state.wave + 1} waits for approval` }, context)
      )
    const turn = begin({ ...open, state: "running" }, context)
    goOn(turn)
    return outcomeOf(turn)
  },

  Approve: (state, _payload, context) => {
    if (state.state === "running") return { reply: summaryOf(state) }
    if (state.state !== "awaiting") return refuse(state, "Approve")
    const turn = begin(state, context)
    openWave(turn, state.wave)
    goOn(turn)
    return outcomeOf(turn)
  },

  Cancel: (state, _payload, context) => {
    if (state.state === "cancelled") return { reply: summaryOf(state) }
    if (state.state === "idle" || state.endedAt !== undefined) return refuse(state, "Cancel")
    const turn = begin(state, context)
    each(turn, (board, place) => {
      if (board.step === "waiting") move(turn, place, { step: "cancelled" })
    })
    finish(turn, "cancelled", `cancelled by ${context.asker.id}`)
    goOn(turn)
    return outcomeOf(turn)
  },

  Retry: (state, _payload, context) => {
    const again = state.boards.filter(({ step }) => isTakenUp(step))
    if (state.endedAt === undefined || again.length === 0) return refuse(state, "Retry")
    // What goes back goes back first: its wave would be closed over it.
    if (state.boards.some((board) => board.step === "rolling-back" || goesBack(state, board)))
      return refuse(state, "Retry")
    const { endedAt: _, reason: __, ...open } = state
    // They make a wave of their own: those that are good stay as they are.
    const boards = state.boards.map((board) =>
      isTakenUp(board.step) ? retried(board, state.waves, context.now) : board
    )
    const turn = begin({ ...open, boards, waves: state.waves + 1 }, context)
    openWave(turn, state.waves)
    goOn(turn)
    return outcomeOf(turn)
  },

  SessionEnded: sessionEnded,
  Observed: observed,
  BoardAnswered: wentBack
})
