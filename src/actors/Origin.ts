/** For what a transition runs: who asked, and what led to it. What leaves the transition carries it on. */
import { type Asker, runtimeAsker } from "../protocol/Asker.ts"
import type { Because, Reason } from "../protocol/Because.ts"
import { isUuidV7, millisOf } from "../protocol/Ids.ts"
import type { Fact } from "../protocol/JournalBody.ts"
import type { TransitionContext } from "./Behaviour.ts"
import type { TellNumber } from "./Envelope.ts"

/** See the file. */
export interface Origin {
  readonly asker: Asker
  /** Request id of the message; empty for what has none. */
  readonly requestId: string
  /** What led to it, where that was no request. */
  readonly causes: ReadonlyArray<string>
  /** When that was, by the clock of who told it, ms; 0 where nobody did. */
  readonly after: number
  /** Whether it is the outcome of an effect. */
  readonly isOutcome?: true
}

const none: ReadonlyArray<string> = []
const noFacts: ReadonlyArray<Fact> = []

const isInNone = ({ because }: Fact): boolean => because?.root === undefined

/** The runtime's own: timers, and whatever has no asker. */
export const ownOrigin: Origin = { asker: runtimeAsker, requestId: "", causes: none, after: 0 }

/** Of what an asker does without a message, as a board's frame. */
export const originOf = (asker: Asker): Origin => ({ asker, requestId: "", causes: none, after: 0 })

/** Of a message. */
export const originOfMessage = (asker: Asker, requestId: string, tell: TellNumber | undefined): Origin => ({
  asker,
  requestId,
  causes: tell?.causes ?? none,
  after: tell?.at ?? 0
})

/** What follows from it, where nothing else is said to have led there. */
export const becauseOf = ({ asker, requestId, causes }: Omit<Origin, "after">): Because => {
  const isRequest = isUuidV7(requestId)
  const root = asker.root ?? (isRequest ? requestId : undefined)
  return {
    causes: causes.length > 0 ? causes : isRequest ? [requestId] : none,
    ...(root !== undefined && { root }),
    ...(asker.traceparent !== undefined && { traceparent: asker.traceparent })
  }
}

/**
 * For what a transition runs, to be kept with what it begins and what ends later: by a frame of a board, by a timer, on another
 * node. Nothing where it is in no chain.
 */
export const reasonOf = ({
  asker,
  requestId,
  causes = none
}: Pick<TransitionContext<unknown>, "asker" | "requestId" | "causes">): Reason | undefined => {
  const { root, ...because } = becauseOf({ asker, requestId, causes })
  return root === undefined ? undefined : { ...because, root }
}

/** The runtime, in a chain of causes that somebody began: what it does on its own is not done with the rights of that one. */
export const runtimeIn = ({ root, traceparent }: Because): Asker =>
  root === undefined ? runtimeAsker : { ...runtimeAsker, root, ...(traceparent !== undefined && { traceparent }) }

/** Of what the runtime does later on, in the chain of what led to it. */
export const originIn = (because: Because): Origin =>
  because.root === undefined
    ? ownOrigin
    : { asker: runtimeIn(because), requestId: "", causes: because.causes, after: 0 }

/**
 * Of the outcome of an effect: it is in the chain of the message whose transition named the effect. One that the outcome of
 * another named is in none: else an actor that is never done would be for ever in the chain that found it idle.
 */
export const originOfEffect = (origin: Origin): Origin =>
  origin.isOutcome === true ? ownOrigin : { ...originIn(becauseOf(origin)), isOutcome: true }

/**
 * Chains, begun elsewhere, that what is emitted goes on with. What nobody asked for, as what a board reports, begins a chain of
 * its own, and is in none of these; a sample is in one only where it says so itself.
 */
export const rootsOf = (
  { asker, requestId }: Origin,
  {
    events = noFacts,
    samples = noFacts
  }: { readonly events?: ReadonlyArray<Fact>; readonly samples?: ReadonlyArray<Fact> }
): ReadonlyArray<string> => {
  if (events.length === 0 && samples.every(isInNone)) return none
  const own = asker.root ?? (isUuidV7(requestId) ? requestId : undefined)
  const roots = new Set<string>()
  for (const { because } of events) {
    const root = because?.root ?? own
    if (root !== undefined) roots.add(root)
  }
  for (const { because } of samples) if (because?.root !== undefined) roots.add(because.root)
  return roots.size === 0 ? none : [...roots]
}

/** The latest of what led to an origin and to these facts, ms; 0 for nothing. The actor's clock goes on from there. */
export const latestCause = ({ after }: Origin, facts: ReadonlyArray<Fact>): number => {
  let latest = after
  for (const { because } of facts)
    if (because !== undefined) for (const id of because.causes) latest = Math.max(latest, millisOf(id) ?? 0)
  return latest
}
