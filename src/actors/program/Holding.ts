/** The image of a program stays in the store for as long as its board has it. */
import type { ProgramView } from "../../protocol/Program.ts"
import type * as Behaviour from "../Behaviour.ts"

/** A store of images that did not answer is asked again after this. */
const retryMillis = 60_000

type Context = Behaviour.TransitionContext<undefined>

/** The image that the store must keep; `undefined` for none, or when the board has told only the beginning of its hash. */
export const neededBy = ({ report }: ProgramView): string | undefined =>
  report.state === "absent" || report.sha256?.length !== 64 ? undefined : report.sha256

/** Brings what the store keeps for the program in line with what its board runs. */
export const holding = (state: ProgramView, { self }: Context): ReadonlyArray<Behaviour.EffectOrder> => {
  const needed = neededBy(state)
  if (needed === state.holds) return []
  const user = `program/${self.id}`
  const sha256 = needed ?? state.holds
  if (sha256 === undefined) return []
  return [{ name: needed === undefined ? "release" : "use", id: sha256, input: { sha256, user } }]
}

/** When the store is asked again; infinite while it has what it must. */
export const holdingDue = (state: ProgramView): number =>
  neededBy(state) === state.holds ? Infinity : (state.askedAt ?? state.since) + retryMillis
