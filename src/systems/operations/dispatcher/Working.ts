/** The effect of an op: understands it, where that is still to be done, and carries out what it stands at. */
import { Effect } from "effect"
import { batchMax } from "../../../protocol/vsm/Op.ts"
import type { Batch } from "./Batch.ts"
import { carry } from "./Carrying.ts"
import type { Work, Worked } from "./Course.ts"
import { type Measured, note, type Stopwatch } from "./Timing.ts"
import { type Understood, understand } from "./Understanding.ts"

/** What may be carried out at once, before it is written down: all of it is done here, in one batch, and nothing was refused. */
const atOnce = ({ acts, refusal }: Understood, { batch, isPlain }: Work): Batch | undefined => {
  const isOne = acts.length > 0 && acts.length <= batchMax && acts.every(({ via }) => via === undefined)
  return isPlain && isOne && refusal === undefined ? { ...batch, acts } : undefined
}

/** Never fails. */
export const working = (work: Work, stopwatch: Stopwatch): Effect.Effect<Worked> =>
  Effect.gen(function* () {
    const { question, batch, orderedAt } = work
    const measured: Measured = {}
    yield* note(measured, "record", Math.max(0, stopwatch() - orderedAt))
    if (question === undefined) return { understood: undefined, carried: yield* carry(batch, measured) }
    const understood = yield* understand(question, measured)
    const now = atOnce(understood, work)
    if (now === undefined) return { understood, carried: undefined }
    const { acts, left, title } = understood
    return { understood, carried: yield* carry(now, {}, { acts, left, ...(title !== undefined && { title }) }) }
  })
