/** The keys that sign what auditors chain: a seam that a node fills from its data folder. */
import { Context, type Effect } from "effect"
import type { AuditUnavailable } from "./AuditLog.ts"
import type { Signer } from "./Chain.ts"

export class AuditKeys extends Context.Service<
  AuditKeys,
  {
    /** Who signs at this time, ms; a key whose time is over makes the next one, and is gone. */
    readonly at: (time: number) => Effect.Effect<Signer, AuditUnavailable>
  }
>()("holon/systems/audit/AuditKeys") {}
