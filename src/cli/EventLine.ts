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

/** One line: when, how grave, what, who, and with what. */
export const lineOf = ({ event }: PlacedEventView): string => {
  const { at, severity, type, source, data, unit } = event
  const said = data === null ? "" : isRecord(data) ? saidOf(data, unit) : JSON.stringify(data)
  const grave = severity === "info" || severity === "debug" ? "" : `${severity}  `
  const time = new Date(at).toISOString().replace("T", " ").replace("Z", "")
  return `${time}  ${grave}${source.actor}/${source.id}  ${type}${said === "" ? "" : `  ${said}`}${unit === undefined ? "" : ` ${unit}`}`
}
