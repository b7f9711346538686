/** The operator actor: puts into the journal what an account was refused, and what it ordered that no actor does. */
import { Operator } from "../../protocol/Operator.ts"
import * as Behaviour from "../Behaviour.ts"

/** The newest refusals that are kept for whoever asks; the journal has them all. */
const rememberedMax = 50

export const operator = Behaviour.make(Operator, {
  initial: () => ({ refusals: [] }),

  NoteRefusals: ({ refusals: known }, { refusals }) => ({
    state: { refusals: [...known, ...refusals].slice(-rememberedMax) },
    events: refusals.map((data) => ({ type: "operator.refused", severity: "warn", at: data.last, data }))
  }),

  NoteOrder: (_state, order) => ({ events: [{ type: "operator.ordered", data: order }] }),

  GetRefusals: (state) => ({ reply: state })
})
