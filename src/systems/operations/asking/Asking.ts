/** From words to what is to be done: a seam, so that a behaviour's effects know neither the words of the fleet nor its store. */
import { Context, Effect } from "effect"
import type { HolonError } from "../../../protocol/Errors.ts"
import { Unavailable } from "../../../protocol/Errors.ts"
import type { Intent, Unclear } from "../../../protocol/intent/Intent.ts"
import type { Plan } from "../../../protocol/intent/Plan.ts"

/** Zones that who asks is confined to: what is in others is not spoken of. Absent for one who is not. */
export type Scope = ReadonlyArray<string> | undefined

/** What this node understands. All of it only reads; it fails with `Unavailable` while the store does not answer, transient. */
export interface Interpreter {
  /** What an utterance means in the fleet as it is now, or what to ask back. */
  readonly read: (text: string, scope?: Scope) => Effect.Effect<Intent | Unclear, Unavailable>
  /** Whether the intent is one that the utterance can mean; on this node it means it from now on. */
  readonly learn: (text: string, intent: Intent, scope?: Scope) => Effect.Effect<boolean, Unavailable>
  /** What an intent is in messages to actors, or the answer. Fails with what makes it senseless, as a device that has retired. */
  readonly plan: (
    intent: Pick<Intent, "args" | "capability" | "targets">,
    scope?: Scope
  ) => Effect.Effect<Plan, HolonError>
}

const nowhere = Effect.fail(new Unavailable({ cause: "no words of a fleet here" }))

/** A process without a store, such as a simulation, understands nothing. */
export const Asking = Context.Reference<Interpreter>("holon/systems/operations/Asking", {
  defaultValue: () => ({ read: () => nowhere, learn: () => nowhere, plan: () => nowhere })
})
