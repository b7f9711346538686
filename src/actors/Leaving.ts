/** What leaves a transition for other actors, the board and the journal, in its travelling form. */
import type { Asker } from "../protocol/Asker.ts"
import { encodeDown } from "../protocol/FrameCodec.ts"
import { type EncodedEmission, encodeEmission } from "../protocol/JournalBody.ts"
import type { Emitted, FrameToBoard, Link, Outcome, Tell } from "./Behaviour.ts"
import { toBytes } from "./Codec.ts"
import type { ToGateway } from "./Links.ts"
import type { EncodedTell } from "./Outbox.ts"
import type { Registry } from "./Registry.ts"

/** A message for the gateway on a node. */
export interface ForGateway {
  readonly node: string
  readonly message: ToGateway
}

/** See the file. */
export interface Leaving {
  readonly tells: ReadonlyArray<EncodedTell>
  readonly frames: ForGateway | undefined
  readonly emission: EncodedEmission | undefined
}

/** Of which transition it is. */
export interface Origin {
  /** Time of the transition, ms. */
  readonly at: number
  readonly asker: Asker
  readonly requestId: string
}

const noFacts: ReadonlyArray<Emitted> = []
const noTells: ReadonlyArray<EncodedTell> = []
const supersededGoodbye = 6

/** Throws when a value does not encode: that discards the transition. `link` is the one before it. */
export const encodeLeaving = (
  registry: Registry,
  outcome: Outcome<unknown, unknown>,
  link: Link | undefined,
  origin: Origin
): Leaving => {
  const { tells, frames } = outcome
  const to = outcome.link === undefined ? link : outcome.link
  return {
    tells: tells === undefined ? noTells : tells.map((tell) => encodeTell(registry, tell)),
    frames: frames === undefined || frames.length === 0 || !to ? undefined : framesTo(to, frames),
    emission: emissionOf(outcome, origin)
  }
}

const emissionOf = (
  { events = noFacts, samples = noFacts }: Outcome<unknown, unknown>,
  { at, asker, requestId }: Origin
): EncodedEmission | undefined =>
  events.length === 0 && samples.length === 0 ? undefined : encodeEmission({ at, asker, requestId, events, samples })

/** What the old link is told when the transition replaces it or takes it away. */
export const goodbyeTo = (old: Link, outcome: Outcome<unknown, unknown>): ForGateway | undefined => {
  const isSame = outcome.link?.node === old.node && outcome.link.connection === old.connection
  if (isSame || (outcome.link === null && outcome.goodbye === undefined)) return undefined
  const { node, connection, epoch } = old
  return { node, message: { _tag: "Close", connection, epoch, reason: outcome.goodbye ?? supersededGoodbye } }
}

const encodeTell = (registry: Registry, { to, message, payload }: Tell): EncodedTell => {
  const codec = registry.get(to.kind)?.codec.messages.get(message)
  if (codec === undefined) throw new Error(`no message ${message} of kind ${to.kind}`)
  return { to, message, body: toBytes(codec.payload, payload) }
}

const framesTo = ({ node, connection, epoch }: Link, frames: ReadonlyArray<FrameToBoard>): ForGateway => ({
  node,
  message: { _tag: "Frames", connection, epoch, frames: frames.map((frame) => encodeDown({ ...frame, epoch })) }
})
