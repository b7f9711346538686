/** One transition of a rollout under way: its rules change it one after another, its outcome is what leaves. */
import type { HolonError } from "../../protocol/Errors.ts"
import type { RolloutBoard, RolloutSummary, RolloutView } from "../../protocol/Rollout.ts"
import type * as Behaviour from "../Behaviour.ts"
import { summaryOf } from "./Views.ts"

/** Tells of one transition: a wave of thousands would not fit the outbox, and its transition would be refused for ever. */
const tellsMax = 64
/** What a transition of a rollout may look at. */
export type Context = Behaviour.TransitionContext<undefined>
/** What leaves a transition that somebody waits for. */
export type Outcome = Behaviour.Outcome<RolloutView, undefined, RolloutSummary, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Behaviour.Outcome<RolloutView, undefined, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  state: RolloutView
  /** The boards of this transition, once one has changed: a copy for each change is too slow for thousands. */
  boards: Array<RolloutBoard> | undefined
  readonly tells: Array<Behaviour.Tell>
  readonly events: Array<Behaviour.Emitted>
}

/** Begins a transition. */
export const begin = (state: RolloutView, context: Context): Turn => ({
  context,
  state,
  boards: undefined,
  tells: [],
  events: []
})
/** What leaves it. */
export const outcomeOf = ({ state, tells, events }: Turn): Outcome => ({
  state,
  reply: summaryOf(state),
  tells,
  events
})

/** As {@link outcomeOf}, for what nobody waits for. */
export const notedOf = ({ state, tells, events }: Turn): Noted => ({ state, tells, events })

/** Whether another tell may leave with this transition. */
export const hasRoom = ({ tells }: Turn): boolean => tells.length < tellsMax

/** Puts a board in its place. */
export const put = (turn: Turn, place: number, board: RolloutBoard): void => {
  if (turn.boards === undefined) {
    turn.boards = [...turn.state.boards]
    turn.state = { ...turn.state, boards: turn.boards }
  }
  turn.boards[place] = board
}

/** Moves a board to another step. */
export const move = (
  turn: Turn,
  place: number,
  to: Partial<RolloutBoard> & { readonly step: RolloutBoard["step"] }
): void => {
  const board = turn.state.boards[place]
  if (board === undefined) return
  const { isAborting: _, notBefore: __, code: ___, detail: ____, ...rest } = board
  put(turn, place, { ...rest, ...to, since: turn.context.now })
  const { step, code, detail } = to
  // That boards which nobody has touched stay so is said by the end of the rollout.
  if (step === "cancelled" && board.step === "waiting") return
  turn.events.push({
    type: "rollout.board-changed",
    unit: board.id,
    severity: step === "failed" ? "error" : "info",
    data: {
      device: board.id,
      step,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail })
    }
  })
}

/** Does something for each board as the turn began it. */
export const each = ({ state: { boards } }: Turn, does: (board: RolloutBoard, place: number) => void): void => {
  for (const [place, board] of [...boards].entries()) does(board, place)
}
