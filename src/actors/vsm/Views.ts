/** What people see of a VSM, and what its ledger says. */
import { type Budget, minus, plus } from "../../protocol/vsm/Budget.ts"
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import { type UnitPage, unitPageMax, type VsmState, type VsmView } from "../../protocol/vsm/VsmState.ts"
import { unitCount, unitsAfter } from "./Units.ts"

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

/** All but the units, which are counted. */
export const viewOf = (state: VsmState, self: string): VsmView => {
  const { status, since, reason, createdAt, path, zone, template, budget } = state
  const parent = path.at(-2)
  return {
    id: VsmId.make(self),
    status,
    since,
    ...(reason === undefined ? {} : { reason }),
    createdAt,
    path,
    ...(zone === undefined ? {} : { zone }),
    ...(template === undefined ? {} : { template }),
    budget,
    ...(parent === undefined ? {} : { parent }),
    depth: path.length - 1,
    given: givenBy(state),
    left: leftOf(state),
    children: [...state.children.values()],
    units: unitCount(state.units),
    spawns: [...state.spawns.values()],
    adoptions: [...state.adoptions.values()],
    ailing: [...state.ailing.values()]
  }
}

/** Units behind an id, in order of the ids. */
export const pageOf = (
  { units }: VsmState,
  { after = "", limit = unitPageMax }: { readonly after?: string; readonly limit?: number }
): UnitPage => {
  const found = unitsAfter(units, after, limit + 1)
  const last = found[limit - 1]
  return found.length <= limit || last === undefined
    ? { units: found }
    : { units: found.slice(0, limit), next: last.id }
}
