/** From values in order, or one map of named ones, to the fields of a message. */
import { Result, Schema } from "effect"
import type { MessageView } from "../../gateways/http/Control.ts"
import { Malformed } from "../../protocol/Errors.ts"

const WithProperties = Schema.Struct({ properties: Schema.Record(Schema.String, Schema.Json) })
const withProperties = Schema.is(WithProperties)

/** Names of a message's fields, in order. */
export const fieldsOf = (message: MessageView): ReadonlyArray<string> =>
  withProperties(message.payload) ? Object.keys(message.payload.properties) : []

const Alternatives = Schema.Struct({ anyOf: Schema.Array(Schema.Json) })
const Typed = Schema.Struct({ type: Schema.String })
const isAlternatives = Schema.is(Alternatives)
const isTyped = Schema.is(Typed)

/** Whether a field of this JSON schema may hold a map; so may one whose schema says nothing. */
const mayBeMap = (schema: Schema.Json | undefined): boolean => {
  if (isAlternatives(schema)) return schema.anyOf.some(mayBeMap)
  return !isTyped(schema) || schema.type === "object"
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * The payload that the values make: in order, or as one map of named fields. For a message whose first field is a map itself,
 * as the patch of a twin, one map is that field.
 */
export const payloadOf = (
  message: MessageView,
  values: ReadonlyArray<unknown>
): Result.Result<Readonly<Record<string, unknown>>, Malformed> => {
  const names = fieldsOf(message)
  const [only] = values
  if (values.length === 1 && isMap(only) && withProperties(message.payload)) {
    const [first] = Object.values(message.payload.properties)
    if (first !== undefined && !mayBeMap(first)) return Result.succeed(only)
  }
  if (values.length > names.length) {
    const takes = names.length === 0 ? "no arguments" : `at most ${names.join(", ")}`
    return Result.fail(new Malformed({ path: message.name, reason: `takes ${takes}, ${values.length} were given` }))
  }
  return Result.succeed(Object.fromEntries(values.map((value, index) => [names[index] ?? "", value])))
}
