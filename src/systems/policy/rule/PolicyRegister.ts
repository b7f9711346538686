/**
 * Where keepers make known what is in force, as their effects do it, and where nodes read it: a seam, so that a behaviour knows
 * no database. An epoch is made for each change of what is in force; a later one never begins before an earlier one.
 */
import { Context, Effect, Schema } from "effect"
import type { ImpactReport } from "../../../protocol/policy/Impact.ts"
import type { PolicyView } from "../../../protocol/vsm/PolicyView.ts"

/** All nodes read the register at least so often; an epoch begins so much later that they know of it, ms. */
export const leadMillis = 600

/** One policy of a VSM that is to be in force. */
export interface Forced {
  readonly name: string
  readonly version: number
  /** It is tried, in these zones only. */
  readonly zones?: ReadonlyArray<string>
  /** A newer version is tried in these zones. */
  readonly except?: ReadonlyArray<string>
}

/** What a keeper makes known: rows as they are now, and all of its policies that are to be in force from an instant on. */
export interface Published {
  readonly vsm: string
  /** Counts up; what was made known with a higher one stays. */
  readonly revision: number
  readonly at: number
  readonly rows: ReadonlyArray<PolicyView>
  readonly force: ReadonlyArray<Forced>
}

/** What became of it. `epoch` and `at` are those of the last epoch of the keeper; absent while it has none. */
export const PublishOutcome = Schema.Union([
  Schema.TaggedStruct("Known", {
    revision: Schema.Int,
    epoch: Schema.optionalKey(Schema.Int),
    at: Schema.optionalKey(Schema.Finite)
  }),
  Schema.TaggedStruct("Unavailable", {})
])
export type PublishOutcome = typeof PublishOutcome.Type

/** The register of this node's cluster. A process without one, such as a simulation, makes nothing known. */
export const PolicyRegister = Context.Reference<{
  /** Never fails. A repeat of a revision answers what its first copy did. */
  readonly publish: (published: Published) => Effect.Effect<PublishOutcome>
}>("holon/systems/policy/rule/PolicyRegister", { defaultValue: () => ({ publish: () => Effect.never }) })

/** A policy whose impact is asked for. */
export interface Draft {
  readonly vsm: string
  readonly source: string
}

/** Looks at what was done, and at what a draft would have made of it. A process without a journal never answers. */
export const PastActs = Context.Reference<{
  /** Nothing where the journal does not answer. */
  readonly impactOf: (draft: Draft) => Effect.Effect<ImpactReport | undefined>
}>("holon/systems/policy/rule/PastActs", { defaultValue: () => ({ impactOf: () => Effect.never }) })
