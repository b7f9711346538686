/** How an effect of a supervisor lets a quarantined actor be claimed again: a seam, so that a behaviour knows no database. */
import { Context, Effect } from "effect"
import { RecordsUnavailable } from "./ActorRecords.ts"
import type { Address } from "./Host.ts"

/** Durable; a repeat, and one for an actor that is not quarantined, change nothing. Fails with `RecordsUnavailable`, transient. */
export type ReleaseActor = (address: Address) => Effect.Effect<void, RecordsUnavailable>

/** A process without a store, such as a simulation, fails each release. */
export const Release = Context.Reference<ReleaseActor>("holon/actors/Release", {
  defaultValue: () => () => Effect.fail(new RecordsUnavailable({ cause: "no store here" }))
})
