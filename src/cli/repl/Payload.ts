/** From values in order to the named fields of a message. */
import { Result, Schema } from "effect"
import type { MessageView } from "../../gateways/http/Control.ts"
import { Malformed } from "../../protocol/Errors.ts"

const WithProperties = Schema.Struct({ properties: Schema.Record(Schema.String, Schema.Json) })
const withProperties = Schema.is(WithProperties)

/** Names of a message's fields, in order. */
export const fieldsOf = (message: MessageView): ReadonlyArray<string> =>
  withProperties(message.payload) ? Object.keys(message.payload.properties) : []

/** The payload that the values in order make. */
export const payloadOf = (
  message: MessageView,
  values: ReadonlyArray<unknown>
): Result.Result<Readonly<Record<string, unknown>>, Malformed> => {
  const names = fieldsOf(message)
  if (values.length > names.length) {
    const takes = names.length === 0 ? "no arguments" : `at most ${names.join(", ")}`
    return Result.fail(new Malformed({ path: message.name, reason: `takes ${takes}, ${values.length} were given` }))
  }
  return Result.succeed(Object.fromEntries(values.map((value, index) => [names[index] ?? "", value])))
}
