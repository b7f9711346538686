/** The registry as JSON Schema: what surfaces that know no actor check and complete with. */
import { Schema } from "effect"
import type { Agreement } from "../../actors/Agreement.ts"
import type { Registry } from "../../actors/Registry.ts"
import type { Message, PlainSchema } from "../../protocol/Contract.ts"
import type { KindView, MessageView } from "./Control.ts"

const isJson = Schema.is(Schema.Json)

/** JSON Schema with its definitions inside, unknown fields refused. */
const jsonSchemaOf = (schema: PlainSchema): Schema.Json => {
  const { schema: root, definitions } = Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" })
  const document: unknown = Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
  return isJson(document) ? document : {}
}

const messageView = (name: string, message: Message): MessageView => ({
  name,
  about: message.about,
  delivery: message.delivery,
  audience: message.audience,
  payload: jsonSchemaOf(message.payload),
  success: jsonSchemaOf(message.success)
})

/** Whether people may send it: what surfaces that are derived from contracts show. */
export const isForPeople = ({ audience }: Message): boolean => audience === "operator" || audience === "public"

/** The same as the cluster stands now: what not every member knows says why it is refused. */
export const withHeldBack = (
  kinds: ReadonlyArray<KindView>,
  { heldBack }: Pick<Agreement, "heldBack">
): ReadonlyArray<KindView> =>
  kinds.map((view) => ({
    ...view,
    messages: view.messages.map((message) => {
      const reason = heldBack(view.kind, message.name)
      return reason === undefined ? message : { ...message, heldBack: reason }
    })
  }))

/** Every kind with the messages that people may send. */
export const describeRegistry = (registry: Registry): ReadonlyArray<KindView> =>
  [...registry.values()].map(({ behaviour: { contract } }) => ({
    kind: contract.kind,
    about: contract.about,
    messages: Object.entries(contract.messages)
      .filter(([, message]) => isForPeople(message))
      .map(([name, message]) => messageView(name, message))
  }))
