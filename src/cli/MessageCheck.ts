/** Checks a message against the registry of the node before it is sent: unknown names get the nearest, wrong fields a sentence. */
import { Effect, JsonSchema, Result, Schema, SchemaRepresentation } from "effect"
import type { KindView, MessageView } from "../gateways/http/Control.ts"
import { Malformed, UnknownCapability } from "../protocol/Errors.ts"
import { misfitOf } from "../protocol/Misfit.ts"
import { nearest } from "../protocol/Nearest.ts"

const isJson = Schema.is(Schema.Json)
const isSchema = Schema.is(Schema.Record(Schema.String, Schema.Json))

/** The schema that a node gave as JSON Schema. */
const schemaOf = (document: Schema.Json): Schema.Codec<unknown> => {
  if (!isSchema(document)) return Schema.Unknown
  const parsed = JsonSchema.fromSchemaDraft2020_12(document)
  return SchemaRepresentation.fromJsonSchemaDocument(parsed, { patterns: "apply" }) as Schema.Codec<unknown>
}

/** The message of that name, or the nearest names as an error. */
export const findMessage = (
  kinds: ReadonlyArray<KindView>,
  kind: string,
  message: string
): Result.Result<MessageView, UnknownCapability> => {
  const view = kinds.find((candidate) => candidate.kind === kind)
  if (view === undefined) {
    const names = kinds.map((candidate) => candidate.kind)
    return Result.fail(new UnknownCapability({ name: `actor kind ${kind}`, suggestions: nearest(kind, names) }))
  }
  const found = view.messages.find((candidate) => candidate.name === message)
  if (found !== undefined) return Result.succeed(found)
  const names = view.messages.map((candidate) => candidate.name)
  return Result.fail(
    new UnknownCapability({ name: `message ${message} of ${kind}`, suggestions: nearest(message, names) })
  )
}

/** The first thing wrong, with its place in the message. */
const malformed = (message: MessageView, error: Schema.SchemaError): Malformed => {
  const { path, reason } = misfitOf(error)
  return new Malformed({ path: [message.name, ...path].join("."), reason })
}

/** The payload as it may be sent. */
export const checkPayload = (message: MessageView, payload: unknown): Result.Result<Schema.Json, Malformed> => {
  const decoded = Schema.decodeUnknownResult(schemaOf(message.payload), { onExcessProperty: "error" })(payload)
  if (Result.isFailure(decoded)) return Result.fail(malformed(message, decoded.failure))
  return isJson(payload)
    ? Result.succeed(payload)
    : Result.fail(new Malformed({ path: message.name, reason: "not JSON" }))
}

/** Both checks, with the payload as answer. */
export const checkMessage = (kinds: ReadonlyArray<KindView>, kind: string, message: string, payload: unknown) =>
  Effect.fromResult(Result.flatMap(findMessage(kinds, kind, message), (view) => checkPayload(view, payload)))
