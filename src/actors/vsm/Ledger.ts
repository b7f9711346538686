/** What the ledger of a VSM says: what it has given its children, and what is left. */
import { type Budget, minus, plus } from "../../protocol/vsm/Budget.ts"
import type { VsmState } from "../../protocol/vsm/VsmState.ts"

/** What a child takes of its parent's budget: what it is given, and one of the VSMs that may be below. */
export const costOf = (budget: Budget): Budget => plus(budget, { spawn: 1 })

/** What children have, and what is set aside for those on their way. */
export const givenBy = ({ children, spawns }: VsmState): Budget => {
  let given: Budget = {}
  for (const { budget } of children.values()) given = plus(given, costOf(budget))
  for (const { step, budget } of spawns.values())
    if (step === "creating" || step === "confirming" || step === "undoing") given = plus(given, costOf(budget))
  return given
}

/** What is left to give. */
export const leftOf = (state: VsmState): Budget => minus(state.budget, givenBy(state))
