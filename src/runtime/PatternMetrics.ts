/** What this node counts while it looks for patterns, published as metrics now and then: nothing is updated per event. */
import { Effect, Layer, Metric, Schedule } from "effect"
import { PatternWatch } from "../events/engine/PatternWatch.ts"

/** Patterns with a label of their own, those that were heard of first; all others are counted as `other`. */
export const labelledMax = 100
const pause = "2 seconds"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const events = counter("holon_matcher_events_total", "Events that conditions of patterns were matched with")
const candidates = counter("holon_matcher_candidates_total", "Conditions that events brought up")
const tests = counter("holon_matcher_tests_total", "Comparisons made for them")
const hits = counter("holon_matcher_hits_total", "Conditions that events fulfilled")
const seconds = counter("holon_pattern_look_seconds_total", "Time spent with events in search of patterns")
const patterns = counter("holon_pattern_counted_total", "What patterns looked at, matched and gave up, by pattern")

const cost = counter(
  "holon_pattern_seconds_total",
  "Time a pattern took when it looked at events, with those that follow it; estimated from one look of sixteen"
)

const counts = ["evaluated", "matched", "suppressed", "late", "keyless", "dropped", "evicted"] as const

/** What totals grew by from one round to the next; what was built anew meanwhile begins at nothing. */
export class Growth {
  #before = new Map<string, number>()
  #now = new Map<string, number>()

  by(key: string, total: number): number {
    const before = this.#before.get(key) ?? 0
    this.#now.set(key, total)
    return total < before ? total : total - before
  }

  /** Forgets what this round did not speak of. */
  endRound(): void {
    this.#before = this.#now
    this.#now = new Map()
  }
}

/** Which label a pattern has: its name, for the first of them. */
export const makeLabels = () => {
  const labelled = new Set<string>()
  return (name: string): string => {
    if (labelled.size < labelledMax) labelled.add(name)
    return labelled.has(name) ? name : "other"
  }
}

/** Publishes while its scope is open. */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  Effect.gen(function* () {
    const watch = yield* PatternWatch
    const growth = new Growth()
    const labelOf = makeLabels()
    const round = Effect.gen(function* () {
      const grown = new Map<string, { readonly pattern: string; readonly what: string; by: number }>()
      for (const { partition, matching, millis, patterns: each } of watch.counts()) {
        for (const [metric, what, total] of [
          [events, "events", matching.events],
          [candidates, "candidates", matching.candidates],
          [tests, "tests", matching.tested],
          [hits, "hits", matching.hits],
          [seconds, "seconds", millis / 1000]
        ] as const)
          yield* Metric.update(metric, growth.by(`${partition} ${what}`, total))
        for (const [name, { counts: metrics, millis: took }] of each) {
          // What nobody looked at has counted nothing, and needs no label.
          if (metrics.evaluated === 0) continue
          const pattern = labelOf(name)
          const grownBy = growth.by(`${partition} cost ${name}`, took / 1000)
          if (grownBy > 0) yield* Metric.update(Metric.withAttributes(cost, { pattern }), grownBy)
          for (const what of counts) {
            const by = growth.by(`${partition} ${what} ${name}`, metrics[what])
            const key = `${what} ${pattern}`
            const sum = grown.get(key)
            if (sum === undefined) grown.set(key, { pattern, what, by })
            else sum.by += by
          }
        }
      }
      growth.endRound()
      for (const { pattern, what, by } of grown.values())
        if (by > 0) yield* Metric.update(Metric.withAttributes(patterns, { pattern, what }), by)
    })
    yield* Effect.forkScoped(Effect.repeat(round, Schedule.spaced(pause)))
  })
)
