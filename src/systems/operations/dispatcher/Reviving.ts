/** Ops that nobody would end: those whose effect was another activation's, and those whose life and grace are over. */
import { Timeout } from "../../../protocol/Errors.ts"
import type { DispatcherState } from "../../../protocol/vsm/Dispatcher.ts"
import type { Op } from "../../../protocol/vsm/Op.ts"
import { refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { graceMillis } from "./Batch.ts"
import { work } from "./Course.ts"
import { all, refuse, settle } from "./Ending.ts"
import type { Turn } from "./Turn.ts"

/** After the end of an op's life, how long its effect and those below may take to say so, ms. */
const endMillis = graceMillis + 10_000
const belowMillis = 15_000

const overdueAt = ({ until, below }: Op): number => until + endMillis + (below.length > 0 ? belowMillis : 0)

/** When the next op is given up; infinite for never. */
export const opsDue = ({ ops }: DispatcherState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const op of ops.values()) due = Math.min(due, overdueAt(op))
  return due
}

const giveUp = (turn: Turn, op: Op): void => {
  const error = new Timeout({ ms: turn.now - op.askedAt })
  if (op.isUnderstood === true) settle(turn, op, all(op.open, "failed", error))
  else refuse(turn, op, all(op.open, "failed", error), refusalOf(error))
}

/** Ends what nobody will end any more, and begins again what an effect of another activation had begun. */
export const revive = (turn: Turn): void => {
  for (const op of turn.state.ops.values()) {
    if (overdueAt(op) <= turn.now) giveUp(turn, op)
    else if (!turn.resident.running.has(op.op)) work(turn, op)
  }
}
