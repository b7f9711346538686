/** What a dispatcher above hands on: an op here that is a part of one there. */
import { reasonOf } from "../../../actors/Origin.ts"
import type { PayloadOf } from "../../../protocol/Contract.ts"
import { DepthExceeded, type HolonError, SpawnDenied } from "../../../protocol/Errors.ts"
import type { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import type { Op } from "../../../protocol/vsm/Op.ts"
import { work } from "./Course.ts"
import { all } from "./Ending.ts"
import { recall } from "./Memory.ts"
import { type Turn, tellDispatcher, write, writeActs } from "./Turn.ts"

type Handed = PayloadOf<Dispatcher, "Delegate">

const pathMax = 16

/** An op never comes back to where it was: two trees that disagree would hand it round and round. */
const objection = ({ id }: Turn, { path }: Handed): HolonError | undefined => {
  if (path.includes(id)) return new SpawnDenied({ reason: "loop" })
  return path.length < pathMax ? undefined : new DepthExceeded({ depth: path.length, limit: pathMax })
}

/** Takes it, once; whoever handed it on is told what its acts come to, and when nothing more does. */
export const delegated = (turn: Turn, handed: Handed): void => {
  const { op: id, parent, path, asker, intent, title, priority, until, acts } = handed
  const above = path.at(-1)
  if (above === undefined || turn.state.ops.has(id) || recall(turn.state, id) !== undefined) return
  const because = reasonOf(turn.context)
  const refusal = objection(turn, handed)
  const op: Op = {
    op: id,
    by: `${asker.kind}/${asker.id}`,
    path: refusal === undefined ? [...path, turn.id] : path,
    ...(intent !== undefined && { intent }),
    ...(title !== undefined && { title }),
    ...(because !== undefined && { because }),
    priority,
    askedAt: turn.now,
    until,
    asker,
    parent: { vsm: above, op: parent },
    below: [],
    actCount: acts.length,
    open: acts.map(({ place }) => place),
    batch: 0,
    attempt: 0,
    failedCount: 0,
    progress: 0,
    retries: 0,
    took: {}
  }
  if (refusal !== undefined) {
    const ends = all(op.open, "failed", refusal)
    tellDispatcher(turn, op, above, "Reported", { op: parent, from: turn.id, ends, isEnded: true })
    return
  }
  write(turn, op)
  writeActs(turn, op, acts)
  const capability = intent === undefined ? {} : { capability: intent.capability }
  turn.events.push({ type: "op.started", data: { op: id, by: op.by, path: op.path, ...capability } })
  work(turn, op)
}
