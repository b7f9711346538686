/** What auditors tell apart among acts, refusals and decisions. Contracts say which of their events are which. */
import { Schema } from "effect"

/**
 * `command` somebody has a board do something, and what came of it; `change` what the fleet is set to; `decision` a rule found
 * something or chose; `spawn` the tree of VSMs grows or shrinks; `policy` what may be done is set; `security` somebody was
 * refused, or something must be kept apart.
 */
export const AuditCategory = Schema.Literals(["command", "change", "decision", "spawn", "policy", "security"])
export type AuditCategory = typeof AuditCategory.Type

/** Records of these are signed one by one: they are few, and count before their segment is sealed. */
export const isSignedAlone = (category: AuditCategory): boolean =>
  category === "security" || category === "policy" || category === "spawn"
