/** Has an order carried out by a dispatcher, and shows how each unit comes to its end. */
import { Console, Effect, type Schema } from "effect"
import type { Intent } from "../protocol/intent/Intent.ts"
import { type Chunk, isEnded, OpView, targetsMax } from "../protocol/vsm/Op.ts"
import { errorOf } from "../protocol/vsm/Spawn.ts"
import { type Acts, chunkLine } from "./AskReport.ts"
import { type Place, sendTo, watchUntil } from "./Following.ts"

/** What came of an order; a large one is several ops. */
export interface Ended {
  readonly ops: ReadonlyArray<string>
  readonly chunks: ReadonlyArray<Chunk>
}

/** Longest wait for the boards of one op, ms. */
const lifeMillis = 120_000

/**
 * The devices that were shown, by their ids: who said yes to three heaters does not turn off a fourth one that has come since.
 * A rollout is one message for all of its devices, and chooses them itself.
 */
const shownIds = ({ targets }: Intent, { steps }: Acts): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  if (targets === undefined || steps.some(({ kind }) => kind === "rollout")) return undefined
  const ids = steps.map(({ unit }) => unit)
  return Array.from({ length: Math.ceil(ids.length / targetsMax) }, (_, at) =>
    ids.slice(at * targetsMax, (at + 1) * targetsMax)
  )
}

const dispatched = (place: Place, order: Schema.Json, acts: Acts, isQuiet: boolean) =>
  Effect.gen(function* () {
    const begun = yield* sendTo(place, "DispatchIntent", order, OpView)
    let shown = 0
    const show = ({ chunks }: OpView) =>
      Effect.gen(function* () {
        const news = chunks.slice(shown)
        shown = chunks.length
        if (isQuiet || acts.steps.length < 2) return
        for (const chunk of news) yield* Console.log(chunkLine(chunk, acts.done))
      })
    const ended = yield* watchUntil(place, "WatchOp", { op: begun.op }, { item: OpView, isEnd: isEnded, show })
    if (ended.chunks.length === 0 && ended.refusal !== undefined) return yield* errorOf(ended.refusal)
    return ended
  })

/** Has it done by the dispatcher of a VSM. Fails with the refusal where nothing of it is done. */
export const carriedOut = (
  vsm: string,
  intent: Intent,
  acts: Acts,
  said: { readonly text: string; readonly json: boolean }
) =>
  Effect.gen(function* () {
    const { args, capability, targets } = intent
    const place = { kind: "dispatcher", id: vsm }
    const order = { capability, args, said: said.text, lifeMillis }
    const parts = shownIds(intent, acts)
    const orders =
      parts === undefined
        ? [{ ...order, ...(targets !== undefined && { targets }) }]
        : parts.map((ids) => ({ ...order, targets: { of: ids.map((id) => ({ id })), except: [] } }))
    const ended: Array<OpView> = []
    for (const each of orders) ended.push(yield* dispatched(place, each, acts, said.json))
    return { ops: ended.map(({ op }) => op), chunks: ended.flatMap(({ chunks }) => chunks) } satisfies Ended
  })
