/** What people see of ops. */
import type { Asker } from "../../../protocol/Asker.ts"
import type { DispatcherState } from "../../../protocol/vsm/Dispatcher.ts"
import type { Chunk, Op, OpSummary, OpView } from "../../../protocol/vsm/Op.ts"
import { latest, recall } from "./Memory.ts"

const noChunks: ReadonlyArray<Chunk> = []

/** An op that is under way, with what came of it so far. */
export const viewOf = (op: Op, chunks: ReadonlyArray<Chunk> = noChunks): OpView => {
  const { asker: _, because: __, parent: ___, below, open, batch: ____, attempt: _____, actCount, ...rest } = op
  const { intent, isUnderstood, progress, ...shown } = rest
  const ended = actCount - open.length
  return {
    ...shown,
    ...(intent !== undefined && {
      capability: intent.capability,
      args: intent.args,
      ...(intent.targets !== undefined && { targets: intent.targets })
    }),
    state: isUnderstood === true ? "running" : "reading",
    targetCount: actCount,
    chunkCount: chunks.length,
    progress: actCount === 0 ? 0 : Math.min(1, (ended + progress * (below.length === 0 ? open.length : 0)) / actCount),
    chunks
  }
}

/** One op, whether it has ended or not. */
export const look = (state: DispatcherState, op: string): OpView | undefined => {
  const known = state.ops.get(op)
  return known === undefined ? recall(state, op)?.view : viewOf(known, state.chunks.get(op))
}

/** An op in a list. */
export const summaryOf = (view: OpView): OpSummary => {
  const {
    chunks: _,
    progress: __,
    note: ___,
    took: ____,
    planned: _____,
    answer: ______,
    unclear: _______,
    ...rest
  } = view
  const { args, targets, idempotencyKey, concluded, retries, ...summary } = rest
  return summary
}

/** Whether an op is any business of who asks: it may be for devices anywhere, so who is confined to zones has his own ones. */
export const concerns = ({ kind, id, zones }: Asker, { by }: Pick<Op, "by">): boolean =>
  zones === undefined || by === `${kind}/${id}`

const limitDefault = 100

/** Ops in a list, newest first. */
export const list = (
  state: DispatcherState,
  { state: wanted, limit = limitDefault }: { readonly state?: OpView["state"]; readonly limit?: number },
  asker: Asker
): ReadonlyArray<OpSummary> => {
  const open = [...state.ops.values()].map((op) => viewOf(op, state.chunks.get(op.op))).reverse()
  const most = asker.zones === undefined ? limit : Number.POSITIVE_INFINITY
  const ended = wanted === undefined || wanted === "ended" ? latest(state, most).map(({ view }) => view) : []
  return [...open, ...ended]
    .filter((view) => (wanted === undefined || view.state === wanted) && concerns(asker, view))
    .slice(0, limit)
    .map(summaryOf)
}
