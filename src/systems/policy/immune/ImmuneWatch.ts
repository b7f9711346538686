/** What an immune system wants to know of its node: a seam, so that a behaviour knows neither journal nor database. */
import { Context, Effect, Schema } from "effect"
import { Sign } from "../../../protocol/vsm/Threat.ts"
import { Fleet } from "./SafetyGate.ts"

/** What came of a look at the event stream: how far it was read, and what was found. */
export const Looked = Schema.TaggedStruct("Looked", {
  cursor: Schema.String,
  signs: Schema.Array(Schema.Struct({ vsm: Schema.String, sign: Sign }))
})
export type Looked = typeof Looked.Type

/** The fleet as it is. */
export const Counted = Schema.TaggedStruct("Counted", { fleet: Fleet })
export type Counted = typeof Counted.Type

/** The journal, or the database, did not answer. Ask again. */
export interface Unavailable {
  readonly _tag: "Unavailable"
}

/** See the file. A process without a journal never sees anything, and knows of no fleet. */
export const ImmuneWatch = Context.Reference<{
  /** Reads on behind a cursor, or from the end of the stream; waits half a second for something. Never fails. */
  readonly look: (cursor: string | undefined) => Effect.Effect<Looked | Unavailable>
  readonly count: Effect.Effect<Counted | Unavailable>
}>("holon/systems/policy/immune/ImmuneWatch", {
  defaultValue: () => ({ look: () => Effect.never, count: Effect.never })
})
