/** An event as people read it. */
import type { PlacedEventView } from "../gateways/http/EventQueries.ts"
import { fields } from "./Table.ts"

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data)

/** Wide enough for why something failed; the line says what of it stands elsewhere once only. */
const saidMax = 200

/** What an event says, without what is not there and what the line has anyway. */
const saidOf = (data: Readonly<Record<string, unknown>>, unit: string | undefined): string =>
  fields(
    Object.fromEntries(
      Object.entries(data).filter(([name, value]) => value !== null && !(name === "device" && value === unit))
    ),
    saidMax
  )

/** Of an id of 64 characters, so many tell matches apart. */
const idShown = 8

/** What a pattern found, as its event and those of its actions have it; other events are not told so. */
const isMatch = (data: Readonly<Record<string, unknown>>): boolean =>
  typeof data.pattern === "string" && typeof data.id === "string" && isRecord(data.by) && isRecord(data.values)

/** A match in the order in which people ask: which pattern, of whom, with what. When it was, and of what it was made, `--json` has. */
const matchOf = (data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const { id, by, values, events: _events, at: _at, windowEnd: _windowEnd, isWarm, depth: _depth, ...named } = data
  return {
    ...named,
    ...(isRecord(by) && by),
    ...(isRecord(values) && values),
    ...(isWarm === false && { isWarm }),
    id: `${String(id).slice(0, idShown)}…`
  }
}

/** One line: when, how grave, what, who, and with what. */
export const lineOf = ({ event }: PlacedEventView): string => {
  const { at, severity, type, source, data, unit } = event
  const said =
    data === null ? "" : isRecord(data) ? saidOf(isMatch(data) ? matchOf(data) : data, unit) : JSON.stringify(data)
  const grave = severity === "info" || severity === "debug" ? "" : `${severity}  `
  const time = new Date(at).toISOString().replace("T", " ").replace("Z", "")
  return `${time}  ${grave}${source.actor}/${source.id}  ${type}${said === "" ? "" : `  ${said}`}${unit === undefined ? "" : ` ${unit}`}`
}
