/** Which devices a client wants, as it says so in words. */
import { Effect, Schema } from "effect"
import { DeviceSearch, type SearchCrowded, type SearchUnavailable } from "../../events/DeviceSearch.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { charactersMax } from "../../protocol/condition/Token.ts"
import { Backpressure, Malformed, Unavailable } from "../../protocol/Errors.ts"
import type { DevicePage } from "./Control.ts"
import { Sources } from "./Sources.ts"

const Scalar = Schema.Union([Schema.Finite, Schema.String, Schema.Boolean])

/** A condition over twins. */
export const Where = Schema.String.check(Schema.isMaxLength(charactersMax))

/** What the parameters of a condition stand for, by name without the `$`; a list only behind `in`. */
export const ConditionParameters = Schema.Record(Schema.String, Schema.Union([Scalar, Schema.Array(Scalar)]))

/** What is asked for: a condition, and which part of what fulfils it. */
export interface DeviceQuery {
  readonly where: string
  readonly parameters?: typeof ConditionParameters.Type
  readonly limit: number
  readonly after?: string
}

const retryMillis = 1000

const spokenFailure = (error: SearchUnavailable | SearchCrowded): Unavailable | Backpressure => {
  if (error._tag === "SearchCrowded")
    return new Backpressure({ bucket: "the search of devices", retryAfterMs: retryMillis })
  switch (error.reason) {
    case "Building":
      return new Unavailable({ cause: "the index of devices is being built", retryAfterMs: retryMillis })
    case "Newer":
      return new Unavailable({
        cause: "nodes of a newer release keep the index of devices; ask one of them, or upgrade this one"
      })
    case "Slow":
      return new Unavailable({
        cause:
          'the search takes too long in this fleet; narrow it down by what an index knows, such as state == "online"'
      })
    case "Store":
      return new Unavailable({ cause: "the store does not answer" })
  }
}

/** Searches by a query; failures in the words of the API, among them {@link ConditionInvalid}. */
export const deviceQueries = Effect.map(Effect.all([DeviceSearch, Sources]), ([search, { twins }]) =>
  Effect.fnUntraced(function* ({ where, parameters = {}, limit, after }: DeviceQuery) {
    if (after?.includes("\u0000") === true || after?.isWellFormed() === false)
      return yield* new Malformed({ path: "after", reason: "no id has NUL or half of a surrogate pair" })
    const condition = yield* Effect.fromResult(bindText(where, twins, parameters))
    const found = yield* search
      .find(condition, { limit, ...(after !== undefined && { after }) })
      .pipe(Effect.mapError(spokenFailure))
    const { devices, next, asOf } = found
    return { devices, ...(next !== undefined && { next }), asOf } satisfies DevicePage
  })
)
