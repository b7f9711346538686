/** Fields that a condition asks for and that no event has: a name that is spelled wrong fits nothing, silently. */
import { Result } from "effect"
import { documentOf } from "../events/matching/Document.ts"
import { Fields } from "../events/matching/Fields.ts"
import { pathsOf } from "../protocol/condition/Bound.ts"
import type { Parameters } from "../protocol/condition/Checks.ts"
import { formatPath } from "../protocol/condition/Format.ts"
import { bindWithoutUnits } from "../protocol/condition/PlainNumbers.ts"
import { events as eventSource } from "../protocol/condition/Source.ts"
import type { HolonEvent } from "../protocol/Event.ts"

/** The fields of the condition that none of these events has, as they may be written; none for a condition that is wrong. */
export const absentFields = (
  where: string,
  events: ReadonlyArray<HolonEvent>,
  parameters: Parameters = {}
): ReadonlyArray<string> => {
  const bound = bindWithoutUnits(where, eventSource, parameters)
  if (Result.isFailure(bound)) return []
  const fields = new Fields()
  const absent = new Map(pathsOf(bound.success).map((path) => [fields.placeOf(path), path]))
  for (const event of events) fields.walk(documentOf(event), (place) => absent.delete(place))
  return [...absent.values()].map(([first, ...below]) => {
    const bare = first === eventSource.root ? below : [first, ...below]
    return formatPath(bare.length === 0 ? [first] : bare)
  })
}

/** What to say of a condition that no event fulfilled, after a look at some events; nothing where its fields are all there. */
export const absence = (
  where: string,
  events: ReadonlyArray<HolonEvent>,
  hasSamples: boolean,
  parameters: Parameters = {}
): string | undefined => {
  const absent = events.length === 0 ? [] : absentFields(where, events, parameters)
  if (absent.length === 0) return undefined
  const looked = events.length === 1 ? "the one event there is does not have" : `none of ${events.length} events has`
  const measured = absent.some((name) => name.startsWith("reported")) && !hasSamples
  const hint = measured ? "; what boards measure is looked at with --samples" : ""
  return `no event matches: ${looked} a field ${absent.join(" or ")}${hint}`
}
