/** What a match has done: events and tells, in the commit that says how far the stream was looked at. */
import type { FoundMatch } from "../../events/engine/PatternWatch.ts"
import type { Match } from "../../events/temporal/Match.ts"
import type { Because } from "../../protocol/Because.ts"
import { type DeliveryTarget, deliveryIdOf } from "../../protocol/Delivery.ts"
import type { MatchView } from "../../protocol/PatternPartition.ts"
import type { Action } from "../../protocol/pattern/Pattern.ts"
import { filledIn } from "../../protocol/pattern/Placeholders.ts"
import type { Emitted, Tell } from "../Behaviour.ts"
import { RefusedTells } from "./AuthorRights.ts"
import { raiseOf } from "./Raise.ts"

/** Matches that stand behind each other; one more is patterns that feed each other. */
export const depthMax = 8
/** Ids of events that a match names. */
const eventsMax = 32

const severityOf = { low: "info", normal: "info", high: "warn", critical: "critical" } as const

const json = (values: Readonly<Record<string, unknown>>): MatchView["values"] =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const isJson = typeof value === "string" || typeof value === "boolean" || value === null
      const isNumber = typeof value === "number" && Number.isFinite(value)
      return isJson || isNumber ? [[name, value]] : []
    })
  )

/** The match as it stands in events and before subscribers. */
export const viewOf = ({ match, depth }: FoundMatch): MatchView => {
  const { id, pattern, version, by, kind, at, windowEnd, events, values, isWarm } = match
  return {
    id,
    pattern,
    version,
    by,
    kind,
    at,
    ...(windowEnd !== undefined && { windowEnd }),
    events: events.slice(0, eventsMax),
    values: json(values),
    isWarm,
    depth
  }
}

/** What `$name` stands for: a field of the key, something the match carries, or one of its facts. */
const named = (match: Match): ((name: string) => unknown) => {
  const { by, values, id, pattern, kind } = match
  return (name) => {
    if (Object.hasOwn(by, name)) return by[name]
    if (Object.hasOwn(values, name)) return values[name]
    return { match: id, pattern, kind }[name]
  }
}

const filled = (value: unknown, valueFor: (name: string) => unknown): unknown => {
  if (typeof value === "string") return filledIn(value, valueFor)
  if (Array.isArray(value)) return value.map((each) => filled(each, valueFor))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, filled(below, valueFor)]))
}

/** What leaves the partition for its matches. */
export interface Done {
  readonly events: ReadonlyArray<Emitted>
  readonly tells: ReadonlyArray<Tell>
}

/** Where the match stands among the events, so that what it does names it. */
interface Named {
  readonly because: Because
  readonly causedBy: number
}

const act = (
  found: FoundMatch,
  view: MatchView,
  cause: Named,
  action: Action
): { readonly event?: Emitted; readonly tell?: Tell } => {
  const { match, priority } = found
  const severity = severityOf[priority]
  const valueFor = named(match)
  switch (action._tag) {
    case "Event":
      return { event: { type: action.type, severity, at: match.at, data: view, ...cause } }
    case "Raise": {
      const data = { signal: action.signal, ...view }
      const tell = raiseOf(match, priority, action.signal, cause.causedBy)
      return { event: { type: "algedonic.raised", severity, at: match.at, data, ...cause }, tell }
    }
    case "Tell": {
      const { kind, id, message, payload } = action
      return {
        tell: {
          to: { kind, id: String(filledIn(id, valueFor)) },
          message,
          payload: filled(payload, valueFor),
          causedBy: cause.causedBy
        }
      }
    }
    case "Webhook":
    case "Mqtt": {
      const target: DeliveryTarget =
        action._tag === "Webhook" ? { _tag: "Webhook", url: action.url } : { _tag: "Mqtt", topic: action.topic }
      return {
        tell: {
          to: { kind: "delivery", id: deliveryIdOf(target) },
          message: "Deliver",
          payload: { matchId: match.id, pattern: match.pattern, target, key: match.key, envelope: view },
          causedBy: cause.causedBy
        }
      }
    }
  }
}

/** A match with what its author has lost the right to tell. */
export interface JudgedMatch extends FoundMatch {
  /** The right that is missing, by the action. */
  readonly missing: ReadonlyMap<Action, string>
}

/** Everything that these matches have done. What their authors may not have done any more is told to their accounts. */
export const done = (found: ReadonlyArray<JudgedMatch>, now: number): Done => {
  const events: Array<Emitted> = []
  const tells: Array<Tell> = []
  const refused = new RefusedTells(now)
  /** Where the matches stand among the events, by their ids: one may have made another. */
  const places = new Map<string, number>()
  for (const each of found) {
    const { match, because } = each
    const view = viewOf(each)
    const maker = match.events.findLast((id) => places.has(id))
    const reason = { because, ...(maker !== undefined && { causedBy: places.get(maker) ?? 0 }) }
    if (each.depth > depthMax) {
      events.push({ type: "pattern.loop", severity: "error", at: match.at, data: view, ...reason })
      continue
    }
    const cause: Named = { because, causedBy: events.length }
    places.set(match.id, cause.causedBy)
    events.push({ type: "pattern.matched", severity: severityOf[each.priority], at: match.at, data: view, ...reason })
    for (const action of each.actions) {
      const { event, tell } = act(each, view, cause, action)
      const capability = each.missing.get(action)
      if (event !== undefined) events.push(event)
      if (tell === undefined) continue
      if (capability === undefined) tells.push(tell)
      else {
        const target = `${tell.to.kind}/${tell.to.id}, by pattern ${match.pattern}`
        refused.note(each.author, { capability, message: tell.message, target }, cause.causedBy)
      }
    }
  }
  return { events, tells: [...tells, ...refused.tells()] }
}
