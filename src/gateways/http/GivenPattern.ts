/** The forms in which somebody gives patterns: all of them become text, which is what is read, checked and kept. */
import { Effect, Result, Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { Malformed } from "../../protocol/Errors.ts"
import { formatPattern } from "../../protocol/pattern/PatternFormat.ts"
import { patternOfJson } from "../../protocol/pattern/PatternJson.ts"
import { patternsAtOnceMax, patternsCharactersMax } from "../../protocol/pattern/PatternText.ts"

/** Which of the two it is, and what does not fit, is said by its reader. */
const PatternTree = Schema.Json.annotate({
  description: "A pattern as its tree, or in the short form: `conditions`, a list of `{ field, operator, value }`."
})

/** A pattern: as text, as its tree, or in the short form. */
export const GivenPattern = Schema.Union([
  Schema.Struct({ text: Schema.String.check(Schema.isMaxLength(65_536)) }),
  Schema.Struct({ pattern: PatternTree })
])
export type GivenPattern = typeof GivenPattern.Type

/** Patterns: one behind the other in a text, or a list of trees and short forms. */
export const GivenPatterns = Schema.Union([
  Schema.Struct({ text: Schema.String.check(Schema.isMaxLength(patternsCharactersMax)) }),
  Schema.Struct({ patterns: Schema.NonEmptyArray(PatternTree).check(Schema.isMaxLength(patternsAtOnceMax)) })
])
export type GivenPatterns = typeof GivenPatterns.Type

/** The text alone, as the body of a request. */
export const PlainText = Schema.String.pipe(HttpApiSchema.asText())

const textOfJson = (json: Schema.Json, place: string): Result.Result<string, Malformed> =>
  Result.mapError(Result.map(patternOfJson(json), formatPattern), ({ path, reason }) =>
    path === "" ? new Malformed({ path: place, reason }) : new Malformed({ path: `${place}.${path}`, reason })
  )

/** The text of a pattern. Fails with `Malformed`, which names the first field that does not fit. */
export const textOf = (given: GivenPattern): Effect.Effect<string, Malformed> =>
  "text" in given ? Effect.succeed(given.text) : Effect.fromResult(textOfJson(given.pattern, "pattern"))

/** As {@link textOf}, with one pattern behind the other. */
export const textOfAll = (given: GivenPatterns): Effect.Effect<string, Malformed> =>
  "text" in given
    ? Effect.succeed(given.text)
    : Effect.map(
        Effect.forEach(given.patterns, (json, index) => Effect.fromResult(textOfJson(json, `patterns.${index}`))),
        (texts) => texts.join("\n")
      )
