/** Writes a policy as text, in the one spelling that the formatter knows. What is written is read as the same tree. */
import { format, formatPath } from "../condition/Format.ts"
import { formatDuration } from "../pattern/Durations.ts"
import { type Policy, priorityDefault, type Statement } from "./Policy.ts"

const quoted = (text: string): string => JSON.stringify(text)

/** The text of a statement. */
export const formatStatement = (statement: Statement): string => {
  switch (statement._tag) {
    case "Allow":
      return "allow"
    case "Deny": {
      const { reason, guidance } = statement
      return `deny ${quoted(reason)}${guidance === undefined ? "" : ` guidance ${quoted(guidance)}`}`
    }
    case "Require":
      return `require ${format(statement.condition)}`
    case "Limit": {
      const { count, millis, by } = statement
      return `limit ${count} per ${formatDuration(millis)} by ${by.map((path) => formatPath(path)).join(", ")}`
    }
    case "Oblige": {
      const { duty, detail } = statement
      return `oblige ${duty}${detail === undefined ? "" : ` ${quoted(detail)}`}`
    }
  }
}

/** The text of a policy, one rule a line. */
export const formatPolicy = (policy: Policy): string => {
  const { name, zone, priority, ttlMillis, rules } = policy
  const head = [
    `policy ${quoted(name)}`,
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(policy.class === "access" ? [] : [`class ${policy.class}`]),
    ...(priority === priorityDefault ? [] : [`priority ${priority}`]),
    ...(ttlMillis === undefined ? [] : [`ttl ${formatDuration(ttlMillis)}`])
  ]
  const lines = rules.map(
    ({ when, statements }) => `  when ${format(when)} { ${statements.map(formatStatement).join("; ")} }\n`
  )
  return `${head.join(" ")} {\n${lines.join("")}}`
}
