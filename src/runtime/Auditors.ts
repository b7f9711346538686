/** Brings the auditor of the root VSM into being, which begins those of all others. Whoever has its shard wakes it from then on. */
import { Effect, Layer, Schedule } from "effect"
import { Actors } from "../actors/Actors.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { Auditor } from "../protocol/audit/Auditor.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"

const retry = Schedule.spaced("1 second")

/** Tries until it is there. Its chain begins with the oldest that the journal has. */
export const layer: Layer.Layer<never, never, Actors> = Layer.effectDiscard(
  Effect.gen(function* () {
    const actors = yield* Actors
    const begin = actors.ask(Auditor, rootId, "Begin", { since: 0 }, { asker: runtimeAsker })
    yield* Effect.forkScoped(Effect.retry(begin, retry))
  })
)
