/** The epochs as nodes read them from the register. */
import { Context, type Effect, Schema } from "effect"
import type { Forced } from "./PolicyRegister.ts"

/** The register did not answer. Transient. */
export class PoliciesUnavailable extends Schema.TaggedError<PoliciesUnavailable>()("PoliciesUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return `the register of policies does not answer (${this.reason})`
  }
}

/** An epoch, and from when on it is in force, ms since 1970. */
export interface KnownEpoch {
  readonly epoch: number
  readonly at: number
}

/** A policy of an epoch, as text. */
export interface ForcedPolicy extends Forced {
  readonly vsm: string
  readonly source: string
}

export class PolicyEpochs extends Context.Service<
  PolicyEpochs,
  {
    /** Those behind an epoch, in order, the newest thousand at most. */
    readonly behind: (epoch: number) => Effect.Effect<ReadonlyArray<KnownEpoch>, PoliciesUnavailable>
    /** What is in force in an epoch, in order of VSMs and names. */
    readonly policiesOf: (epoch: number) => Effect.Effect<ReadonlyArray<ForcedPolicy>, PoliciesUnavailable>
  }
>()("holon/systems/policy/rule/PolicyEpochs") {}
