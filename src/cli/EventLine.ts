/** An event as people read it. */
import type { PlacedEventView } from "../gateways/http/EventQueries.ts"
import { fields } from "./Table.ts"

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data)

/** One line: when, how grave, what, who, and with what. */
export const lineOf = ({ event }: PlacedEventView): string => {
  const { at, severity, type, source, data, unit } = event
  const said = data === null ? "" : isRecord(data) ? fields(data) : JSON.stringify(data)
  const grave = severity === "info" || severity === "debug" ? "" : `${severity}  `
  const time = new Date(at).toISOString().replace("T", " ").replace("Z", "")
  return `${time}  ${grave}${source.actor}/${source.id}  ${type}${said === "" ? "" : `  ${said}`}${unit === undefined ? "" : ` ${unit}`}`
}
