/** What bounds the tree of VSMs, as the config of a cluster says it. */
import { Schema } from "effect"
import type { Budget } from "../protocol/vsm/Budget.ts"
import { RecursionBounds } from "../protocol/vsm/Recursion.ts"

const { depth, children, total, perMinute, burst, sameTemplate } = RecursionBounds.fields

/** Bounds of the recursion. What is left out has its default. */
export const TreeBounds = Schema.Struct({
  /** How deep a VSM may stand in a cluster that is neither idle nor busy; the root stands at 0. 2 to 8, default 5. */
  depth: Schema.optionalKey(depth),
  /** Children of one VSM. 1 to 32, default 32. */
  children: Schema.optionalKey(children),
  /** VSMs below the root. 1 to 1024, default 1024. */
  total: Schema.optionalKey(total),
  /** Spawns of one parent a minute. 1 to 1024, default 5. */
  perMinute: Schema.optionalKey(perMinute),
  /** Spawns of one parent at once after a pause. 1 to 1024, default 5. */
  burst: Schema.optionalKey(burst),
  /** VSMs of one template that stand below each other. 1 to 8, default 3. */
  sameTemplate: Schema.optionalKey(sameTemplate)
})

/** The bounds, and what the root has to give. */
export interface TreeLimits {
  readonly bounds: typeof TreeBounds.Type
  readonly budget: Budget
}
