/** Fills the seam of the immune systems on a node: reads the event stream by position, and counts the fleet. */
import { Cause, Effect, Layer } from "effect"
import type { EventPage, EventStream } from "../../../events/EventStream.ts"
import { makePageReader } from "../../../events/engine/PageReader.ts"
import type { JournalHint } from "../../../events/JournalHint.ts"
import { countMax, proofsMax } from "../../../protocol/vsm/Threat.ts"
import { Census } from "./Census.ts"
import { type Counted, ImmuneWatch, type Looked, type Unavailable } from "./ImmuneWatch.ts"
import { signOf } from "./Observed.ts"

const unavailable: Unavailable = { _tag: "Unavailable" }

/** A node that stops interrupts; everything else is said in the log, and tried again. */
const orUnavailable =
  (what: string) =>
  <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A | Unavailable> =>
    Effect.catchCause(effect, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.succeed(unavailable)
        : Effect.as(Effect.logWarning(`the immune system could not ${what}`, cause), unavailable)
    )

/** What a page says of each subject, put together: a flood of events is one sign with its count. */
const signsOf = ({ events }: EventPage): Looked["signs"] => {
  const found = new Map<string, Looked["signs"][number]>()
  for (const { event } of events) {
    const sign = signOf(event)
    if (sign === undefined) continue
    const { vsm } = event
    const key = `${vsm} ${sign.kind} ${sign.subject}`
    const before = found.get(key)?.sign
    const count = Math.min(countMax, (before?.count ?? 0) + sign.count)
    const ids = [...(before?.ids ?? []), ...(sign.ids ?? [])].slice(-proofsMax)
    found.set(key, { vsm, sign: { ...sign, count, ids } })
  }
  return [...found.values()]
}

const make = Effect.gen(function* () {
  const pages = yield* makePageReader
  const { fleet } = yield* Census
  const look = Effect.fnUntraced(function* (cursor: string | undefined) {
    // What happened before there was an immune system is not its affair.
    if (cursor === undefined) return { _tag: "Looked", cursor: yield* pages.end, signs: [] } satisfies Looked
    const page = yield* pages.awaited(cursor, "events")
    return { _tag: "Looked", cursor: page.next, signs: signsOf(page) } satisfies Looked
  })
  return {
    look: (cursor: string | undefined) => orUnavailable("read the event stream")(look(cursor)),
    count: orUnavailable("count the fleet")(
      Effect.map(fleet, (counted): Counted => ({ _tag: "Counted", fleet: counted }))
    )
  }
})

/** Looks at the journal of this node's database. */
export const layer: Layer.Layer<never, never, Census | EventStream | JournalHint> = Layer.effect(ImmuneWatch, make)
