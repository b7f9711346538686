/** What the nodes that look for a pattern have counted of it, added up. */
import { Effect, Schema } from "effect"
import { Actors } from "../../actors/Actors.ts"
import { partitionCount } from "../../events/engine/Partition.ts"
import { Patterns, PatternsUnavailable } from "../../events/Patterns.ts"
import { runtimeAsker } from "../../protocol/Asker.ts"
import { Unavailable } from "../../protocol/Errors.ts"
import { PatternNumbers, PatternPartition } from "../../protocol/PatternPartition.ts"

/** Numbers since those who count began to look: each begins anew when its node does, and with another version. */
export const PatternStats = Schema.Struct({
  name: Schema.String,
  /** How many of the actors that share its keys look for it and have answered, of how many there are. */
  counting: Schema.Int,
  partitions: Schema.Int,
  ...PatternNumbers.fields
})
export type PatternStats = typeof PatternStats.Type

const none: PatternNumbers = {
  evaluated: 0,
  matched: 0,
  suppressed: 0,
  late: 0,
  keyless: 0,
  dropped: 0,
  evicted: 0,
  micros: 0,
  keys: 0,
  bytes: 0
}

const plus = (one: PatternNumbers, other: PatternNumbers): PatternNumbers => ({
  evaluated: one.evaluated + other.evaluated,
  matched: one.matched + other.matched,
  suppressed: one.suppressed + other.suppressed,
  late: one.late + other.late,
  keyless: one.keyless + other.keyless,
  dropped: one.dropped + other.dropped,
  evicted: one.evicted + other.evicted,
  micros: one.micros + other.micros,
  keys: one.keys + other.keys,
  bytes: one.bytes + other.bytes
})

const partitions = Array.from({ length: partitionCount }, (_, index) => String(index))

/** By the name of a pattern. Fails with `NotFound` where there is none. */
export const patternStats = Effect.gen(function* () {
  const patterns = yield* Patterns
  const actors = yield* Actors
  // One that is on its way to another node is left out: it begins to count anew there.
  const numbersIn = (partition: string, pattern: string) =>
    actors
      .ask(PatternPartition, partition, "GetNumbers", { pattern }, { asker: runtimeAsker })
      .pipe(Effect.catch(() => Effect.succeed({ numbers: undefined })))
  return Effect.fnUntraced(function* (name: string) {
    yield* Effect.mapError(patterns.get(name), (error) =>
      error instanceof PatternsUnavailable ? new Unavailable({ cause: error.message }) : error
    )
    const answers = yield* Effect.forEach(partitions, (partition) => numbersIn(partition, name), {
      concurrency: "unbounded"
    })
    const counted = answers.flatMap(({ numbers }) => (numbers === undefined ? [] : [numbers]))
    const stats: PatternStats = {
      name,
      counting: counted.length,
      partitions: partitionCount,
      ...counted.reduce(plus, none)
    }
    return stats
  })
})
