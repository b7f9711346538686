/** Fills the seams by which supervisors release quarantined actors, and see which are. */
import { Context, Effect, Layer, Option } from "effect"
import { ActorRecords } from "../actors/ActorRecords.ts"
import { type IsQuarantined, Quarantines, Release, type ReleaseActor } from "../actors/Release.ts"

/** Over the records of the store. */
export const layer: Layer.Layer<never, never, ActorRecords> = Layer.effectContext(
  Effect.map(ActorRecords, (records) => {
    const release: ReleaseActor = (address) => Effect.asVoid(records.release(address))
    const isQuarantined: IsQuarantined = (address) =>
      Effect.map(records.read(address), (found) => Option.isSome(found) && found.value.quarantine !== undefined)
    return Context.make(Release, release).pipe(Context.add(Quarantines, isQuarantined))
  })
)
