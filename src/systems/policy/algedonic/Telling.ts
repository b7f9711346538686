/** The VSM hears how much it hurts: what nobody takes care of makes it degraded. */
import type { AlgedonicState } from "../../../protocol/vsm/Algedonic.ts"
import type { Turn } from "./Turn.ts"

/** What changes is said after this, ms: a signal that is over at once is never heard of, and nothing waits for it. */
const laterMillis = 500
/** Steps of what is said: it makes no difference to anybody whether it hurts by a hundredth more. */
const stepsPerUnit = 20
/** With so many tells under way a VSM that stands still is told later, so that pain itself has room. */
const tellsMax = 64

const worstOf = ({ signals }: AlgedonicState): number => {
  let worst = 0
  for (const { valence, stage, ack, intensity } of signals.values())
    if (valence === "pain" && stage !== "filtered" && ack === undefined) worst = Math.max(worst, intensity)
  return Math.floor(worst * stepsPerUnit + 1e-9) / stepsPerUnit
}

/** Says it when its time has come, and sets the time where it has changed. */
export const sayPain = (turn: Turn): void => {
  const { sayAt, ...state } = turn.state
  const pain = worstOf(state)
  if (pain === (state.saidPain ?? 0)) {
    if (sayAt !== undefined) turn.state = state
  } else if (sayAt === undefined) turn.state = { ...state, sayAt: turn.now + laterMillis }
  else if (turn.now < sayAt) return
  else if (turn.context.tellCount + turn.tells.length > tellsMax)
    turn.state = { ...state, sayAt: turn.now + laterMillis }
  else {
    turn.state = { ...state, saidPain: pain }
    turn.tells.push({ to: { kind: "vsm", id: turn.id }, message: "Hurts", payload: { pain } })
  }
}
