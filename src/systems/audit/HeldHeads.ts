/** The heads that a node keeps outside of the database: who cuts the end of a chain off there does not cut it off here. */
import { Context } from "effect"
import type { Witness } from "../../protocol/audit/Auditor.ts"

/** What this node holds. A process that keeps none, such as a simulation, has none. */
export const HeldHeads = Context.Reference<{
  /** The last signed head of a chain that this node has seen. */
  readonly held: (vsm: string) => Witness | undefined
}>("holon/systems/audit/HeldHeads", { defaultValue: () => ({ held: () => undefined }) })
