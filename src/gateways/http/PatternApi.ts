/** Patterns over HTTP. */
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { StoredPattern } from "../../events/Patterns.ts"
import { Authorization } from "./Authorization.ts"
import { CurrentAsker } from "./Gatekeeper.ts"
import { Needs } from "./Needs.ts"
import { GivenPattern, PatternError, PatternPage, patternDesk, TrialView } from "./PatternDesk.ts"
import { PatternStats, patternStats } from "./PatternStats.ts"

const limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 }))
const last = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 10_000 }))
const expected = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))
const params = { name: Schema.String.check(Schema.isMaxLength(100)) }

const putPattern = HttpApiEndpoint.post("putPattern", "/api/patterns", {
  query: { expected: Schema.optionalKey(expected) },
  payload: GivenPattern,
  success: StoredPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(
    OpenApi.Description,
    "Adds a pattern, or replaces the one of its name: as `text`, or as its tree `pattern`. With `expected` only that version is replaced; 0 adds only."
  )

const listPatterns = HttpApiEndpoint.get("listPatterns", "/api/patterns", {
  query: { limit: Schema.optionalKey(limit), after: Schema.optionalKey(Schema.String) },
  success: PatternPage,
  error: PatternError
}).annotate(Needs, "pattern.read")

const getPattern = HttpApiEndpoint.get("getPattern", "/api/patterns/:name", {
  params,
  success: StoredPattern,
  error: PatternError
}).annotate(Needs, "pattern.read")

const statsOfPattern = HttpApiEndpoint.get("statsOfPattern", "/api/patterns/:name/stats", {
  params,
  success: PatternStats,
  error: PatternError
})
  .annotate(Needs, "pattern.read")
  .annotate(
    OpenApi.Description,
    "What the nodes that look for it have counted since they began to, added up, and what they keep of it."
  )

const removePattern = HttpApiEndpoint.delete("removePattern", "/api/patterns/:name", {
  params,
  success: StoredPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(OpenApi.Description, "Removes a pattern; answers what it was.")

const switchPattern = HttpApiEndpoint.post("switchPattern", "/api/patterns/:name/switch", {
  params,
  payload: Schema.Struct({ isOn: Schema.Boolean }),
  success: StoredPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(OpenApi.Description, "Only patterns that are on look at events.")

const tryPattern = HttpApiEndpoint.post("tryPattern", "/api/patterns/try", {
  query: { since: Schema.optionalKey(Schema.String), last: Schema.optionalKey(last) },
  payload: GivenPattern,
  success: TrialView,
  error: PatternError
})
  .annotate(Needs, "pattern.read")
  .annotate(
    OpenApi.Description,
    "Plays stored events to a draft, from the time `since` on or the `last` so many: what it would have matched, and when. Nothing is acted on."
  )

/** The group of the API. */
export const patternGroup = HttpApiGroup.make("patterns")
  .add(putPattern, listPatterns, getPattern, statsOfPattern, removePattern, switchPattern, tryPattern)
  .middleware(Authorization)

const who = Effect.map(CurrentAsker, ({ kind, id }) => `${kind}:${id}`)

/** What each endpoint does. */
export const patternHandlers = Effect.map(Effect.all([patternDesk, patternStats]), ([desk, stats]) => ({
  stats,
  put: (given: GivenPattern, wanted: number | undefined) =>
    Effect.flatMap(CurrentAsker, (asker) => desk.put(given, asker, wanted)),
  list: ({ limit: count = 100, after }: { readonly limit?: number; readonly after?: string }) =>
    desk.list(count, after),
  get: desk.get,
  remove: (name: string) => Effect.flatMap(who, (by) => desk.remove(name, by)),
  setOn: (name: string, isOn: boolean) => Effect.flatMap(who, (by) => desk.setOn(name, isOn, by)),
  trial: desk.trial
}))
