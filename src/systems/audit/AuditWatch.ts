/** A look at the next part of the journal, as the effect of an auditor: a seam, so that a behaviour knows no database. */
import { Context, Effect } from "effect"
import type { Witness } from "../../protocol/audit/Auditor.ts"

/** From where an auditor looks. */
export interface Outlook {
  readonly vsm: string
  /** A chain that was not begun begins with what was journalled at this time, ms. */
  readonly since: number
  /** VSMs whose auditors have begun; absent for an auditor that begins none. */
  readonly begun: ReadonlyArray<string> | undefined
}

/** What came of it. */
export type Looked =
  | {
      readonly _tag: "Chained"
      readonly records: number
      /** Number of the last record of the chain. */
      readonly last: number
      /** The last segment that is sealed; absent for none. */
      readonly witness: Witness | undefined
    }
  /** VSMs whose auditors must begin first: nothing was chained. */
  | { readonly _tag: "Beginning"; readonly vsms: ReadonlyArray<{ readonly id: string; readonly since: number }> }
  /** The journal or the tables did not answer, or another node has chained meanwhile. Look again. */
  | { readonly _tag: "Unavailable" }

/** The looks of this node. A process without a journal, such as a simulation, never sees anything. */
export const AuditWatch = Context.Reference<{
  /** Chains what there is, or waits half a second for something. Never fails. */
  readonly look: (outlook: Outlook) => Effect.Effect<Looked>
}>("holon/systems/audit/AuditWatch", { defaultValue: () => ({ look: () => Effect.never }) })
