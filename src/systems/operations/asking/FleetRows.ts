/** What is stored of a fleet and can be spoken of. A seam: the words are made of it, whoever keeps it. */
import { Context, type Effect, Schema } from "effect"
import type { DeviceWords, RolloutWords, VsmWords } from "../../../protocol/intent/FleetWords.ts"
import type { TwinMap } from "../../../protocol/TwinValue.ts"

/** The store did not answer, or what it keeps of devices is being built. Transient. */
export class FleetUnread extends Schema.TaggedError<FleetUnread>()("FleetUnread", { cause: Schema.Defect() }) {}

/** What boards of a profile have said and were told. */
export interface SeenTwin {
  readonly profile: string
  readonly reported: TwinMap
  readonly desired: TwinMap
}

/** A version of an image. */
export interface KnownImage {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

/** A program that some board has, and names of its values. */
export interface KnownProgram {
  readonly name: string
  readonly values: ReadonlyArray<string>
}

/** All of it reads, and wakes nobody. */
export class FleetRows extends Context.Service<
  FleetRows,
  {
    /** Another text whenever the devices have changed in what words choose them by. Costs a look at each row in the database. */
    readonly mark: Effect.Effect<string, FleetUnread>
    /** In order of their ids. */
    readonly devices: Effect.Effect<ReadonlyArray<DeviceWords>, FleetUnread>
    /** Twins of the first boards of each profile. */
    readonly twins: (profiles: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<SeenTwin>, FleetUnread>
    readonly images: Effect.Effect<ReadonlyArray<KnownImage>, FleetUnread>
    readonly programs: Effect.Effect<ReadonlyArray<KnownProgram>, FleetUnread>
    /** Those that have not ended, with the name of their image. */
    readonly rollouts: Effect.Effect<ReadonlyArray<RolloutWords>, FleetUnread>
    /** Those that have not retired. */
    readonly vsms: Effect.Effect<ReadonlyArray<VsmWords & { readonly zone?: string }>, FleetUnread>
    /** What actors answer to queries, from what is stored now: by id, one answer a query. Whoever is not there is left out. */
    readonly look: (
      kind: string,
      ids: ReadonlyArray<string>,
      queries: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, ReadonlyArray<unknown>>, FleetUnread>
  }
>()("holon/systems/operations/FleetRows") {}
