/** How VSMs look on a terminal: the tree of all of them, and one in full. */
import type { Budget } from "../protocol/vsm/Budget.ts"
import { errorOf } from "../protocol/vsm/Spawn.ts"
import type { VsmView } from "../protocol/vsm/VsmState.ts"
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

const line = ({ id, status, units, zone, budget, left, ailing }: VsmView): string => {
  const free = amounts(left, budget)
  const parts = [
    id,
    status,
    counted(units, "unit"),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(free === "" ? [] : [`left ${free}`]),
    ...(ailing.length === 0 ? [] : [`${ailing.length} in quarantine`])
  ]
  return parts.join("  ")
}

/** Lines of the tree below a VSM, drawn with its branches. */
export const treeOf = (all: ReadonlyArray<VsmView>, top: string): ReadonlyArray<string> => {
  const byId = new Map(all.map((view) => [String(view.id), view]))
  const below = (view: VsmView, indent: string): ReadonlyArray<string> =>
    view.children.flatMap((child, place) => {
      const isLast = place === view.children.length - 1
      const known = byId.get(child.id)
      const head = `${indent}${isLast ? "└─ " : "├─ "}${known === undefined ? child.id : line(known)}`
      return known === undefined ? [head] : [head, ...below(known, `${indent}${isLast ? "   " : "│  "}`)]
    })
  const root = byId.get(top)
  return root === undefined ? [] : [line(root), ...below(root, "")]
}

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
