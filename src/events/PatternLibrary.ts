/** What a node knows of the patterns of its cluster: it reads them once, and from then on what has changed. */
import { Context, Effect, Layer, Semaphore } from "effect"
import { PatternGraph } from "../protocol/pattern/PatternGraph.ts"
import {
  everyPattern,
  isReadable,
  type KeptPattern,
  Patterns,
  type PatternsUnavailable,
  type StoredPattern
} from "./Patterns.ts"

/** Patterns that are taken into memory before others have their turn. */
const stride = 50

/** All patterns that can be read, as of when it was asked for. It changes when it is asked for again: nothing is kept over a wait. */
export interface KnownPatterns {
  /** Another number after each change. */
  readonly revision: number
  readonly stored: ReadonlyMap<string, StoredPattern>
  readonly graph: PatternGraph
}

interface Known {
  revision: number
  readonly stored: Map<string, StoredPattern>
  readonly graph: PatternGraph
}

const forget = ({ stored, graph }: Known, name: string): void => {
  stored.delete(name)
  graph.delete(name)
}

/** One that cannot be read is as one that is not there: it must not stop the others. */
const learn = (known: Known, each: KeptPattern): void => {
  if (!isReadable(each)) return forget(known, each.name)
  known.stored.set(each.name, each)
  known.graph.set(each.pattern, each.isOn)
}

const warn = (patterns: ReadonlyArray<KeptPattern>) =>
  Effect.forEach(
    patterns,
    (each) =>
      isReadable(each)
        ? Effect.void
        : Effect.logWarning(`pattern ${each.name} version ${each.version} looks at nothing: ${each.unreadable}`),
    { discard: true }
  )

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
  const changing = yield* Semaphore.make(1)
  let known: Known | undefined

  const readAll = Effect.gen(function* () {
    // The revision first: what changes while they are read is then read again.
    const revision = yield* patterns.revision
    const all = yield* everyPattern(patterns)
    const made: Known = { revision, stored: new Map(), graph: new PatternGraph() }
    for (const [index, each] of all.entries()) {
      if (index % stride === stride - 1) yield* Effect.yieldNow
      learn(made, each)
    }
    known ??= made
    yield* warn(all)
  })

  /**
   * Whoever reads applies what was read at once, and only where nobody else was faster. Nobody waits for another's reading: one
   * that holds the lock of all changes would wait for a query that may stand behind one that waits for the lock.
   */
  const readOn = Effect.fnUntraced(function* (since: number) {
    const { revision, changed, removed } = yield* patterns.changedSince(since)
    if (known?.revision !== since) return false
    for (const each of changed) learn(known, each)
    for (const name of removed) forget(known, name)
    known.revision = revision
    yield* warn(changed)
    return true
  })

  const current = Effect.gen(function* () {
    for (;;) {
      if (known === undefined) yield* readAll
      else if (yield* readOn(known.revision)) return { ...known } satisfies KnownPatterns
    }
  })

  return PatternLibrary.of({
    current,
    alone: (change) => changing.withPermits(1)(patterns.alone(change))
  })
})

/** Of this node's database. */
export const layer: Layer.Layer<PatternLibrary, never, Patterns> = Layer.effect(PatternLibrary, make)
