/** While a batch is carried out: its op hears how far it is, and it hears when nobody wants it any more. */
import { Deferred, Effect, Schema, Stream } from "effect"
import { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import { type Meant, OpView } from "../../../protocol/vsm/Op.ts"
import { type Run, runtimeFor } from "./Batch.ts"
import { timed } from "./Timing.ts"

/** What ends sooner is told with the end of the batch alone. */
const reportMillis = 40
const noteMax = 256

/** Stops the batch once its op is cancelled. Most batches have ended before anybody looks. */
export const watching = ({ actors, batch, stop }: Run): Effect.Effect<void> =>
  actors
    .watch({ kind: Dispatcher.kind, id: batch.vsm }, "WatchOp", { op: batch.op }, { asker: runtimeFor(batch.asker) })
    .pipe(
      Stream.mapEffect((item) => Effect.orDie(Schema.decodeUnknownEffect(OpView)(item))),
      Stream.takeUntil((view) => view.isCancelling === true),
      Stream.runDrain,
      Effect.andThen(Deferred.succeed(stop, undefined)),
      Effect.ignore,
      Effect.delay(reportMillis)
    )

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
  let told = meant === undefined ? 0 : -1
  const report = Effect.suspend(() => {
    const { news, note, ends } = run
    if (news === told || ends.length === batch.acts.length) return Effect.void
    const payload = {
      op: batch.op,
      batch: batch.batch,
      ends: [...ends],
      progress: progressOf(run),
      ...(note !== undefined && { note: note.slice(0, noteMax) }),
      ...(meant !== undefined && told < 0 && { meant })
    }
    const send = Effect.map(actors.ask(Dispatcher, batch.vsm, "Progress", payload, by), () => {
      told = news
    })
    return Effect.ignore(timed(run.measured, "stream", send))
  })
  return report.pipe(Effect.delay(reportMillis), Effect.forever)
}
