/** What each operation of `/rpc` and of the HTTP API needs of who asks. The middleware of both reads it before anything is done. */
import { Context, Effect } from "effect"
import { type Denial, isByPolicies, type JudgedAct } from "../../actors/Judge.ts"
import type { Residency } from "../../actors/Residency.ts"
import type { Asker } from "../../protocol/Asker.ts"

/** The rights that operations need, with what they permit. Those of messages stand in the contracts. */
export const operationRights = {
  "device.read": "list devices, look at one as it is stored",
  "event.read": "read and follow the event stream",
  "pattern.read": "list patterns, look at one, play stored events to a draft",
  "pattern.write": "add, replace, remove patterns, switch them on and off",
  "policy.read": "ask why policies decide as they do, and what a draft would have done",
  "audit.read": "read what auditors have chained, and why it was",
  "audit.verify": "walk an audit chain and find what was changed in it",
  "node.read": "list nodes and how many actors each has",
  "node.govern": "take nodes out of service and put them back",
  "image.read": "list images, look at them, fetch their bytes",
  "image.push": "push images",
  "image.sign": "add or replace the manifest of an image, also while pushing it",
  "image.remove": "remove images",
  "quarantine.read": "list quarantined actors",
  "quarantine.release": "release an actor from quarantine",
  "deadletter.read": "list dead letters, look at one",
  "deadletter.retry": "send a dead letter again; its message needs its own right too"
} as const
/** A right that an operation needs. */
export type OperationRight = keyof typeof operationRights

/**
 * A right; or `message`, that of the message which the operation carries, for which the guard of actors asks; or `nothing`,
 * for what only describes the release.
 */
export class Needs extends Context.Service<Needs, OperationRight | "message" | "nothing">()(
  "holon/gateways/http/Needs"
) {}

/** Operations that change nothing. */
const isRead = (need: OperationRight | undefined): boolean =>
  need?.endsWith(".read") === true || need === "audit.verify"

/** Refuses what the asker has no right to, and notes it for the journal. */
export const demand = (residency: Residency, asker: Asker, act: JudgedAct): Effect.Effect<void, Denial> =>
  Effect.suspend(() => {
    const denied = residency.judge.judge(asker, act)
    if (denied === undefined) return Effect.void
    if (!isByPolicies(denied)) residency.refusals.note(asker, act)
    return Effect.fail(denied)
  })

/**
 * As {@link demand}, by the annotations of an operation. One that names no need is for those who have all rights: a new
 * operation is closed until somebody says what it needs.
 */
export const demandOf = (
  residency: Residency,
  asker: Asker,
  operation: { readonly annotations: Context.Context<never>; readonly name: string; readonly target: string }
): Effect.Effect<void, Denial> => {
  const need = Context.getOrUndefined(operation.annotations, Needs)
  if (need === "message" || need === "nothing") return Effect.void
  const { name: message, target } = operation
  return demand(residency, asker, { capability: need ?? "", message, target, isActuating: !isRead(need) })
}
