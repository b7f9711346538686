/** A trial as its keeper sees it: what all nodes have counted, and whether that is worse than before. */
import type { PolicyView, Tally } from "../../../protocol/vsm/PolicyView.ts"
import { takenBack } from "../engine/Canary.ts"
import { rollBack } from "./Activating.ts"
import { type Counted, keyOf, type Turn } from "./Turn.ts"

const nothing: Tally = { decisions: 0, denials: 0, errors: 0 }

const sum = (one: Tally, other: Tally): Tally => ({
  decisions: one.decisions + other.decisions,
  denials: one.denials + other.denials,
  errors: one.errors + other.errors
})

/** What a node has counted of a trial since it began. */
export const takeTally = (
  turn: Turn,
  view: PolicyView,
  { node, tried, before, rest }: Counted & { readonly node: string }
): void => {
  const { trial } = view
  if (view.state !== "canary" || trial === undefined) return
  const key = keyOf(view)
  const { tallies } = turn.resident
  const nodes = new Map(tallies.get(key)).set(node, { tried, before, rest })
  // Trials of other names go on beside it; those that are over are forgotten.
  const going = [...tallies].filter(([other]) => turn.state.policies.get(other)?.state === "canary")
  turn.resident = { ...turn.resident, tallies: new Map(going).set(key, nodes) }
  const all = [...nodes.values()]
  const counted = {
    tried: all.map((each) => each.tried).reduce(sum, nothing),
    before: all.map((each) => each.before).reduce(sum, nothing),
    rest: all.map((each) => each.rest).reduce(sum, nothing)
  }
  const next: PolicyView = { ...view, trial: { ...trial, ...counted } }
  // What was counted is shown, and no reason to tell the register each time.
  turn.state = { ...turn.state, policies: new Map(turn.state.policies).set(key, next) }
  const reason = takenBack(counted.before, counted.tried)
  if (reason !== undefined) rollBack(turn, next, "canary", reason)
}
