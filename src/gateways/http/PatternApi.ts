/** Patterns over HTTP. */
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { KeptPattern, StoredPattern } from "../../events/Patterns.ts"
import { Authorization } from "./Authorization.ts"
import { CurrentAsker } from "./Gatekeeper.ts"
import { GivenPattern, GivenPatterns, PlainText } from "./GivenPattern.ts"
import { Needs } from "./Needs.ts"
import { PatternError, PatternPage, PatternSwitch, PutPatterns, patternDesk, TrialView } from "./PatternDesk.ts"
import { PatternStats, patternStats } from "./PatternStats.ts"

const limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 }))
const last = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 10_000 }))
const expected = Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))
const params = { name: Schema.String.check(Schema.isMaxLength(100)) }

const putPattern = HttpApiEndpoint.post("putPattern", "/api/patterns", {
  query: { expected: Schema.optionalKey(expected) },
  payload: [GivenPattern, PlainText],
  success: StoredPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(
    OpenApi.Description,
    "Adds a pattern, or replaces the one of its name: as `text`, which may also be the whole body as text/plain, or as JSON in `pattern`: its tree, or the short form with `conditions`, a list of `{ field, operator, value }`. With `expected` only that version is replaced; 0 adds only. One that its author has added just so stays as it is, with its version."
  )

const putPatterns = HttpApiEndpoint.post("putPatterns", "/api/patterns/all", {
  payload: [GivenPatterns, PlainText],
  success: PutPatterns,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(
    OpenApi.Description,
    "Adds or replaces up to 1000 patterns, all of them or none: one behind the other as `text`, which may also be the whole body as text/plain, or as a list of JSON in `patterns`. They may name each other. `unchanged` names those that were there just so, by the same author, and keep their version; `anew` those that forget what they have seen."
  )

const listPatterns = HttpApiEndpoint.get("listPatterns", "/api/patterns", {
  query: { limit: Schema.optionalKey(limit), after: Schema.optionalKey(Schema.String) },
  success: PatternPage,
  error: PatternError
}).annotate(Needs, "pattern.read")

const getPattern = HttpApiEndpoint.get("getPattern", "/api/patterns/:name", {
  params,
  success: KeptPattern,
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
  success: KeptPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(OpenApi.Description, "Removes a pattern; answers what it was.")

const switchPattern = HttpApiEndpoint.post("switchPattern", "/api/patterns/:name/switch", {
  params,
  payload: PatternSwitch,
  success: KeptPattern,
  error: PatternError
})
  .annotate(Needs, "pattern.write")
  .annotate(
    OpenApi.Description,
    "Only patterns that are on look at events. With `zones` it is switched on in them, too, or off in them; on with an empty list is everywhere."
  )

const tryPattern = HttpApiEndpoint.post("tryPattern", "/api/patterns/try", {
  query: { since: Schema.optionalKey(Schema.String), last: Schema.optionalKey(last) },
  payload: [GivenPattern, PlainText],
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
  .add(putPattern, putPatterns, listPatterns, getPattern, statsOfPattern, removePattern, switchPattern, tryPattern)
  .middleware(Authorization)

const asGiven = <A>(given: A | string): A | { readonly text: string } =>
  typeof given === "string" ? { text: given } : given

/** What each endpoint does. */
export const patternHandlers = Effect.map(Effect.all([patternDesk, patternStats]), ([desk, stats]) => ({
  stats,
  put: (given: GivenPattern | string, wanted: number | undefined) =>
    Effect.flatMap(CurrentAsker, (asker) => desk.put(asGiven(given), asker, wanted)),
  putAll: (given: GivenPatterns | string) =>
    Effect.flatMap(CurrentAsker, (asker) => desk.putAll(asGiven(given), asker)),
  list: ({ limit: count = 100, after }: { readonly limit?: number; readonly after?: string }) =>
    desk.list(count, after),
  get: desk.get,
  remove: (name: string) => Effect.flatMap(CurrentAsker, (asker) => desk.remove(name, asker)),
  setOn: (name: string, change: PatternSwitch) =>
    Effect.flatMap(CurrentAsker, (asker) => desk.setOn(name, change, asker)),
  trial: (given: GivenPattern | string, asked: Parameters<typeof desk.trial>[1]) => desk.trial(asGiven(given), asked)
}))
