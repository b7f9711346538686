/** What a change of the policies would have done to acts that were decided before it. */
import type { ChangedActs, Impact } from "../../../protocol/policy/Impact.ts"
import type { PolicyRequest } from "../../../protocol/policy/Request.ts"
import type { Decider } from "./PolicyCache.ts"

/** A request that was decided once, with what was known then. */
export interface StoredAct {
  readonly at: number
  readonly request: PolicyRequest
  /** From the root to the VSM whose unit it was for. */
  readonly path: ReadonlyArray<string>
}

const changedMax = 20
const principalsMax = 3

/** Decides acts, in the order in which they came, by the policies as they are and as they would be. Both sets count their own limits. */
export const impactOf = (acts: Iterable<StoredAct>, before: Decider, after: Decider): Impact => {
  const changed = new Map<string, ChangedActs>()
  let [count, newlyDenied, newlyAllowed] = [0, 0, 0]
  for (const { at, request, path } of acts) {
    count++
    const was = before.decide(request, path, at)
    const is = after.decide(request, path, at)
    if (was.effect === is.effect) continue
    if (is.effect === "deny") newlyDenied++
    else newlyAllowed++
    const { capability, zone, principal } = request
    // What is allowed now has no reason of its own; it is told by the one that falls away.
    const { reason, policies } = is.effect === "deny" ? is : was
    const key = JSON.stringify([capability, zone, is.effect, reason, policies])
    const known = changed.get(key)
    const principals = known?.principals ?? []
    const isNew = principals.length < principalsMax && !principals.includes(principal.id)
    changed.set(key, {
      capability,
      ...(zone !== undefined && { zone }),
      effect: is.effect,
      reason,
      policies,
      count: (known?.count ?? 0) + 1,
      principals: isNew ? [...principals, principal.id] : principals
    })
  }
  const sorted = [...changed.values()].toSorted((one, other) => other.count - one.count)
  return { acts: count, newlyDenied, newlyAllowed, changed: sorted.slice(0, changedMax) }
}
