/** Why something was done, as people read it: the act first, below each step what led to it, down to what began it. */
import type { Beginning, WhyStep, WhyView } from "../protocol/audit/AuditView.ts"
import { fields } from "./Table.ts"

/** Below twenty steps lines are no longer moved to the right, characters. */
const barsMax = 60
const saidMax = 160

const timeOf = (at: number): string => new Date(at).toISOString().replace("T", " ").replace("Z", "")

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data)

const lineOf = ({ at, subject, type, data, record, rule }: WhyStep): string => {
  const said = isRecord(data) ? fields(data, saidMax) : ""
  const place = record === undefined ? "" : `  [${record.vsm} #${record.seq}]`
  return `${timeOf(at)}  ${subject}  ${rule === undefined ? type : `${rule} matched`}${said === "" ? "" : `  ${said}`}${place}`
}

const begunOf = ({ by, who, request }: Beginning): string => {
  const asked = request === undefined ? "" : `, request ${request}`
  switch (by) {
    case "person":
      return `begun by ${who}, who asked for it${asked}`
    case "board":
      return `begun by a frame of the board ${who}`
    case "runtime":
      return `begun by the runtime (${who})${asked}`
  }
}

/** The tree, a step a line. */
export const whyTreeOf = ({ id, steps, isCut }: WhyView): string => {
  const known = new Map(steps.map((step) => [step.id, step]))
  const told = new Set<string>()
  const lines: Array<string> = []
  const tell = (step: WhyStep, bars: string, mark: "" | "├─ " | "└─ "): void => {
    const isAgain = told.has(step.id)
    told.add(step.id)
    lines.push(`${bars}${mark}${lineOf(step)}${isAgain ? "  (see above)" : ""}`)
    if (isAgain) return
    const under = (mark === "" ? "" : `${bars}${mark === "├─ " ? "│  " : "   "}`).slice(0, barsMax)
    if (step.began !== undefined) lines.push(`${under}└─ ${begunOf(step.began)}`)
    for (const [index, cause] of step.causes.entries()) {
      const next = known.get(cause)
      if (next !== undefined) tell(next, under, index < step.causes.length - 1 ? "├─ " : "└─ ")
    }
  }
  const first = known.get(id)
  if (first !== undefined) tell(first, "", "")
  return [...lines, ...(isCut ? ["… there is more behind it"] : [])].join("\n")
}
