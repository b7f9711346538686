/**
 * The rollout actor: brings an image to many boards in waves. It tells sessions to begin and devices to watch, and decides by
 * what they tell back; all it knows rests in its row, so it goes on wherever it wakes.
 */
import { codes } from "../../protocol/Codes.ts"
import { type HolonError, InvalidTransition } from "../../protocol/Errors.ts"
import { Rollout, type RolloutBoard, type RolloutRules, type RolloutView } from "../../protocol/Rollout.ts"
import * as Behaviour from "../Behaviour.ts"
import { storage } from "./Stored.ts"
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

/** Tells of one transition: a wave of thousands would not fit the outbox, and its transition would be refused for ever. */
const tellsMax = 64
/** When that was too few, it goes on after this, ms. */
const paceMillis = 250

type Context = Behaviour.TransitionContext<undefined>
type Outcome = Behaviour.Outcome<RolloutView, undefined, RolloutView, HolonError>
type Noted = Behaviour.Outcome<RolloutView, undefined, void, never>

/** One transition under way. */
interface Turn {
  readonly context: Context
  state: RolloutView
  /** The boards of this transition, once one has changed: a copy for each change is too slow for thousands. */
  boards: Array<RolloutBoard> | undefined
  readonly tells: Array<Behaviour.Tell>
  readonly events: Array<Behaviour.Emitted>
}

const begin = (state: RolloutView, context: Context): Turn => ({
  context,
  state,
  boards: undefined,
  tells: [],
  events: []
})
const outcomeOf = ({ state, tells, events }: Turn): Outcome => ({ state, reply: state, tells, events })

/** As {@link outcomeOf}, for what nobody waits for. */
const notedOf = ({ state, tells, events }: Turn): Noted => ({ state, tells, events })

/** Whether another tell may leave with this transition. */
const hasRoom = ({ tells }: Turn): boolean => tells.length < tellsMax

const put = (turn: Turn, place: number, board: RolloutBoard): void => {
  if (turn.boards === undefined) {
    turn.boards = [...turn.state.boards]
    turn.state = { ...turn.state, boards: turn.boards }
  }
  turn.boards[place] = board
}

/** Moves a board to another step. */
const move = (turn: Turn, place: number, to: Partial<RolloutBoard> & { readonly step: RolloutBoard["step"] }): void => {
  const board = turn.state.boards[place]
  if (board === undefined) return
  const { isAborting: _, ...rest } = board
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
const each = ({ state: { boards } }: Turn, does: (board: RolloutBoard, place: number) => void): void => {
  for (const [place, board] of [...boards].entries()) does(board, place)
}

const placeOf = ({ boards }: RolloutView, id: string): number => boards.findIndex((board) => board.id === id)

const waveOf = ({ boards, wave }: RolloutView): ReadonlyArray<RolloutBoard> =>
  boards.filter((board) => board.wave === wave)

const sessionOf = ({ self }: Context, { id, attempts }: RolloutBoard): string => `${self.id}.${id}.${attempts}`

const provision = (turn: Turn, board: RolloutBoard, place: number): void => {
  const { sha256, instance, rules } = turn.state
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
  const { wave } = turn.state
  each(turn, (board, place) => {
    if (board.wave === wave && board.step === "waiting") move(turn, place, { step: "cancelled" })
  })
  const failed = countOf(waveOf(turn.state), "failed")
  const boards = failed === 1 ? "1 board" : `${failed} boards`
  finish(turn, "stopped", `${boards} of wave ${wave + 1} failed`)
}

/** A session whose image is installed already cannot be aborted: how it ends decides what becomes of the board. */
const abort = (turn: Turn, board: RolloutBoard, place: number): void => {
  put(turn, place, { ...board, isAborting: true })
  turn.tells.push({ to: { kind: "session", id: sessionOf(turn.context, board) }, message: "Abort", payload: {} })
}

const rollBack = (turn: Turn, { id }: RolloutBoard, place: number): void => {
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

const openWave = (turn: Turn, wave: number): void => {
  const { needsApproval: _, reason: __, ...state } = turn.state
  turn.state = { ...state, wave, state: "running" }
  turn.events.push({ type: "rollout.wave-opened", data: { wave, boards: waveOf(turn.state).length } })
}

/** Whether a board of a stopped rollout is to go back. */
const goesBack = ({ state, rules, wave }: RolloutView, board: RolloutBoard): boolean =>
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
          if (board.wave === wave && board.step === "waiting" && hasRoom(turn) && room-- > 0)
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
const goOn = (turn: Turn): void => {
  advance(turn)
  if (turn.state.endedAt !== undefined) wind(turn)
  const { nextAt: _, ...state } = turn.state
  turn.state = hasRoom(turn) ? state : { ...state, nextAt: turn.context.now + paceMillis }
}

const notGood = ["failed", "away", "rolled-back", "cancelled", "waiting"] as const

const endOf = ({ boards }: RolloutView): string => {
  const good = countOf(boards, "good")
  if (good === boards.length) return "all boards are good"
  const others = notGood.flatMap((step) => {
    const count = countOf(boards, step)
    return count === 0 ? [] : `${count} ${step}`
  })
  return `${good} of ${boards.length} boards are good, ${others.join(", ")}; retry takes up those that failed or were away`
}

/** A board is through; a rollout that has ended or stands still only takes note. */
const through = (
  turn: Turn,
  place: number,
  to: Partial<RolloutBoard> & { readonly step: RolloutBoard["step"] }
): Noted => {
  move(turn, place, to)
  goOn(turn)
  return notedOf(turn)
}

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

const lateMillis = 60_000
/** The longest that a session takes, but for the patience with its board at the transfer, the check and the installation. */
const sessionMillis = 3_000_000

const lost = {
  provisioning: { step: "failed", code: codes.ETIMEDOUT, detail: "its session has not said how it ended" },
  observing: { step: "away", code: codes.NotAttached, detail: "it did not stay long enough to be watched" },
  "rolling-back": { step: "failed", code: codes.ETIMEDOUT, detail: "nobody knows whether it went back" }
} as const

const isLosable = (step: RolloutBoard["step"]): step is keyof typeof lost => step in lost

const refuse = (state: RolloutView, event: string): Outcome =>
  Behaviour.refuse(new InvalidTransition({ from: state.state, event }))

/** The behaviour of rollouts. */
export const rollout: Behaviour.AnyBehaviour = Behaviour.make<Rollout>(Rollout, {
  initial: () => initial,
  storage,

  dueAt: (state) => {
    let due = state.nextAt ?? Number.POSITIVE_INFINITY
    for (const board of state.boards) if (isLosable(board.step)) due = Math.min(due, lostAt(state, board))
    return due === Number.POSITIVE_INFINITY ? undefined : due
  },
  timeout: (state, context) => {
    const { now } = context
    const turn = begin(state, context)
    each(turn, (board, place) => {
      if (isLosable(board.step) && lostAt(state, board) <= now) move(turn, place, lost[board.step])
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
    each(turn, (board, place) => {
      if (board.step === "waiting") move(turn, place, { step: "cancelled" })
    })
    finish(turn, "cancelled", `cancelled by ${context.asker.id}`)
    goOn(turn)
    return outcomeOf(turn)
  },

  Retry: (state, _payload, context) => {
    const again = state.boards.filter(({ step }) => step === "failed" || step === "away")
    if (state.endedAt === undefined || again.length === 0) return refuse(state, "Retry")
    // What goes back goes back first: its wave would be closed over it.
    if (state.boards.some((board) => board.step === "rolling-back" || goesBack(state, board)))
      return refuse(state, "Retry")
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

  SessionEnded: (state, { session, device, state: ended, installed, program, code, detail }, context) => {
    const place = placeOf(state, device)
    const board = state.boards[place]
    if (board?.step !== "provisioning" || session !== sessionOf(context, board)) return {}
    const turn = begin(state, context)
    const isInstalled = ended === "ready" && (installed === "committed" || installed === "confirmed")
    if (!isInstalled) {
      if (code === codes.ECANCELED) return through(turn, place, { step: "cancelled" })
      // Silence before the image was whole is a board that went away; after it, the image may have taken the board down.
      const isAway = code === codes.ETIMEDOUT && installed === undefined
      return through(turn, place, {
        step: isAway ? "away" : "failed",
        code: code ?? codes.EIO,
        detail: detail ?? `the session ended ${installed ?? ended}`
      })
    }
    const name = program ?? state.instance ?? ""
    if (state.state === "stopped" && board.wave === state.wave && state.rules.rollsBack) {
      rollBack(turn, board, place)
      return notedOf(turn)
    }
    move(turn, place, { step: "observing", program: name })
    turn.tells.push({
      to: { kind: "device", id: device },
      message: "Observe",
      payload: {
        asker: context.self,
        key: session,
        program: name,
        forMillis: state.rules.observeMillis,
        patienceMillis: state.rules.patienceMillis
      }
    })
    return notedOf(turn)
  },

  Observed: (state, { key, device, code, detail }, context) => {
    const place = placeOf(state, device)
    const board = state.boards[place]
    if (board?.step !== "observing" || key !== sessionOf(context, board)) return {}
    const turn = begin(state, context)
    if (code === codes.ok) return through(turn, place, { step: "good" })
    const step = code === codes.NotAttached ? "away" : "failed"
    return through(turn, place, { step, code, ...(detail === undefined ? {} : { detail }) })
  },

  BoardAnswered: (state, { key, code, detail }, context) => {
    const place = state.boards.findIndex(({ id, step }) => step === "rolling-back" && key === `rollback ${id}`)
    if (place < 0) return {}
    const turn = begin(state, context)
    if (code === codes.ok) return through(turn, place, { step: "rolled-back" })
    return through(turn, place, { step: "failed", code, detail: detail ?? "it could not go back" })
  }
})
