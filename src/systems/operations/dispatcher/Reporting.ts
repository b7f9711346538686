/** While a batch is carried out, its op hears how far it is. */
import { Effect } from "effect"
import { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import type { Meant } from "../../../protocol/vsm/Op.ts"
import { type Run, runtimeFor } from "./Batch.ts"
import { timed } from "./Timing.ts"

/** What ends sooner is told with the end of the batch alone. */
const reportMillis = 40
/** What an op means is told on the way where it takes longer than this. */
const meantMillis = 250
const noteMax = 256

/** How far the acts are that have not ended. */
const progressOf = ({ batch, ends, progress }: Run): number => {
  const ended = new Set(ends.map(({ place }) => place))
  const open = batch.acts.filter(({ place }) => !ended.has(place))
  const sum = open.reduce((total, { place }) => total + (progress.get(place) ?? 0), 0)
  return Math.min(1, Math.max(0, sum / Math.max(1, open.length)))
}

/**
 * Tells the dispatcher what there is to tell, as long as it is not interrupted: first what the op was found to mean, where that is
 * not written down yet. The last end is told by the batch itself.
 */
export const reporting = (run: Run, meant: Meant | undefined): Effect.Effect<never> => {
  const { actors, batch } = run
  const by = { asker: runtimeFor(batch.asker) }
  let told = 0
  let rounds = 0
  let isMeant = meant === undefined
  const report = Effect.suspend(() => {
    const { news, note, ends } = run
    const isLong = ++rounds * reportMillis >= meantMillis && !isMeant
    if ((news === told && !isLong) || ends.length === batch.acts.length) return Effect.void
    const payload = {
      op: batch.op,
      batch: batch.batch,
      ends: [...ends],
      progress: progressOf(run),
      ...(note !== undefined && { note: note.slice(0, noteMax) }),
      ...(meant !== undefined && !isMeant && { meant })
    }
    const send = Effect.map(actors.ask(Dispatcher, batch.vsm, "Progress", payload, by), () => {
      told = news
      isMeant = true
    })
    return Effect.ignore(timed(run.measured, "stream", send))
  })
  return report.pipe(Effect.delay(reportMillis), Effect.forever)
}
