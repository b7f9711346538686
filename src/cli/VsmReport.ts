/** How VSMs look on a terminal: the tree of all of them, and one in full. */
import type { Budget } from "../protocol/vsm/Budget.ts"
import { errorOf } from "../protocol/vsm/Spawn.ts"
import type { Digest, Trouble, VsmView } from "../protocol/vsm/VsmState.ts"
import { ago, table } from "./Table.ts"

/** An amount so large that it bounds nothing: the root has no less of most things. */
const boundless = 1_000_000_000

/** Amounts on one line, but for those that are boundless in the budget that they are part of. */
const amounts = (
  of: Readonly<Record<string, number>> | Budget,
  budget: Readonly<Record<string, number>> | Budget
): string =>
  Object.entries(of)
    .filter(([resource]) => (new Map(Object.entries(budget)).get(resource) ?? 0) < boundless)
    .map(([resource, units]) => `${resource}=${units}`)
    .join(" ")

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

/** A VSM of the tree, as itself or those above say. */
export type Standing = Omit<Digest, "parent"> & { readonly parent?: string }

/** The VSM that was asked itself, as it would stand in the tree of another. */
export const standingOf = (view: VsmView): Standing => {
  const { id, parent, status, zone, budget, left, units, pain, below, troubles } = view
  return {
    id,
    ...(parent === undefined ? {} : { parent }),
    status,
    ...(zone === undefined ? {} : { zone }),
    budget,
    left,
    units,
    quarantined: troubles.filter(({ what }) => what === "quarantined").length,
    pain,
    below
  }
}

const line = ({ id, status, units, zone, budget, left, quarantined, pain, below }: Standing): string => {
  const free = amounts(left, budget)
  const parts = [
    id,
    status,
    counted(units, "unit"),
    ...(below.units === 0 ? [] : [`${below.units} more below`]),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(free === "" ? [] : [`left ${free}`]),
    ...(quarantined === 0 ? [] : [`${quarantined} in quarantine`]),
    ...(pain === 0 ? [] : [`hurts ${pain.toFixed(2)}`])
  ]
  return parts.join("  ")
}

/** Lines of the tree below the first VSM, drawn with its branches. */
export const treeOf = (all: ReadonlyArray<Standing>): ReadonlyArray<string> => {
  const byParent = Map.groupBy(all, ({ parent }) => parent)
  const below = (id: string, indent: string): ReadonlyArray<string> => {
    const children = byParent.get(id) ?? []
    return children.flatMap((child, place) => {
      const isLast = place === children.length - 1
      const head = `${indent}${isLast ? "└─ " : "├─ "}${line(child)}`
      return [head, ...below(child.id, `${indent}${isLast ? "   " : "│  "}`)]
    })
  }
  const [top] = all
  return top === undefined ? [] : [line(top), ...below(top.id, "")]
}

const troubleOf = ({ kind, id, what }: Trouble): string =>
  what === "pain" ? "it hurts, and nobody takes care of it" : `${kind}/${id} is in quarantine`

/** One VSM in full. */
export const reportOf = (view: VsmView, units: ReadonlyArray<string>, unitsMax: number, now: number): string => {
  const shown = units.slice(0, unitsMax)
  const more = view.units > shown.length ? `, and ${view.units - shown.length} more` : ""
  const lines: ReadonlyArray<readonly [string, string]> = [
    ["path", view.path.join(" / ")],
    ["status", `${view.status} for ${ago(now - view.since)}${view.reason === undefined ? "" : `: ${view.reason}`}`],
    ["zone", view.zone ?? "everything"],
    ...(view.template === undefined ? [] : [["template", view.template] as const]),
    ["budget", amounts(view.budget, view.budget) || "none"],
    ["left", amounts(view.left, view.budget) || "none"],
    ["children", view.children.map(({ id }) => id).join(", ") || "none"],
    ...(view.troubles.length === 0 ? [] : [["wrong", view.troubles.map(troubleOf).join(", ")] as const]),
    ...(view.below.vsms === 0
      ? []
      : [["below", `${counted(view.below.vsms, "VSM")}, ${counted(view.below.units, "unit")}`] as const]),
    ["units", shown.length === 0 ? counted(view.units, "unit") : `${shown.join(", ")}${more}`]
  ]
  const underWay = [
    ...view.spawns.map(({ child, step, refusal }) => [`spawn of ${child}`, step, refusal] as const),
    ...view.adoptions.map(({ unit, step, refusal }) => [`adoption of ${unit}`, step, refusal] as const)
  ].map(([what, step, refusal]) => [what, step, refusal === undefined ? "" : errorOf(refusal).message])
  const ailing = view.ailing.map(({ kind, id, restartAt, cause }) => [
    `${kind}/${id}`,
    restartAt === undefined ? "left in quarantine" : "is restarted",
    cause
  ])
  return [
    `VSM ${view.id}`,
    ...lines.map(([name, text]) => `  ${name.padEnd(9)} ${text}`),
    ...(underWay.length === 0 ? [] : ["", table(["latest", "step", "why"], underWay)]),
    ...(ailing.length === 0 ? [] : ["", table(["crashed", "decision", "cause"], ailing)])
  ].join("\n")
}
