/** How an effect of a supervisor lets a quarantined actor be claimed again, and looks whether it is one: seams, so that a behaviour knows no database. */
import { Context, Effect } from "effect"
import { RecordsUnavailable } from "./ActorRecords.ts"
import type { Address } from "./Host.ts"

/** Durable; a repeat, and one for an actor that is not quarantined, change nothing. Fails with `RecordsUnavailable`, transient. */
export type ReleaseActor = (address: Address) => Effect.Effect<void, RecordsUnavailable>

/** Whether an actor is in quarantine. Fails with `RecordsUnavailable`, transient. */
export type IsQuarantined = (address: Address) => Effect.Effect<boolean, RecordsUnavailable>

const noStore = new RecordsUnavailable({ cause: "no store here" })

/** A process without a store, such as a simulation, fails each release. */
export const Release = Context.Reference<ReleaseActor>("holon/actors/Release", {
  defaultValue: () => () => Effect.fail(noStore)
})

/** As {@link Release}, to look. */
export const Quarantines = Context.Reference<IsQuarantined>("holon/actors/Quarantines", {
  defaultValue: () => () => Effect.fail(noStore)
})
