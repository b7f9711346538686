/** Brings the actors that look for patterns into being. Whoever has their shards wakes them from then on. */
import { Effect, Layer, Schedule } from "effect"
import { Actors } from "../actors/Actors.ts"
import { partitionCount } from "../events/engine/Partition.ts"
import { runtimeAsker } from "../protocol/Asker.ts"

const retry = Schedule.spaced("1 second")

/** Tries until each of them is there. */
export const layer: Layer.Layer<never, never, Actors> = Layer.effectDiscard(
  Effect.gen(function* () {
    const actors = yield* Actors
    const begin = (partition: number) =>
      Effect.retry(
        actors.send({ kind: "pattern-partition", id: String(partition) }, "Begin", {}, { asker: runtimeAsker }),
        retry
      )
    yield* Effect.forkScoped(
      Effect.forEach(
        Array.from({ length: partitionCount }, (_, index) => index),
        begin
      )
    )
  })
)
