/** What people see of a VSM. */
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import { type UnitPage, unitPageMax, type VsmState, type VsmView } from "../../protocol/vsm/VsmState.ts"
import { sumsOf, treeBelow } from "./Below.ts"
import { shownStatus, troublesOf } from "./Health.ts"
import { givenBy, leftOf } from "./Ledger.ts"
import { unitCount, unitsAfter } from "./Units.ts"

/** All but the units, which are counted; of the VSMs below as many levels as are asked for. */
export const viewOf = (state: VsmState, self: string, depth = 0): VsmView => {
  const { since, degradedAt = since, pain = 0, reason, createdAt, path, zone, template, budget } = state
  const parent = path.at(-2)
  const status = shownStatus(state)
  return {
    id: VsmId.make(self),
    status,
    since: status === "degraded" ? degradedAt : since,
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
    ailing: [...state.ailing.values()],
    troubles: troublesOf(state),
    pain,
    below: sumsOf(state),
    ...(depth === 0 ? {} : { tree: treeBelow(state, depth) })
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
