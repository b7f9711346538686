/** An event as conditions see it. */
import type { HolonEvent } from "../../protocol/Event.ts"

/** What a condition of the source `events` speaks about. */
export interface EventDocument {
  readonly type: string
  readonly severity: string
  readonly unit?: string
  readonly zone?: string
  readonly source: { readonly actor: string; readonly id: string }
  readonly data: unknown
  /** What a board says in this report, which is not all that its twin holds; only in its telemetry. */
  readonly reported?: unknown
}

/** Type of what boards measure: all samples are of it. */
export const telemetryType = "board.telemetry"

/** The document of an event. */
export const documentOf = (event: HolonEvent): EventDocument => {
  // An event has all that a document has; only telemetry has a second name for its data.
  if (event.type !== telemetryType) return event
  const { type, severity, unit, zone, source, data } = event
  return {
    type,
    severity,
    ...(unit !== undefined && { unit }),
    ...(zone !== undefined && { zone }),
    source,
    data,
    reported: data
  }
}
