/** Fills the seam by which supervisors release quarantined actors. */
import { Context, Effect, Layer } from "effect"
import { ActorRecords } from "../actors/ActorRecords.ts"
import { Release, type ReleaseActor } from "../actors/Release.ts"

/** Over the records of the store. */
export const layer: Layer.Layer<never, never, ActorRecords> = Layer.effectContext(
  Effect.map(ActorRecords, (records) => {
    const release: ReleaseActor = (address) => Effect.asVoid(records.release(address))
    return Context.make(Release, release)
  })
)
