/** What an immune system wants to know of its node: a seam, so that a behaviour knows neither journal nor database. */
import { Context, Effect } from "effect"
import type { Sign } from "../../../protocol/vsm/Threat.ts"
import type { Fleet } from "./SafetyGate.ts"

/** What came of a look at the event stream. */
export type Looked =
  | {
      readonly _tag: "Looked"
      /** How far it was read. */
      readonly cursor: string
      readonly signs: ReadonlyArray<{ readonly vsm: string; readonly sign: Sign }>
    }
  /** The journal did not answer. Look again. */
  | { readonly _tag: "Unavailable" }

/** The fleet as it is; nothing where the database does not answer. */
export type Counted = { readonly _tag: "Counted"; readonly fleet: Fleet } | { readonly _tag: "Unavailable" }

/** See the file. A process without a journal never sees anything, and knows of no fleet. */
export const ImmuneWatch = Context.Reference<{
  /** Reads on behind a cursor, or from the end of the stream; waits half a second for something. Never fails. */
  readonly look: (cursor: string | undefined) => Effect.Effect<Looked>
  readonly count: Effect.Effect<Counted>
}>("holon/systems/policy/immune/ImmuneWatch", {
  defaultValue: () => ({ look: () => Effect.never, count: Effect.never })
})
