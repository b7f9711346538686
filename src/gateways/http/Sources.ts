/** What conditions of people speak about: twins and events, with the units that this cluster declares for fields of boards. */
import { Context, Effect, Layer } from "effect"
import type { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { plainText } from "../../protocol/condition/PlainNumbers.ts"
import { events, type FieldUnits, type Source, twins, withUnits } from "../../protocol/condition/Source.ts"
import { Subscription } from "../../protocol/Subscription.ts"

/** Without a layer, no field declares a unit. */
export const Sources = Context.Reference<{ readonly twins: Source; readonly events: Source }>(
  "holon/gateways/http/Sources",
  { defaultValue: () => ({ twins, events }) }
)

/** Sources whose fields count in these units. */
export const layer = (units: FieldUnits) =>
  Layer.succeed(Sources, { twins: withUnits(twins, units), events: withUnits(events, units) })

const hasCondition = (payload: unknown): payload is { readonly where: string } =>
  typeof payload === "object" && payload !== null && "where" in payload && typeof payload.where === "string"

/**
 * A message as an actor keeps it. A subscription goes on for long and its condition is read on any node: it comes there in
 * plain numbers.
 */
export const messageInPlainNumbers = Effect.map(
  Sources,
  (sources) =>
    (kind: string, message: string, payload: unknown): Effect.Effect<unknown, ConditionInvalid> =>
      kind === Subscription.kind && message === "Create" && hasCondition(payload)
        ? Effect.map(Effect.fromResult(plainText(payload.where, sources.events)), (where) => ({ ...payload, where }))
        : Effect.succeed(payload)
)
