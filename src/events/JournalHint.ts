/** The word within a process that something was journalled. It says when to look, never what is there. */
import { Context, Effect, Layer, Queue, type Scope } from "effect"

export class JournalHint extends Context.Service<
  JournalHint,
  {
    /** Called after each commit with a journal row; cheap, never throws. */
    readonly journalled: () => void
    /** Hints from now on; those that come while the last one was not taken are one. */
    readonly subscribe: Effect.Effect<Queue.Dequeue<void>, never, Scope.Scope>
  }
>()("holon/events/JournalHint") {
  static readonly layer: Layer.Layer<JournalHint> = Layer.sync(JournalHint, () => {
    const queues = new Set<Queue.Queue<void>>()
    return JournalHint.of({
      journalled: () => {
        for (const queue of queues) Queue.offerUnsafe(queue, undefined)
      },
      subscribe: Effect.acquireRelease(
        Effect.tap(Queue.sliding<void>(1), (queue) => Effect.sync(() => queues.add(queue))),
        (queue) => Effect.sync(() => queues.delete(queue))
      )
    })
  })
}
