/** How a policy comes to a keeper: it is read, checked and numbered, people approve it, and what it would have done is looked at. */
import { Result } from "effect"
import { type HolonError, InvalidTransition, PolicyDenied, PolicyInvalid, TooLarge } from "../../../protocol/Errors.ts"
import type { BoundPolicy } from "../../../protocol/policy/BoundPolicy.ts"
import type { Policy } from "../../../protocol/policy/Policy.ts"
import { checkPolicyText } from "../../../protocol/policy/PolicyCheck.ts"
import { formatPolicy } from "../../../protocol/policy/PolicyFormat.ts"
import type { PolicyView } from "../../../protocol/vsm/PolicyView.ts"
import { rootId } from "../../../protocol/vsm/VsmId.ts"
import { keyOf, nameOf, say, type Turn, versionsOf, write } from "./Turn.ts"

/** Policies of a VSM that have not ended. */
const policiesMax = 1000
/** Versions of a name that have ended and are kept at hand; the register has them all. */
const endedMax = 20
/** People who must agree to a policy that moves things, or that speaks of high clearance. */
const peopleNeeded = 2
/** A clearance from which on to speak of it needs them. */
const clearanceHigh = 3
/** As long may live what the immune system puts into force without anybody, ms. */
const immuneTtlMillis = 3_600_000

const isHeld = ({ state }: PolicyView): boolean => state === "staged" || state === "canary" || state === "active"

/** Whether a tree has a comparison of clearance with a high level. */
const asksHighClearance = (tree: unknown): boolean => {
  if (typeof tree !== "object" || tree === null) return false
  if (Array.isArray(tree)) return tree.some(asksHighClearance)
  if ("_tag" in tree && tree._tag === "Compare" && "left" in tree && "right" in tree) {
    const sides = [tree.left, tree.right]
    const isClearance = sides.some((side) => JSON.stringify(Object(side).path) === '["clearance"]')
    if (isClearance && sides.some((side) => Object(side)._tag === "Number" && Object(side).value >= clearanceHigh))
      return true
  }
  return Object.values(tree).some(asksHighClearance)
}

/** How many people must have approved it. */
const needsOf = (policy: Policy): number => {
  const { class: kind, ttlMillis = Number.POSITIVE_INFINITY } = policy
  if (kind === "immune") return ttlMillis <= immuneTtlMillis ? 0 : peopleNeeded
  return kind === "actuating" || asksHighClearance(policy.rules) ? peopleNeeded : 0
}

/** A policy that this keeper may have, or why not: below the root policies take away, and never give. */
export const readFor = (vsm: string, source: string): Result.Result<BoundPolicy, PolicyInvalid> => {
  const checked = checkPolicyText(source)
  if (Result.isFailure(checked)) return Result.fail(new PolicyInvalid({ diagnostics: [checked.failure.message] }))
  const gives = checked.success.rules.some(({ statements }) => statements.some(({ _tag }) => _tag === "Allow"))
  if (vsm === rootId || !gives) return Result.succeed(checked.success)
  const sentence = `a policy of ${vsm} may deny, require, limit and oblige, and not allow: what may be done is said by those of ${rootId}, and below it only taken away`
  return Result.fail(new PolicyInvalid({ diagnostics: [sentence] }))
}

/** Ended versions beyond those that are kept are forgotten. */
const pruned = (turn: Turn, name: string): void => {
  const forgotten = versionsOf(turn.state, name)
    .filter((each) => !isHeld(each))
    .slice(endedMax)
  if (forgotten.length === 0) return
  const policies = new Map(turn.state.policies)
  for (const each of forgotten) policies.delete(keyOf(each))
  turn.state = { ...turn.state, policies }
}

/** Policies whose impact is looked for at a time: each look reads an hour of the journal. */
const lookingMax = 2

/** Begins to look for what staged policies would have done, where nobody does yet. */
export const lookAtImpacts = (turn: Turn): void => {
  for (const view of turn.state.policies.values()) {
    if (turn.resident.looking.size >= lookingMax) return
    const key = keyOf(view)
    if (view.state !== "staged" || view.impact !== undefined || turn.resident.looking.has(key)) continue
    turn.resident = { ...turn.resident, looking: new Set(turn.resident.looking).add(key) }
    turn.effects.push({ name: "impact", id: key, input: { vsm: turn.id, source: view.source } })
  }
}

/** Adds a version. */
export const stage = (turn: Turn, source: string, author: string): PolicyView | HolonError => {
  const read = readFor(turn.id, source)
  if (Result.isFailure(read)) return read.failure
  const { policy } = read.success
  const { name, zone } = policy
  const versions = versionsOf(turn.state, name)
  const held = [...turn.state.policies.values()].filter(isHeld).length
  if (held >= policiesMax) return new TooLarge({ limit: policiesMax, actual: held + 1 })
  for (const each of versions)
    if (each.state === "staged") {
      const { at: _, ...waiting } = each
      const reason = "a newer version was staged"
      write(turn, { ...waiting, state: "superseded", since: turn.now, reason })
    }
  // What needed two people to come into force needs them to be replaced, whatever the new version says of itself.
  const replaced = versions.filter(({ state }) => state === "canary" || state === "active")
  const view: PolicyView = {
    name,
    version: (versions[0]?.version ?? 0) + 1,
    class: policy.class,
    ...(zone !== undefined && { zone }),
    source: formatPolicy(policy),
    state: "staged",
    since: turn.now,
    author,
    stagedAt: turn.now,
    needs: Math.max(needsOf(policy), ...replaced.map(({ needs }) => needs)),
    approvals: []
  }
  write(turn, view)
  pruned(turn, name)
  say(turn, "policy.staged", view, { by: author, class: view.class, needs: view.needs })
  return view
}

const forPeople = new PolicyDenied({
  policyIds: [],
  reason: "a policy is approved by people, and not by what they have written",
  guidance: "`holon policy approve`, by each of them"
})

/** Somebody agrees: a pattern speaks as the runtime, and would be a second person for whoever wrote it. */
export const approve = (turn: Turn, view: PolicyView): PolicyView | HolonError => {
  if (turn.context.asker.kind !== "user") return forPeople
  if (view.state !== "staged") return new InvalidTransition({ from: view.state, event: "Approve" })
  const by = nameOf(turn)
  if (view.approvals.some((each) => each.by === by)) {
    const reason = `${by} has approved ${view.name} already; somebody else has to`
    return new InvalidTransition({ from: view.state, event: "Approve", reason })
  }
  const approved = write(turn, { ...view, approvals: [...view.approvals, { by, at: turn.now }] })
  say(turn, "policy.approved", view, { by })
  return approved
}
