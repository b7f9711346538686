/** Writes a pattern as text, in the one spelling that the formatter knows. What is written is read as the same tree. */
import { format, formatPath, formatTerm } from "../condition/Format.ts"
import { formatDuration } from "./Durations.ts"
import type { Action, Aggregate, EventTypes, Pattern, PatternBody, Step, Threshold, Window } from "./Pattern.ts"
import { formatJson } from "./ReadJson.ts"
import { reservedTypes } from "./Words.ts"

/** A text that is nothing but digits and a unit would be read as a number by people. */
const looksPlain = /^[a-z_*][a-z0-9_*-]*(\.[a-z0-9_*-]+)*$/

const formatType = (type: string): string =>
  looksPlain.test(type) && !reservedTypes.has(type) ? type : JSON.stringify(type)
const formatTypes = (types: EventTypes): string => types.map(formatType).join(", ")

const formatStep = ({ from, where }: Step): string => {
  const parts = [
    ...(from === undefined ? [] : [formatTypes(from)]),
    ...(where === undefined ? [] : [`where ${format(where)}`])
  ]
  return parts.length === 0 ? "any event" : parts.join(" ")
}

const formatAggregate = (aggregate: Aggregate): string => {
  switch (aggregate._tag) {
    case "Count":
    case "Rate":
      return aggregate._tag.toLowerCase()
    case "Distinct":
      return `distinct(${formatPath(aggregate.of)})`
    case "Quantile":
      return `p(${aggregate.q}, ${formatTerm(aggregate.of)})`
    case "Ewma":
      return `ewma(${formatTerm(aggregate.of)}, ${aggregate.alpha})`
    default:
      return `${aggregate._tag.toLowerCase()}(${formatTerm(aggregate.of)})`
  }
}

const formatWindow = (window: Window): string => {
  switch (window._tag) {
    case "Tumbling":
      return `tumbling ${formatDuration(window.millis)}`
    case "Sliding":
      return `sliding ${formatDuration(window.millis)}`
    case "Session":
      return `session ${formatDuration(window.gapMillis)}`
    case "LastEvents":
      return `last ${window.count} events`
  }
}

const formatThreshold = ({ operator, value }: Threshold): string => `${operator} ${value}`
const quoted = (text: string): string => JSON.stringify(text)

const formatBody = (body: PatternBody): string => {
  switch (body._tag) {
    case "Where":
      return `where ${format(body.condition)}`
    case "When": {
      const { aggregate, threshold, over, where, clear, forMillis } = body
      return [
        `when ${formatAggregate(aggregate)} ${formatThreshold(threshold)}`,
        ...(over === undefined ? [] : [`over ${formatWindow(over)}`]),
        ...(where === undefined ? [] : [`where ${format(where)}`]),
        ...(clear === undefined ? [] : [`clear ${formatThreshold(clear)}`]),
        ...(forMillis === undefined ? [] : [`for ${formatDuration(forMillis)}`])
      ].join(" ")
    }
    case "Sequence": {
      const rest = body.rest.map(({ link, step }) => `${link === "next" ? "->" : "~>"} ${formatStep(step)}`)
      return `seq ${[formatStep(body.first), ...rest].join(" ")} within ${formatDuration(body.withinMillis)}`
    }
    case "Absence":
      return `${formatStep(body.trigger)} then no ${formatStep(body.absent)} within ${formatDuration(body.withinMillis)}`
    case "Silence":
      return `silence ${formatStep(body.step)} for ${formatDuration(body.forMillis)}`
    case "Combined": {
      const { patterns, atLeast, withinMillis } = body
      const word = atLeast === patterns.length ? "all" : atLeast === 1 ? "any" : `${atLeast} of `
      return `${word}(${patterns.map(quoted).join(", ")}) within ${formatDuration(withinMillis)}`
    }
    case "Join": {
      const { left, right, on, withinMillis, where } = body
      return [
        `join ${formatTypes(left.from)} as ${left.as} with ${formatTypes(right.from)} as ${right.as}`,
        ...(on === undefined ? [] : [`on ${formatPath(on)}`]),
        `within ${formatDuration(withinMillis)}`,
        ...(where === undefined ? [] : [`where ${format(where)}`])
      ].join(" ")
    }
  }
}

const formatAction = (action: Action): string => {
  switch (action._tag) {
    case "Event":
      return `event(${quoted(action.type)})`
    case "Tell": {
      const { kind, id, message, payload } = action
      const isEmpty = formatJson(payload) === "{}"
      return `tell(${kind}, ${quoted(id)}, ${message}${isEmpty ? "" : `, ${formatJson(payload)}`})`
    }
    case "Webhook":
      return `webhook(${quoted(action.url)})`
    case "Mqtt":
      return `mqtt(${quoted(action.topic)})`
    case "Raise":
      return `raise(${quoted(action.signal)})`
  }
}

/** The text of a pattern, one clause a line. */
export const formatPattern = (pattern: Pattern): string => {
  const { name, priority, from, by, body, allowLateMillis, emit, actions, suppressMillis } = pattern
  const values = Object.entries(emit ?? {}).map(([key, term]) => `${key}: ${formatTerm(term)}`)
  const clauses = [
    ...(from === undefined ? [] : [`from ${formatTypes(from)}`]),
    ...(by.length === 0 ? [] : [`by ${by.map((path) => formatPath(path)).join(", ")}`]),
    formatBody(body),
    ...(allowLateMillis === undefined ? [] : [`allow late ${formatDuration(allowLateMillis)}`]),
    ...(emit === undefined ? [] : [`emit ${values.length === 0 ? "{}" : `{ ${values.join(", ")} }`}`]),
    ...(actions.length === 0 ? [] : [`do ${actions.map(formatAction).join(", ")}`]),
    ...(suppressMillis === undefined ? [] : [`suppress ${formatDuration(suppressMillis)}`])
  ]
  const head = priority === "normal" ? quoted(name) : `${quoted(name)} priority ${priority}`
  return `pattern ${head} {\n${clauses.map((clause) => `  ${clause}\n`).join("")}}`
}
