/** What a node counts of its actors, its store and its event loop, published as metrics once a second. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Effect, Layer, Metric, Schedule } from "effect"
import { Engine } from "../actors/Engine.ts"
import type { Store } from "../actors/Store.ts"

/** What a store did for its node since the start. */
export interface StoreCounts {
  /** Commit statements by how they ended. */
  readonly statements: Record<"written" | "refused" | "rolledBack" | "outage", number>
  /** Actors' commits that are durable. */
  commits: number
  /** Commits that somebody else's claim had overtaken. */
  fenced: number
  /** Messages given up for good. */
  deadLetters: number
}

/** Nothing yet. */
export const noCounts = (): StoreCounts => ({
  statements: { written: 0, refused: 0, rolledBack: 0, outage: 0 },
  commits: 0,
  fenced: 0,
  deadLetters: 0
})

const endings = { Written: "written", Refused: "refused", RolledBack: "rolledBack", Outage: "outage" } as const

/** The same store, counted. */
export const counted = (store: Store, counts: StoreCounts): Store => ({
  claim: (requests, owner, done) => store.claim(requests, owner, done),
  due: (shards, now, takeover, limit, done) => store.due(shards, now, takeover, limit, done),
  quarantine: (entry, done) => store.quarantine(entry, done),
  told: (address, since, done) => store.told(address, since, done),
  commit: (lane, owner, rows, done) =>
    store.commit(lane, owner, rows, (outcome) => {
      counts.statements[endings[outcome._tag]]++
      if (outcome._tag === "Written") {
        counts.commits += rows.length - outcome.fenced.size
        counts.fenced += outcome.fenced.size
        for (const [index, { dead }] of rows.entries()) {
          if (dead.length > 0 && !outcome.fenced.has(index)) counts.deadLetters += dead.length
        }
      }
      done(outcome)
    })
})

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })
const gauge = (name: string, description: string) => Metric.gauge(name, { description })

const residents = gauge("holon_actors_resident", "Actors in the memory of this node")
const watches = gauge("holon_watches", "Standing queries that actors of this node answer")
const shards = gauge("holon_shards_held", "Shards of this node")
const claims = counter("holon_actor_claims_total", "Times an actor was woken here")
const drops = counter("holon_actor_drops_total", "Times an actor left the memory of this node")
const failures = counter("holon_message_failures_total", "Messages that failed for good")
const skewed = counter("holon_clock_skew_total", "Times of others that were too far ahead to go by them")
const statements = counter("holon_store_statements_total", "Commit statements")
const commits = counter("holon_store_commits_total", "Commits of actors that are durable")
const fenced = counter("holon_store_fenced_total", "Commits that another node's claim had overtaken")
const deadLetters = counter("holon_dead_letters_total", "Messages written down as given up")
const loopDelay = gauge("holon_loop_delay_seconds", "How late the event loop was in the last second")
const memory = gauge("holon_process_resident_bytes", "Memory of this process")

const loopResolutionMillis = 20
const nanosPerSecond = 1e9

/** Adds what a total grew by since the last time. */
const makeGrow = () => {
  const seen = new Map<string, number>()
  return (key: string, metric: Metric.Counter<number>, total: number): Effect.Effect<void> => {
    const grown = total - (seen.get(key) ?? 0)
    if (grown === 0 && seen.has(key)) return Effect.void
    seen.set(key, total)
    return Metric.update(metric, grown)
  }
}

/** Publishes while its scope is open. */
export const layer = (store: StoreCounts): Layer.Layer<never, never, Engine> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const engine = yield* Engine
      const { registry, residency } = engine
      const grow = makeGrow()
      const loop = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const histogram = monitorEventLoopDelay({ resolution: loopResolutionMillis })
          histogram.enable()
          return histogram
        }),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      const each = <Key extends string>(
        counts: Readonly<Record<Key, number>>,
        label: string,
        name: string,
        metric: Metric.Counter<number>
      ) =>
        Effect.forEach(Object.entries<number>(counts), ([key, total]) =>
          grow(`${name} ${key}`, Metric.withAttributes(metric, { [label]: key }), total)
        )
      const round = Effect.gen(function* () {
        const byKind = residency.residents()
        const watched = residency.watches()
        for (const kind of registry.keys()) {
          yield* Metric.update(Metric.withAttributes(residents, { kind }), byKind.get(kind) ?? 0)
          yield* Metric.update(Metric.withAttributes(watches, { kind }), watched.get(kind) ?? 0)
        }
        yield* Metric.update(shards, engine.shards().length)
        const { counts } = residency
        yield* grow("claims", claims, counts.claims)
        yield* grow("failures", failures, counts.failures)
        yield* grow("skewed", skewed, counts.skewed)
        yield* each(counts.drops, "reason", "drops", drops)
        yield* each(store.statements, "ended", "statements", statements)
        yield* grow("commits", commits, store.commits)
        yield* grow("fenced", fenced, store.fenced)
        yield* grow("deadLetters", deadLetters, store.deadLetters)
        for (const [quantile, nanos] of [
          ["0.5", loop.percentile(50)],
          ["0.99", loop.percentile(99)],
          ["1", loop.max]
        ] as const) {
          // The histogram counts the time between two turns; what is above the resolution is lateness.
          const late = Math.max(0, nanos / nanosPerSecond - loopResolutionMillis / 1000)
          yield* Metric.update(Metric.withAttributes(loopDelay, { quantile }), late)
        }
        loop.reset()
        yield* Metric.update(memory, process.memoryUsage.rss())
      })
      yield* Effect.forkScoped(Effect.repeat(round, Schedule.spaced("1 second")))
    })
  )
