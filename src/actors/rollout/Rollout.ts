/**
 * The rollout actor: brings an image to many boards in waves. It tells sessions to begin and devices to watch, and decides by
 * what they tell back; all it knows rests in its row, so it goes on wherever it wakes.
 */
import { codes } from "../../protocol/Codes.ts"
import { type HolonError, InvalidTransition } from "../../protocol/Errors.ts"
import { Rollout, type RolloutBoard, type RolloutRules, type RolloutView } from "../../protocol/Rollout.ts"
import * as Behaviour from "../Behaviour.ts"
import { countOf, cut, isUnderWay, verdictOf, wavesOf } from "./Waves.ts"

const rulesDefault: RolloutRules = {
  canary: 1,
  waveSize: 10,
  parallel: 8,
  successShare: 1,
  errorShare: 0,
  observeMillis: 30_000,
  patienceMillis: 60_000,
  needsApproval: false,
  rollsBack: true
}

/** How long a board may take to go back, ms. */
const rollbackMillis = 120_000

const initial: RolloutView = {
  sha256: "",
  state: "idle",
  rules: rulesDefault,
  wave: 0,
  waves: 0,
  boards: [],
  startedAt: 0
}

type Context = Behaviour.TransitionContext<undefined>
type Outcome = Behaviour.Outcome<RolloutView, undefined, RolloutView, HolonError>

/** One transition under way. */
interface Turn {
  readonly context: Context
  state: RolloutView
  readonly tells: Array<Behaviour.Tell>
  readonly events: Array<Behaviour.Emitted>
}

const begin = (state: RolloutView, context: Context): Turn => ({ context, state, tells: [], events: [] })
const outcomeOf = ({ state, tells, events }: Turn): Outcome => ({ state, reply: state, tells, events })

/** As {@link outcomeOf}, for what nobody waits for. */
const notedOf = ({ state, tells, events }: Turn): Behaviour.Outcome<RolloutView, undefined, void, never> => ({
  state,
  tells,
  events
})

const change = (turn: Turn, id: string, to: Partial<RolloutBoard>): void => {
  const { now } = turn.context
  const boards = turn.state.boards.map(
    (board): RolloutBoard =>
      board.id === id ? { ...board, ...to, ...(to.step === undefined ? {} : { since: now }) } : board
  )
  turn.state = { ...turn.state, boards }
  if (to.step === undefined) return
  const { step, code, detail } = to
  turn.events.push({
    type: "rollout.board-changed",
    unit: id,
    severity: step === "failed" ? "error" : "info",
    data: {
      device: id,
      step,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail })
    }
  })
}

const waveOf = ({ boards, wave }: RolloutView): ReadonlyArray<RolloutBoard> =>
  boards.filter((board) => board.wave === wave)

const sessionOf = ({ self }: Context, { id, attempts }: RolloutBoard): string => `${self.id}.${id}.${attempts}`

const provision = (turn: Turn, board: RolloutBoard): void => {
  const { sha256, instance, rules } = turn.state
  const attempts = board.attempts + 1
  change(turn, board.id, { step: "provisioning", attempts })
  turn.tells.push({
    to: { kind: "session", id: sessionOf(turn.context, { ...board, attempts }) },
    message: "Provision",
    payload: {
      device: board.id,
      sha256,
      ...(instance === undefined ? {} : { instance }),
      stallMillis: rules.patienceMillis,
      observer: turn.context.self
    }
  })
}

const finish = (turn: Turn, state: "succeeded" | "stopped" | "cancelled", reason: string): void => {
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
      away: countOf(boards, "away")
    }
  })
}

/** Too many have failed: nothing new begins, and the wave goes back where the rules say so. */
const stop = (turn: Turn): void => {
  const { rules, wave } = turn.state
  for (const board of waveOf(turn.state)) {
    if (board.step === "waiting") change(turn, board.id, { step: "cancelled" })
    else if (board.step === "provisioning") abort(turn, board)
    else if (rules.rollsBack && (board.step === "good" || board.step === "observing")) rollBack(turn, board)
  }
  const failed = countOf(waveOf(turn.state), "failed")
  const boards = failed === 1 ? "1 board" : `${failed} boards`
  finish(turn, "stopped", `${boards} of wave ${wave + 1} failed`)
}

/** A session whose image is installed already cannot be aborted: how it ends decides what becomes of the board. */
const abort = ({ tells, context }: Turn, board: RolloutBoard): void => {
  tells.push({ to: { kind: "session", id: sessionOf(context, board) }, message: "Abort", payload: {} })
}

const rollBack = (turn: Turn, board: RolloutBoard): void => {
  change(turn, board.id, { step: "rolling-back" })
  turn.tells.push({
    to: { kind: "device", id: board.id },
    message: "AskBoard",
    payload: {
      asker: turn.context.self,
      key: `rollback ${board.id}`,
      request: { _tag: "ImageOp", act: "rollback" },
      lifeMillis: rollbackMillis
    }
  })
}

const openWave = (turn: Turn, wave: number): void => {
  turn.state = { ...turn.state, wave, state: "running" }
  turn.events.push({ type: "rollout.wave-opened", data: { wave, boards: waveOf(turn.state).length } })
}

/** Does what is to be done next: begin boards, open a wave, wait for a person, or end. */
const goOn = (turn: Turn): void => {
  while (turn.state.state === "running") {
    const { rules, wave, waves } = turn.state
    const boards = waveOf(turn.state)
    const verdict = verdictOf(boards, rules)
    if (verdict === "failed") return stop(turn)
    if (verdict === "open") {
      let room = rules.parallel - boards.filter(isUnderWay).length
      for (const board of boards) if (board.step === "waiting" && room-- > 0) provision(turn, board)
      return
    }
    if (wave + 1 >= waves) return finish(turn, "succeeded", endOf(turn.state))
    if (rules.needsApproval) {
      turn.state = { ...turn.state, state: "awaiting", wave: wave + 1, reason: `wave ${wave + 2} waits for approval` }
      return
    }
    openWave(turn, wave + 1)
  }
}

const endOf = ({ boards }: RolloutView): string => {
  const away = countOf(boards, "away")
  return away === 0 ? "all boards are good" : `all boards are good but ${away} that were away; retry takes those up`
}

/** A board is through; a rollout that has ended or stands still only takes note. */
const through = (
  turn: Turn,
  id: string,
  to: Partial<RolloutBoard>
): Behaviour.Outcome<RolloutView, undefined, void, never> => {
  change(turn, id, to)
  goOn(turn)
  return notedOf(turn)
}

const refuse = (state: RolloutView, event: string): Outcome =>
  Behaviour.refuse(new InvalidTransition({ from: state.state, event }))

/** The behaviour of rollouts. */
export const rollout: Behaviour.AnyBehaviour = Behaviour.make<Rollout>(Rollout, {
  initial: () => initial,

  Start: (state, { sha256, devices, instance, rules = rulesDefault }, context) => {
    if (state.state !== "idle") return refuse(state, "Start")
    const turn = begin(state, context)
    const boards = cut([...new Set<string>(devices)], rules, context.now)
    const waves = wavesOf(boards)
    turn.state = {
      ...state,
      sha256,
      ...(instance === undefined ? {} : { instance }),
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

  GetRollout: (state) => ({ reply: state }),
  Watch: (state) => ({ reply: state }),

  Pause: (state, _payload, context) => {
    if (state.state === "paused") return { reply: state }
    if (state.state !== "running" && state.state !== "awaiting") return refuse(state, "Pause")
    const turn = begin(state, context)
    const reason = `paused by ${context.asker.id}`
    turn.state = { ...state, state: "paused", reason }
    turn.events.push({ type: "rollout.paused", data: { reason } })
    return outcomeOf(turn)
  },

  Resume: (state, _payload, context) => {
    if (state.state === "running") return { reply: state }
    if (state.state !== "paused") return refuse(state, "Resume")
    const turn = begin({ ...state, state: "running" }, context)
    goOn(turn)
    return outcomeOf(turn)
  },

  Approve: (state, _payload, context) => {
    if (state.state === "running") return { reply: state }
    if (state.state !== "awaiting") return refuse(state, "Approve")
    const turn = begin(state, context)
    openWave(turn, state.wave)
    goOn(turn)
    return outcomeOf(turn)
  },

  Cancel: (state, _payload, context) => {
    if (state.state === "cancelled") return { reply: state }
    if (state.state === "idle" || state.endedAt !== undefined) return refuse(state, "Cancel")
    const turn = begin(state, context)
    for (const board of state.boards) {
      if (board.step === "waiting") change(turn, board.id, { step: "cancelled" })
      else if (board.step === "provisioning") abort(turn, board)
    }
    finish(turn, "cancelled", `cancelled by ${context.asker.id}`)
    return outcomeOf(turn)
  },

  Retry: (state, _payload, context) => {
    const again = state.boards.filter(({ step }) => step === "failed" || step === "away")
    if (state.endedAt === undefined || again.length === 0) return refuse(state, "Retry")
    const { endedAt: _, reason: __, ...open } = state
    const waiting = new Set(again.map(({ id }) => id))
    // They make a wave of their own: those that are good stay as they are.
    const boards = state.boards.map(
      (board): RolloutBoard =>
        waiting.has(board.id)
          ? { id: board.id, wave: state.waves, step: "waiting", attempts: board.attempts, since: context.now }
          : board
    )
    const turn = begin({ ...open, boards, waves: state.waves + 1 }, context)
    openWave(turn, state.waves)
    goOn(turn)
    return outcomeOf(turn)
  },

  SessionEnded: (state, { session, device, state: ended, installed, bytes, program, code, detail }, context) => {
    const board = state.boards.find(({ id }) => id === device)
    if (board?.step !== "provisioning" || session !== sessionOf(context, board)) return {}
    const turn = begin(state, context)
    const isInstalled = ended === "ready" && (installed === "committed" || installed === "confirmed")
    if (!isInstalled) {
      if (code === codes.ECANCELED) return through(turn, device, { step: "cancelled" })
      const isAway = code === codes.ETIMEDOUT && bytes === 0
      return through(turn, device, {
        step: isAway ? "away" : "failed",
        code: code ?? codes.EIO,
        detail: detail ?? `the session ended ${installed ?? ended}`
      })
    }
    const name = program ?? state.instance ?? ""
    if (state.state === "stopped" && board.wave === state.wave && state.rules.rollsBack) {
      rollBack(turn, board)
      return notedOf(turn)
    }
    change(turn, device, { step: "observing", program: name })
    turn.tells.push({
      to: { kind: "device", id: device },
      message: "Observe",
      payload: { asker: context.self, key: session, program: name, forMillis: state.rules.observeMillis }
    })
    return notedOf(turn)
  },

  Observed: (state, { key, device, code, detail }, context) => {
    const board = state.boards.find(({ id }) => id === device)
    if (board?.step !== "observing" || key !== sessionOf(context, board)) return {}
    const turn = begin(state, context)
    if (code === codes.ok) return through(turn, device, { step: "good" })
    return through(turn, device, { step: "failed", code, ...(detail === undefined ? {} : { detail }) })
  },

  BoardAnswered: (state, { key, code, detail }, context) => {
    const board = state.boards.find(({ id, step }) => step === "rolling-back" && key === `rollback ${id}`)
    if (board === undefined) return {}
    const turn = begin(state, context)
    if (code === codes.ok) change(turn, board.id, { step: "rolled-back" })
    else change(turn, board.id, { step: "failed", code, detail: detail ?? "it could not go back" })
    return notedOf(turn)
  }
})
