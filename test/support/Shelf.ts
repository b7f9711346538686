/** An actor whose state rests in parts; format 2 has them in another form. */
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Contract from "../../src/protocol/Contract.ts"

const Boxes = Schema.ReadonlyMap(Schema.String, Schema.String)

export const shelf = Behaviour.make(
  Contract.make("shelf", {
    format: 2,
    state: Boxes,
    former: { 1: Boxes },
    messages: {
      Put: Contract.idempotent({ payload: { name: Schema.String, what: Schema.String }, audience: "operator" })
    }
  }),
  {
    initial: () => new Map(),
    storage: {
      split: (boxes, format) => ({
        head: {},
        parts: new Map([...boxes].map(([name, what]) => [`box/${name}`, format === 1 ? what : { what }]))
      }),
      join: (_head, parts, _id, format) =>
        new Map(
          [...parts].map(([key, part]) => {
            const what = format === 1 ? part : Object(part).what
            return [key.slice("box/".length), String(what)]
          })
        )
    },
    Put: (boxes, { name, what }) => ({ state: new Map([...boxes, [name, what]]) })
  }
)
