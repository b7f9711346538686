/** Many runs as one report: what was done, what was checked how often, what was found. */
import { checks as allChecks, type Check } from "./Checks.ts"
import { faultKinds } from "./Faults.ts"
import type { FleetReport } from "./Fleet.ts"

/** A broken promise with the seed that shows it again. */
export interface Finding {
  readonly check: Check
  readonly seed: number
  /** Ms of the run. */
  readonly at: number
  readonly detail: string
  /** Runs in which this check failed. */
  readonly runs: number
}

/** Plain data: it travels between threads. */
export interface Summary {
  readonly runs: number
  readonly events: number
  readonly faults: Readonly<Record<string, number>>
  readonly checks: Readonly<Record<string, number>>
  readonly facts: Readonly<Record<string, number>>
  /** One for each check that failed, with the lowest seed. */
  readonly findings: ReadonlyArray<Finding>
}

/** No runs. */
export const emptySummary: Summary = { runs: 0, events: 0, faults: {}, checks: {}, facts: {}, findings: [] }

const added = (
  left: Readonly<Record<string, number>>,
  right: Iterable<readonly [string, number]>
): Record<string, number> => {
  const sum = { ...left }
  for (const [name, count] of right) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** The summary of one run. */
export const summaryOf = ({ seed, verdict, events }: FleetReport): Summary => ({
  runs: 1,
  events,
  faults: Object.fromEntries(verdict.faults),
  checks: Object.fromEntries(verdict.checks),
  facts: Object.fromEntries(verdict.facts),
  findings: [...verdict.violations.values()].map(({ check, at, detail }) => ({ check, seed, at, detail, runs: 1 }))
})

/** Two summaries as one. */
export const plus = (left: Summary, right: Summary): Summary => {
  const findings = new Map(left.findings.map((finding) => [finding.check, finding]))
  for (const finding of right.findings) {
    const known = findings.get(finding.check)
    const first = known === undefined || finding.seed < known.seed ? finding : known
    findings.set(finding.check, { ...first, runs: finding.runs + (known?.runs ?? 0) })
  }
  return {
    runs: left.runs + right.runs,
    events: left.events + right.events,
    faults: added(left.faults, Object.entries(right.faults)),
    checks: added(left.checks, Object.entries(right.checks)),
    facts: added(left.facts, Object.entries(right.facts)),
    findings: [...findings.values()].sort((one, other) => other.runs - one.runs)
  }
}

/** What was never made or done is seen by its 0. */
const zeros = (names: ReadonlyArray<string>): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, 0]))

const table = (title: string, counts: Readonly<Record<string, number>>): ReadonlyArray<string> => {
  const names = Object.keys(counts).sort()
  const width = Math.max(0, ...names.map((name) => name.length))
  return [title, ...names.map((name) => `  ${name.padEnd(width)}  ${(counts[name] ?? 0).toLocaleString("en-US")}`)]
}

/** The report for people. Each check stands there with how often it was made: one that never ran is seen. */
export const reportLines = (summary: Summary, seconds: number): ReadonlyArray<string> => {
  const { runs, events, faults, checks, facts, findings } = summary
  const pace = seconds > 0 ? Math.round((runs / seconds) * 60) : 0
  return [
    `${runs} runs of 60 virtual seconds, ${events.toLocaleString("en-US")} events, in ${seconds.toFixed(1)} s (${pace} runs a minute)`,
    ...table("faults", { ...zeros(faultKinds), ...faults }),
    ...table("what happened", facts),
    ...table("checks made", { ...zeros(Object.keys(allChecks)), ...checks }),
    ...(findings.length === 0
      ? ["all checks hold"]
      : [
          "violations",
          ...findings.flatMap(({ check, seed, at, detail, runs: count }) => [
            `  ${check}: in ${count} of ${runs} runs, first with seed ${seed} at ${at} ms: ${detail}`,
            `    holon simulate --seed ${seed} --trace`
          ])
        ])
  ]
}
