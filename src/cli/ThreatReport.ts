/** How threats, and what is done against them, look on a terminal. */
import { isOpen, type Mitigation, type Template, type ThreatsView } from "../protocol/vsm/Threat.ts"
import { ago, type Cell, table } from "./Table.ts"

const deeds: Readonly<Record<Template, string>> = {
  bar: "its connections are cut",
  isolate: "its board is turned away",
  throttle: "may do little at a time",
  deny: "may do nothing",
  revoke: "its token is not accepted"
}

/** What is done, in words. */
export const deedOf = ({ template }: Pick<Mitigation, "template">): string => deeds[template]

const timeOf = ({ state, until, endedAt }: Mitigation, now: number): string => {
  if (endedAt !== undefined) return `${ago(now - endedAt)} ago`
  return state === "proposed" ? `${ago(until - now)} to decide` : `${ago(until - now)} left`
}

const stateOf = ({ state, approvals, needed }: Mitigation): string =>
  state === "proposed" && needed > 1 ? `${state} (${approvals.length} of ${needed})` : state

const lineOf = (mitigation: Mitigation, now: number): ReadonlyArray<Cell> => {
  const { id, subject, reason, by } = mitigation
  return [id, subject, deedOf(mitigation), stateOf(mitigation), reason, by, timeOf(mitigation, now)]
}

const listed = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>, none: string): string =>
  rows.length === 0 ? none : table(header, rows)

/** Whom something speaks against, and what is done about it; `all` shows what is over, too. */
export const threatTables = (views: ReadonlyArray<ThreatsView>, now: number, all: boolean): string => {
  const threats = views.flatMap(({ vsm, threats: found }) =>
    found.map(({ subject, level, stage, kinds, lastAt }) => [
      subject,
      vsm,
      level.toFixed(2),
      stage === "none" ? "" : stage,
      kinds.join(", "),
      `${ago(now - lastAt)} ago`
    ])
  )
  const mitigations = views
    .flatMap((view) => view.mitigations)
    .filter((mitigation) => all || isOpen(mitigation))
    .map((mitigation) => lineOf(mitigation, now))
  const settings = views.flatMap(({ vsm, terms: { isAutomatic } }) =>
    isAutomatic ? [] : [`${vsm} does nothing without a person`]
  )
  return [
    listed(["threat", "vsm", "level", "calls for", "what speaks against it", "last"], threats, "nobody is suspected"),
    listed(
      ["mitigation", "against", "what is done", "state", "why", "by", "time"],
      mitigations,
      all ? "nothing was ever done" : "nothing is done"
    ),
    ...settings
  ].join("\n\n")
}

/** One mitigation, in full. */
export const mitigationText = (mitigation: Mitigation, now: number): string => {
  const { id, subject, zone, level, signature, reason, by, approvals, ttlMillis, policy, ids } = mitigation
  const lines: ReadonlyArray<readonly [string, string]> = [
    ["mitigation", id],
    ["against", zone === undefined ? subject : `${subject} in ${zone}`],
    ["what is done", deedOf(mitigation)],
    ["state", stateOf(mitigation)],
    ["time", `${timeOf(mitigation, now)}; it lasts ${ago(ttlMillis)}`],
    ["why", reason],
    ["threat", `${level.toFixed(2)}, ${signature}`],
    ["by", [by, ...approvals.filter((name) => name !== by)].join(", ")],
    ...(ids.length === 0 ? [] : [["events", ids.join(" ")] as const])
  ]
  const text = lines.map(([name, value]) => `${name.padEnd(14)}${value}`).join("\n")
  return policy === undefined ? text : `${text}\n\n${policy}`
}
