/** How many devices the fleet has, and who looks after it: what the safety gate judges by. */
import { Context, type Effect } from "effect"
import type { Fleet } from "./SafetyGate.ts"

/** The fleet as it is now. Fails when the database does not answer, transient. */
export class Census extends Context.Service<Census, { readonly fleet: Effect.Effect<Fleet, unknown> }>()(
  "holon/systems/policy/immune/Census"
) {}
