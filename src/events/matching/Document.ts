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

const telemetry = "board.telemetry"

/** The document of an event. */
export const documentOf = (event: HolonEvent): EventDocument => {
  // An event has all that a document has; only telemetry has a second name for its data.
  if (event.type !== telemetry) return event
  return { ...event, reported: event.data }
}
