/** What acts come to, and the one end of an op. */
import type { HolonError } from "../../../protocol/Errors.ts"
import type { ActEnd, Chunk, Op, OpOutcome } from "../../../protocol/vsm/Op.ts"
import { type Refusal, refusalOf } from "../../../protocol/vsm/Spawn.ts"
import type { VsmId } from "../../../protocol/vsm/VsmId.ts"
import { withAlternatives } from "./Alternatives.ts"
import { retire, type Turn, tellDispatcher, write, writeChunks } from "./Turn.ts"
import { viewOf } from "./Views.ts"

const outcomeOf = (op: Op, chunks: ReadonlyArray<Chunk>): OpOutcome => {
  if (chunks.some(({ outcome }) => outcome === "cancelled") || (op.isCancelling === true && chunks.length === 0))
    return "cancelled"
  return chunks.some(({ outcome }) => outcome === "failed") ? "failed" : "done"
}

/** The one end of an op. */
export const end = (turn: Turn, op: Op, outcome: OpOutcome, refusal?: Refusal): void => {
  const chunks = turn.state.chunks.get(op.op) ?? []
  const view = viewOf(op, chunks)
  const why = refusal ?? chunks.find((chunk) => chunk.refusal !== undefined)?.refusal
  const key = keyOf(op)
  retire(turn, {
    ...(key !== undefined && { key }),
    view: {
      ...view,
      state: "ended",
      outcome,
      endedAt: turn.now,
      progress: outcome === "done" ? 1 : view.progress,
      ...(why !== undefined && { refusal: why })
    }
  })
  turn.events.push({
    type: "op.ended",
    severity: outcome === "done" ? "info" : "warn",
    ...(op.because !== undefined && { because: op.because }),
    data: {
      op: op.op,
      ...(view.capability !== undefined && { capability: view.capability }),
      outcome,
      targets: op.actCount,
      failed: op.failedCount,
      durationMillis: turn.now - op.askedAt,
      ...(why !== undefined && { refusal: why })
    }
  })
}

/** Under which an op is found again by who gave it: the key of one asker is not that of another. */
export const keyOf = ({ by, idempotencyKey }: Pick<Op, "by" | "idempotencyKey">): string | undefined =>
  idempotencyKey === undefined ? undefined : `${by} ${idempotencyKey}`

const tally = (turn: Turn, { intent }: Op, ends: ReadonlyArray<ActEnd>): void => {
  if (intent === undefined) return
  const { done, failed } = turn.state.tallies.get(intent.capability) ?? { done: 0, failed: 0 }
  const bad = ends.filter(({ outcome }) => outcome === "failed").length
  const good = ends.filter(({ outcome }) => outcome === "done" || outcome === "later").length
  const next = { done: done + good, failed: failed + bad }
  turn.state = { ...turn.state, tallies: new Map(turn.state.tallies).set(intent.capability, next) }
}

/** What an act came to, and for whom it was where the op has no such act. */
export type Came = ActEnd & { readonly target?: string }

/** Writes down what acts came to, each once; answers what was not known. */
const record = (turn: Turn, before: Op, ends: ReadonlyArray<Came>, via?: VsmId) => {
  const acts = new Map(turn.state.acts.get(before.op)?.map((act) => [act.place, act]))
  const open = new Set(before.open)
  const fresh = ends.filter(({ place }) => open.delete(place))
  const chunks = [...(turn.state.chunks.get(before.op) ?? [])]
  for (const each of fresh) {
    const { place, target, ...came } = withAlternatives(each, before, turn.state.tallies)
    const { kind = "", id = "", unit = target ?? "" } = acts.get(place)?.step ?? {}
    const whom = { seq: chunks.length, target: target ?? `${kind}/${id}`, unit }
    chunks.push({ ...whom, ...came, at: turn.now, ...(via !== undefined && { via }) })
  }
  if (fresh.length > 0) writeChunks(turn, before, chunks)
  tally(turn, before, fresh)
  const failedCount = before.failedCount + fresh.filter(({ outcome }) => outcome === "failed").length
  const op = write(turn, { ...before, open: [...open], failedCount })
  return { op, fresh }
}

/** Tells the dispatcher above what acts came to. */
const tellAbove = (turn: Turn, op: Op, fresh: ReadonlyArray<Came>, isEnded: boolean): void => {
  const { parent } = op
  if (parent === undefined || (fresh.length === 0 && !isEnded)) return
  const ends = fresh.map(({ target: _, ...each }) => each)
  tellDispatcher(turn, op, parent.vsm, "Reported", { op: parent.op, from: turn.id, ends, isEnded })
}

/** Writes down what acts came to; the op ends with its last one. Answers the op while it goes on. */
export const settle = (turn: Turn, before: Op, ends: ReadonlyArray<Came>, via?: VsmId): Op | undefined => {
  const { op, fresh } = record(turn, before, ends, via)
  const isOver = op.open.length === 0
  tellAbove(turn, op, fresh, isOver)
  if (!isOver) return op
  end(turn, op, outcomeOf(op, turn.state.chunks.get(op.op) ?? []))
  return undefined
}

/** Ends an op of which nothing is done. */
export const refuse = (turn: Turn, before: Op, ends: ReadonlyArray<Came>, refusal: Refusal | undefined): void => {
  const { op, fresh } = record(turn, before, ends)
  tellAbove(turn, op, fresh, true)
  end(turn, op, op.isCancelling === true ? "cancelled" : "refused", refusal)
}

/** All of these acts come to the same. */
export const all = (
  places: ReadonlyArray<number>,
  outcome: ActEnd["outcome"],
  error?: HolonError
): ReadonlyArray<ActEnd> =>
  places.map((place) => ({ place, outcome, ...(error !== undefined && { refusal: refusalOf(error) }) }))
