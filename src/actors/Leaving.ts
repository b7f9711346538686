/** What leaves a transition for other actors, the board and the journal, in its travelling form. */
import { encodeDown } from "../protocol/FrameCodec.ts"
import { type Emission, type EncodedEmission, encodeEmission } from "../protocol/JournalBody.ts"
import type { Emitted, FrameToBoard, Link, Outcome, Tell } from "./Behaviour.ts"
import { toBytes } from "./Codec.ts"
import type { ToGateway } from "./Links.ts"
import { becauseOf, latestCause, type Origin } from "./Origin.ts"
import type { EncodedTell } from "./Outbox.ts"
import type { Registry } from "./Registry.ts"

/** A message for the gateway on a node. */
export interface ForGateway {
  readonly node: string
  readonly message: ToGateway
}

/** A tell that has no number yet. */
export interface LeavingTell extends EncodedTell {
  /** Place of the event that led to it, among those of its transition. */
  readonly causedBy: number | undefined
}

/** See the file. */
export interface Leaving {
  readonly tells: ReadonlyArray<LeavingTell>
  readonly frames: ForGateway | undefined
  readonly emission: EncodedEmission | undefined
  /** When the latest of its causes was, by the clock of whoever said so, ms; 0 for none. */
  readonly after: number
}

/** In which zone an actor is, and which VSM governs it. */
export type Place = Pick<Emission, "zone" | "vsm">

const noFacts: ReadonlyArray<Emitted> = []
const noTells: ReadonlyArray<LeavingTell> = []
const supersededGoodbye = 6

/**
 * Throws when a value does not encode: that discards the transition. `at` is its time, ms; `link` is the one before it,
 * `place` that of the actor after it.
 */
export const encodeLeaving = (
  registry: Registry,
  outcome: Outcome<unknown, unknown>,
  link: Link | undefined,
  at: number,
  origin: Origin,
  place: Place
): Leaving => {
  const { tells, frames, events = noFacts } = outcome
  const to = outcome.link === undefined ? link : outcome.link
  return {
    tells: tells === undefined ? noTells : tells.map((tell) => encodeTell(registry, tell, events, origin)),
    frames: frames === undefined || frames.length === 0 || !to ? undefined : framesTo(to, frames),
    emission: emissionOf(outcome, at, origin, place),
    after: latestCause(origin, events)
  }
}

const emissionOf = (
  { events = noFacts, samples = noFacts }: Outcome<unknown, unknown>,
  at: number,
  { asker, requestId, causes }: Origin,
  place: Place
): EncodedEmission | undefined =>
  events.length === 0 && samples.length === 0
    ? undefined
    : encodeEmission({ at, asker, requestId, causes, ...place, events, samples })

/** What the old link is told when the transition replaces it or takes it away. */
export const goodbyeTo = (old: Link, outcome: Outcome<unknown, unknown>): ForGateway | undefined => {
  const isSame = outcome.link?.node === old.node && outcome.link.connection === old.connection
  if (isSame || (outcome.link === null && outcome.goodbye === undefined)) return undefined
  const { node, connection, epoch } = old
  return { node, message: { _tag: "Close", connection, epoch, reason: outcome.goodbye ?? supersededGoodbye } }
}

const encodeTell = (
  registry: Registry,
  { to, message, payload, causedBy, because }: Tell,
  events: ReadonlyArray<Emitted>,
  origin: Origin
): LeavingTell => {
  const codec = registry.get(to.kind)?.codec.messages.get(message)
  if (codec === undefined) throw new Error(`no message ${message} of kind ${to.kind}`)
  const event = causedBy === undefined ? undefined : events[causedBy]
  if (causedBy !== undefined && event === undefined)
    throw new Error(`${message} of kind ${to.kind}: no event ${causedBy}`)
  return {
    to,
    message,
    body: toBytes(codec.payload, payload),
    because: event?.because ?? because ?? becauseOf(origin),
    causedBy
  }
}

const framesTo = ({ node, connection, epoch }: Link, frames: ReadonlyArray<FrameToBoard>): ForGateway => ({
  node,
  message: { _tag: "Frames", connection, epoch, frames: frames.map((frame) => encodeDown({ ...frame, epoch })) }
})
