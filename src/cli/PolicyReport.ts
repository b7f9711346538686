/** Policies, their impact and why they decide as they do, in words. */
import type { Impact, ImpactReport } from "../protocol/policy/Impact.ts"
import type { PolicyView, Tally } from "../protocol/vsm/PolicyView.ts"
import type { ExplainedDecision } from "../systems/policy/rule/PolicyDesk.ts"
import { ago, table } from "./Table.ts"

/** As `warm version 2`. */
export const policyName = ({ name, version }: Pick<PolicyView, "name" | "version">): string =>
  `${name} version ${version}`

const approvalsOf = ({ needs, approvals }: PolicyView): string => {
  const by = approvals.map((each) => each.by).join(", ")
  return needs === 0 ? by : `${approvals.length} of ${needs}${by === "" ? "" : `: ${by}`}`
}

const shareOf = ({ decisions, denials, errors }: Tally): string => `${denials + errors} of ${decisions}`

/** How a trial goes, as one line. */
export const trialLine = ({ trial }: PolicyView): string =>
  trial === undefined
    ? ""
    : `tried in ${trial.zones.join(", ")}: ${shareOf(trial.tried)} denied, ${trial.before.denials + trial.before.errors} by the policies before; elsewhere ${shareOf(trial.rest)}`

/** Policies as a table, with their VSMs. */
export const policyTable = (
  lists: ReadonlyArray<{ readonly vsm: string; readonly policies: ReadonlyArray<PolicyView> }>,
  now: number
): string =>
  table(
    ["policy", "version", "vsm", "zone", "class", "state", "epoch", "since", "ends", "approved"],
    lists.flatMap(({ vsm, policies }) =>
      policies.map((view) => [
        view.name,
        view.version,
        vsm,
        view.zone ?? "",
        view.class,
        view.state,
        view.epoch ?? "",
        ago(now - view.since),
        view.expiresAt === undefined || !/^(canary|active)$/.test(view.state) ? "" : `in ${ago(view.expiresAt - now)}`,
        approvalsOf(view)
      ])
    )
  )

const changedLines = ({ changed }: Impact): ReadonlyArray<string> =>
  changed.length === 0
    ? []
    : [
        table(
          ["acts", "capability", "zone", "would be", "by", "who", "because"],
          changed.map((each) => [
            each.count,
            each.capability,
            each.zone ?? "",
            each.effect === "deny" ? "denied" : "allowed",
            each.policies.join(", "),
            each.principals.join(", "),
            each.reason
          ])
        )
      ]

/** What a draft would have done. */
export const impactLines = (impact: ImpactReport): ReadonlyArray<string> => [
  `of ${impact.acts} acts of the last ${ago(impact.to - impact.from)}, ${impact.newlyDenied} would be denied that were not, and ${impact.newlyAllowed} allowed that were not`,
  ...changedLines(impact)
]

/** All of a policy. */
export const policyLines = (view: PolicyView, vsm: string, now: number): ReadonlyArray<string> => [
  `${policyName(view)} of ${vsm}: ${view.state} since ${ago(now - view.since)}${view.reason === undefined ? "" : `, ${view.reason}`}`,
  `staged by ${view.author}${view.needs + view.approvals.length === 0 ? "" : `, approved by ${approvalsOf(view)}`}`,
  ...(view.epoch === undefined || view.from === undefined
    ? []
    : [
        `in force with epoch ${view.epoch}, ${view.from > now ? `in ${ago(view.from - now)}` : `${ago(now - view.from)} ago`}`
      ]),
  ...(view.publishing === undefined ? [] : ["the nodes are being told"]),
  ...(view.trial === undefined ? [] : [trialLine(view)]),
  "",
  view.source,
  ...(view.impact === undefined ? [] : ["", ...impactLines(view.impact)])
]

const marks = { yes: "yes", no: "no", unknown: "unknown" } as const

/** Why something was decided, or would be. */
export const explainedLines = ({
  request,
  path,
  explanation: { decision, rules, obstacles },
  noted,
  refusal
}: ExplainedDecision): ReadonlyArray<string> => {
  const { principal, capability, zone } = request
  const what = noted === undefined ? capability : `${capability} (${noted.message} of ${noted.target})`
  const said = decision.effect === "deny" ? `denied: ${decision.reason}` : "allowed"
  const shown = rules.filter(({ verdict }) => verdict !== "fails")
  return [
    `${principal.kind} ${principal.id}, clearance ${principal.clearance}, wants ${what}${zone === undefined ? "" : ` in ${zone}`}, of ${path.join(" > ")}`,
    `${said}, by epoch ${decision.epoch}${decision.policies.length === 0 ? "" : `, by ${decision.policies.join(", ")}`}`,
    ...(refusal === undefined ? [] : [`it would be refused before that: ${refusal}`]),
    ...(decision.guidance === "" ? [] : [decision.guidance]),
    ...shown.flatMap(({ vsm, policy, rule, when, verdict, tests, statements }) => [
      "",
      `${policy} of ${vsm}, rule ${rule}: when ${when} (${verdict})`,
      ...tests.map(
        ({ test, verdict: found, found: values }) =>
          `  ${marks[found]}: ${test}${values.map(({ field, value }) => `, ${field} is ${value === undefined ? "missing" : JSON.stringify(value)}`).join("")}`
      ),
      ...statements.map(({ statement, outcome }) => `  ${statement}: ${outcome}`)
    ]),
    ...(obstacles.length === 0 ? [] : ["", "what stands against it:"]),
    ...obstacles.flatMap(({ sentence, ways, waitMillis }) => [
      `- ${sentence}`,
      ...ways.map(
        (way) => `    it would not if ${way.map(({ test, wanted }) => `${wanted ? "" : "not "}${test}`).join(" and ")}`
      ),
      ...(waitMillis === undefined ? [] : [`    it has room again in ${ago(waitMillis)}`])
    ])
  ]
}
