/** Waiting for events: one reader of the stream for all who wait on a node, as long as somebody does. */
import { Context, Deferred, Effect, Layer, RcMap, type Scope, Stream } from "effect"
import { EventStream, type PlacedEvent, type Selection } from "./EventStream.ts"

/** A reader that nobody needs stays for so long: whoever waits again soon finds it. */
const idle = "10 seconds"
const outagePause = "500 millis"

/** What came since somebody began to wait. */
export interface Arrival {
  /** Ends with the first event that is meant. */
  readonly first: Effect.Effect<void>
  /** Behind what was looked at so far and is not meant: never behind an event that is, however late somebody asks. */
  readonly cursor: () => string
}

interface Waiter {
  readonly matches: (event: PlacedEvent["event"]) => boolean
  readonly first: Deferred.Deferred<void>
  /** In front of the first event that is meant, once it has come. */
  metAt: string | undefined
}

/** The end of the stream, as a node reads it. */
class Tail {
  readonly waiters = new Set<Waiter>()
  cursor: string

  constructor(cursor: string) {
    this.cursor = cursor
  }

  hear({ cursor, event }: PlacedEvent): void {
    for (const waiter of this.waiters) {
      if (!waiter.matches(event)) continue
      this.waiters.delete(waiter)
      waiter.metAt = this.cursor
      Deferred.doneUnsafe(waiter.first, Effect.void)
    }
    this.cursor = cursor
  }
}

/**
 * See the file. Whoever begins to wait and then reads the stream misses nothing: what that read did not see, arrives.
 * An outage of the store delays.
 */
export class Arrivals extends Context.Service<
  Arrivals,
  { readonly watch: (selection: Selection) => Effect.Effect<Arrival, never, Scope.Scope> }
>()("holon/events/Arrivals") {
  static readonly layer: Layer.Layer<Arrivals, never, EventStream> = Layer.effect(
    Arrivals,
    Effect.gen(function* () {
      const stream = yield* EventStream
      const nothing = { events: 1, commits: 1 }
      const end = (hasSamples: boolean) =>
        stream.read({ _tag: "Now" }, { hasSamples, matches: () => false }, nothing).pipe(
          Effect.tapError(() => Effect.sleep(outagePause)),
          Effect.eventually
        )
      // By whether samples are meant: to read them for nobody costs more than all events.
      const tails = yield* RcMap.make({
        idleTimeToLive: idle,
        lookup: Effect.fnUntraced(function* (hasSamples: boolean) {
          const { next: cursor } = yield* end(hasSamples)
          const tail = new Tail(cursor)
          yield* stream.follow({ _tag: "After", cursor }, { hasSamples, matches: () => true }).pipe(
            Stream.runForEach((placed) => Effect.sync(() => tail.hear(placed))),
            Effect.orDie,
            Effect.forkScoped
          )
          return tail
        })
      })
      return Arrivals.of({
        watch: Effect.fnUntraced(function* ({ hasSamples, matches }) {
          const tail = yield* RcMap.get(tails, hasSamples)
          const waiter: Waiter = { matches, first: Deferred.makeUnsafe(), metAt: undefined }
          yield* Effect.acquireRelease(
            Effect.sync(() => tail.waiters.add(waiter)),
            () => Effect.sync(() => tail.waiters.delete(waiter))
          )
          return { first: Deferred.await(waiter.first), cursor: () => waiter.metAt ?? tail.cursor }
        })
      })
    })
  )
}
