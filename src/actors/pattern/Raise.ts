/** A pattern that raises a signal is felt by whom its match speaks of: by the VSM whose unit that device is, else by the root. */

import { Schema } from "effect"
import type { Match } from "../../events/temporal/Match.ts"
import { isDeviceId } from "../../protocol/Ids.ts"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import { evidenceMax, sourceOf } from "../../protocol/vsm/Signal.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import type { Tell, Undelivered } from "../Behaviour.ts"

/** How much it hurts, by the priority of the pattern. */
const intensityOf = { low: 0.3, normal: 0.6, high: 0.85, critical: 0.95 } as const
const isVsmId = Schema.is(VsmId)

/** The name of a signal as that of a metric. */
const metricOf = (signal: string): string =>
  signal
    .replaceAll(/[^\w.:*-]/g, "-")
    .replace(/^[^a-zA-Z0-9*]+/, "")
    .slice(0, 64) || "signal"

/** What tells of it. What has lasted and ended is over. */
export const raiseOf = (match: Match, priority: Pattern["priority"], signal: string, causedBy: number): Tell => {
  const { by, values, events, kind } = match
  const { value } = values
  const feeling = {
    metric: metricOf(signal),
    intensity: intensityOf[priority],
    ...(typeof value === "number" && Number.isFinite(value) ? { value } : {}),
    ids: events.slice(0, evidenceMax),
    ...(kind === "exit" ? { isOver: true } : {})
  }
  const { "source.actor": actor = "device", "source.id": speaker, unit = speaker } = by
  if (actor === "device" && isDeviceId(unit))
    return { to: { kind: "device", id: unit }, message: "Feel", payload: feeling, causedBy }
  const id = actor === "vsm" && isVsmId(speaker) ? speaker : rootId
  const source = actor === "vsm" && isVsmId(speaker) ? `vsm/${speaker}` : `pattern/${metricOf(match.pattern)}`
  return { to: { kind: "algedonic", id }, message: "Feel", payload: { ...feeling, source }, causedBy }
}

/** There is no such device: the root feels it. */
export const raisedAtRoot = ({ to, message, payload }: Undelivered): Tell | undefined =>
  to.kind === "device" && message === "Feel"
    ? {
        to: { kind: "algedonic", id: rootId },
        message,
        payload: { ...Object(payload), source: sourceOf("device", to.id) }
      }
    : undefined
