/** A child VSM on its way into the tree, as its parent keeps it and as people see it. */
import { Schema } from "effect"
import { HolonError } from "../Errors.ts"
import { Zone } from "../Zone.ts"
import { Budget } from "./Budget.ts"
import { VsmId } from "./VsmId.ts"

/** A refusal as a row keeps it: a value of {@link HolonError} in its encoded form. */
export const Refusal = Schema.toEncoded(HolonError).annotate({ identifier: "Refusal" })
export type Refusal = typeof Refusal.Type

/** A refusal in the form of {@link Refusal}. */
export const refusalOf: (error: HolonError) => Refusal = Schema.encodeSync(HolonError)

/** The error that a {@link Refusal} says. */
export const errorOf: (refusal: Refusal) => HolonError = Schema.decodeSync(HolonError)

/** A kind of VSM: those of one template may stand below each other only so often. */
export const TemplateName = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    expected: "lower-case letters, digits and hyphens, at most 63, no hyphen first"
  })
)

/**
 * `reserving` the guard is asked; `creating` the budget is reserved and the child begins; `confirming` the child is there and the
 * guard counts it; `active`; `undoing` it fails, and the child ends again; `refused`.
 */
export const SpawnStep = Schema.Literals(["reserving", "creating", "confirming", "active", "undoing", "refused"])
export type SpawnStep = typeof SpawnStep.Type

/** One spawn. Times are ms since 1970. */
export const SpawnView = Schema.Struct({
  child: VsmId,
  /** Tells this spawn from earlier ones of the same child. */
  spawn: Schema.String,
  step: SpawnStep,
  budget: Budget,
  zone: Schema.optionalKey(Zone),
  template: Schema.optionalKey(TemplateName),
  begunAt: Schema.Finite,
  /** When the step began. */
  since: Schema.Finite,
  /** Why it is refused, or is being undone. */
  refusal: Schema.optionalKey(Refusal)
})
export type SpawnView = typeof SpawnView.Type

/** Whether nothing more happens. */
export const isEnded = ({ step }: Pick<SpawnView, "step">): boolean => step === "active" || step === "refused"
