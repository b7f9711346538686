/** Actors of two releases: the newer one stores its state in another form, and knows one message more. */
import { Schema, SchemaGetter } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Contract from "../../src/protocol/Contract.ts"

const messages = {
  Fill: Contract.once({ payload: { litres: Schema.Finite }, success: Schema.Finite, audience: "operator" }),
  Level: Contract.query({ success: Schema.Finite, audience: "operator" })
}

const InLitres = Schema.Struct({ litres: Schema.Finite })

/** The state of both releases is in litres; format 2 stores millilitres. */
const InMillilitres = Schema.Struct({ millilitres: Schema.Finite }).pipe(
  Schema.decodeTo(InLitres, {
    decode: SchemaGetter.transform(({ millilitres }) => ({ litres: millilitres / 1000 })),
    encode: SchemaGetter.transform(({ litres }) => ({ millilitres: litres * 1000 }))
  })
)

type Litres = typeof InLitres.Type

const transitions = {
  initial: () => ({ litres: 0 }),
  Fill: (state: Litres, { litres }: { readonly litres: number }) => ({
    state: { litres: state.litres + litres },
    reply: state.litres + litres
  }),
  Level: (state: Litres) => ({ reply: state.litres })
}

/** As the older release has it. */
export const oldTank = Behaviour.make(Contract.make("tank", { state: InLitres, messages }), transitions)

/** As the newer one has it. */
export const tank = Behaviour.make(
  Contract.make("tank", {
    format: 2,
    state: InMillilitres,
    former: { 1: InLitres },
    messages: { ...messages, Drain: Contract.once({ success: Schema.Finite, audience: "operator" }) }
  }),
  { ...transitions, Drain: () => ({ state: { litres: 0 }, reply: 0 }) }
)

/** A kind that the older release does not have. */
export const pump = Behaviour.make(
  Contract.make("pump", {
    state: Schema.Struct({ isOn: Schema.Boolean }),
    messages: { Start: Contract.once({ audience: "operator" }) }
  }),
  { initial: () => ({ isOn: false }), Start: () => ({ state: { isOn: true } }) }
)
