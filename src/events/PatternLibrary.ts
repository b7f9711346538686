/** What a node knows of the patterns of its cluster: it reads them once, and from then on what has changed. */
import { Context, Effect, Layer, Semaphore } from "effect"
import { PatternGraph } from "../protocol/pattern/PatternGraph.ts"
import { everyPattern, Patterns, type PatternsUnavailable, type StoredPattern } from "./Patterns.ts"

/** Patterns that are taken into memory before others have their turn. */
const stride = 50

/** All patterns as of when it was asked for. It changes when it is asked for again: nothing is kept over a wait. */
export interface KnownPatterns {
  /** Another number after each change. */
  readonly revision: number
  readonly stored: ReadonlyMap<string, StoredPattern>
  readonly graph: PatternGraph
}

export class PatternLibrary extends Context.Service<
  PatternLibrary,
  {
    readonly current: Effect.Effect<KnownPatterns, PatternsUnavailable>
    /** As that of {@link Patterns}. Changes of one node wait here for each other, and not with a connection each. */
    readonly alone: <A, E, R>(change: Effect.Effect<A, E, R>) => Effect.Effect<A, E | PatternsUnavailable, R>
  }
>()("holon/events/PatternLibrary") {}

const make = Effect.gen(function* () {
  const patterns = yield* Patterns
  const reading = yield* Semaphore.make(1)
  const changing = yield* Semaphore.make(1)
  const stored = new Map<string, StoredPattern>()
  const graph = new PatternGraph()
  let revision: number | undefined

  const learn = (each: StoredPattern): void => {
    stored.set(each.name, each)
    graph.set(each.pattern, each.isOn)
  }

  const forget = (name: string): void => {
    stored.delete(name)
    graph.delete(name)
  }

  const learnAll = Effect.fnUntraced(function* (all: ReadonlyArray<StoredPattern>) {
    for (const [index, each] of all.entries()) {
      if (index % stride === stride - 1) yield* Effect.yieldNow
      learn(each)
    }
  })

  const readAll = Effect.gen(function* () {
    // The revision first: what changes while they are read is then read again.
    const before = yield* patterns.revision
    // An earlier reading may have failed half-way.
    for (const name of [...stored.keys()]) forget(name)
    yield* learnAll(yield* everyPattern(patterns))
    revision = before
    return before
  })

  const readOn = Effect.fnUntraced(function* (since: number) {
    const { revision: newest, changed, removed } = yield* patterns.changedSince(since)
    yield* learnAll(changed)
    for (const name of removed) forget(name)
    revision = newest
    return newest
  })

  return PatternLibrary.of({
    current: reading
      .withPermits(1)(Effect.suspend(() => (revision === undefined ? readAll : readOn(revision))))
      .pipe(Effect.map((newest): KnownPatterns => ({ revision: newest, stored, graph }))),
    alone: (change) => changing.withPermits(1)(patterns.alone(change))
  })
})

/** Of this node's database. */
export const layer: Layer.Layer<PatternLibrary, never, Patterns> = Layer.effect(PatternLibrary, make)
