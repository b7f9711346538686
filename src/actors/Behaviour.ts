/** A behaviour: a table of synchronous transitions from (state, message, context) to what leaves the actor. */
import type { Effect } from "effect"
import type { Asker } from "../protocol/Asker.ts"
import type { Because } from "../protocol/Because.ts"
import type * as Contract from "../protocol/Contract.ts"
import type { DownFrame, UpFrame } from "../protocol/Frame.ts"
import type { SealedDown } from "../protocol/frame/TrustFrames.ts"
import type { Fact } from "../protocol/JournalBody.ts"
import type { Address } from "./Host.ts"
import type { LinkEnd } from "./Links.ts"

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** A down frame without its epoch, which the cell adds. Sealing is the gateway's. */
export type FrameToBoard = DistributiveOmit<Exclude<DownFrame, SealedDown>, "epoch">

/** A fact for the event stream. It stands in the journal row of the commit that made it true. */
export type Emitted = Fact

/** A message that must arrive. It stays in the sender's row until the receiver has acknowledged it. */
export interface Tell {
  readonly to: Address
  readonly message: string
  readonly payload: unknown
  /** Place of the event of the same outcome that led to it; absent where it follows from what the transition ran for. */
  readonly causedBy?: number
  /** What led to it, where that is not what the transition ran for. */
  readonly because?: Because
}

/**
 * Work that takes time, begun after the commit. Its outcome comes back as `completed`. One that matters stands in the
 * state too and is begun again on wake, so it is idempotent or carries an id.
 */
export interface EffectOrder {
  readonly name: string
  readonly id: string
  readonly input: unknown
}

/** A board's link as the cell holds it. */
export interface Link extends LinkEnd {
  readonly epoch: number
}

/** What a transition may look at beside its state. */
export interface TransitionContext<Resident> {
  readonly self: Address
  /** Ms since 1970. */
  readonly now: number
  readonly random: () => number
  readonly asker: Asker
  /** Request id of the message, a UUIDv7, or for a tell one that each copy of it has; empty for what is no message. */
  readonly requestId: string
  /** Events and requests that led to it, where a tell says so: for what is done about it later on. */
  readonly causes?: ReadonlyArray<string>
  /** Memory of this activation, never stored. */
  readonly resident: Resident
  readonly link: Link | undefined
  /** Tells that no receiver has acknowledged yet: what comes often and may be lost had better be so than wait with them. */
  readonly tellCount: number
  /** Name of the node this cell lives on, with its incarnation. */
  readonly node: string
}

/** A tell that its receiver will never take. It is a dead letter too. */
export interface Undelivered {
  readonly to: Address
  readonly message: string
  /** As it travelled: what the receiver's schema would have decoded. */
  readonly payload: unknown
  readonly cause: string
}

/** What leaves a transition. All of it waits until the state it was computed from is durable. */
export interface Outcome<State, Resident, Reply = unknown, Refusal = unknown> {
  readonly state?: State
  readonly resident?: Resident
  readonly reply?: Reply
  readonly refusal?: Refusal
  readonly events?: ReadonlyArray<Emitted>
  /** Measurements for the journal: data as for an event, cheaper and kept for a shorter time. */
  readonly samples?: ReadonlyArray<Emitted>
  readonly tells?: ReadonlyArray<Tell>
  readonly frames?: ReadonlyArray<FrameToBoard>
  readonly effects?: ReadonlyArray<EffectOrder>
  /** What standing queries answer has changed though no state has: they are asked again. */
  readonly rouses?: boolean
  /** A new link replaces the old one, which is told goodbye with `replaced`; `null` takes the link away. */
  readonly link?: Link | null
  /** Goodbye reason for the link that ends by this transition. */
  readonly goodbye?: number
}

/** The answer to an up frame: its number is taken, or it is too far ahead of the last one and not taken. */
export type FrameReply = "consumed" | "beyond"

/** One transition: from state, payload and context to what leaves the actor. A throw changes nothing. */
export type Handler<State, Resident, Payload, Reply, Refusal> = (
  state: State,
  payload: Payload,
  context: TransitionContext<Resident>
) => Outcome<State, Resident, Reply, Refusal>

/**
 * How state is cut into one small head and keyed parts. A part is written when its value is another object than before.
 * `format` is the one of the row: the contract's, or one of its former ones.
 */
export interface Storage<State> {
  readonly split: (
    state: State,
    format: number
  ) => { readonly head: unknown; readonly parts: ReadonlyMap<string, unknown> }
  readonly join: (head: unknown, parts: ReadonlyMap<string, unknown>, id: string, format: number) => State
}

/** Everything of a behaviour but the transitions of its messages. */
export interface Reactions<State, Resident> {
  /** State of an actor that has no row yet. */
  readonly initial: (id: string) => State
  /** Memory of a new activation. */
  readonly awake?: (state: State, now: number) => Resident
  /** Earliest instant (ms) at which `timeout` must run, from stored state: it survives the node. */
  readonly dueAt?: (state: State) => number | undefined
  /** As `dueAt`, for what only matters while the actor is resident (a silent link, a resend). It forbids passivation. */
  readonly residentDueAt?: (state: State, resident: Resident, link: Link | undefined) => number | undefined
  /** Whether the next owner of the shard must wake the actor at once. */
  readonly atTakeover?: (state: State) => boolean
  /** The zone the actor is in: what it emits carries it. Absent for kinds that are in none. */
  readonly zoneOf?: (state: State) => string | undefined
  /** The VSM that governs the actor: what it emits carries it. Absent for kinds, and actors, that the root governs. */
  readonly vsmOf?: (state: State, id: string) => string | undefined
  /** Whether it acts for who asks it, and asks the judge about each of those acts: then zones do not keep anybody from asking it. */
  readonly actsForOthers?: boolean
  /** What policies may ask of the actor as `fact.…`, such as the reported state of a device. Called only where one asks. */
  readonly factsOf?: (state: State) => Readonly<Record<string, unknown>>
  /** Runs when the actor wakes and whenever one of the two dues has passed. */
  readonly timeout?: (state: State, context: TransitionContext<Resident>) => Outcome<State, Resident>
  /** An up frame of the current link. */
  readonly frame?: (
    state: State,
    frame: UpFrame,
    context: TransitionContext<Resident>
  ) => Outcome<State, Resident, FrameReply>
  /** An up frame that crashed its last try: consume its number and tell the board, without its effect. */
  readonly frameFailed?: (
    state: State,
    frame: UpFrame,
    context: TransitionContext<Resident>
  ) => Outcome<State, Resident, FrameReply>
  /** The outcome of an effect; one the state no longer waits for changes nothing. */
  readonly completed?: (
    state: State,
    completion: { readonly name: string; readonly id: string; readonly outcome: unknown },
    context: TransitionContext<Resident>
  ) => Outcome<State, Resident>
  /** A tell will never arrive: its receiver does not exist, or does not understand it. */
  readonly undelivered?: (
    state: State,
    tell: Undelivered,
    context: TransitionContext<Resident>
  ) => Outcome<State, Resident>
  /** What runs for an {@link EffectOrder} of that name. A failure is an outcome too: turn it into a value. */
  readonly effects?: Readonly<Record<string, (input: unknown) => Effect.Effect<unknown>>>
  /**
   * Who is told when the actor is quarantined: an actor with the message of `protocol/Escalation.ts`. `part` is what its row
   * holds under the key of `Supervisor.ts`, if anything.
   */
  readonly supervisor?: (id: string, part?: unknown) => Address | undefined
  readonly storage?: Storage<State>
}

/** A reaction is never a message: else the compiler took `timeout` for both, and its context had no type. */
type Transitions<C extends Contract.Contract, Resident> = {
  readonly [Tag in keyof C["messages"]]: Tag extends keyof Reactions<Contract.StateOf<C>, Resident>
    ? unknown
    : Handler<
        Contract.StateOf<C>,
        Resident,
        C["messages"][Tag]["payload"]["Type"],
        C["messages"][Tag]["success"]["Type"],
        C["messages"][Tag]["error"]["Type"]
      >
}

/** A behaviour with its types known. */
export interface Behaviour<C extends Contract.Contract = Contract.Contract, Resident = unknown> {
  readonly contract: C
  readonly reactions: Reactions<Contract.StateOf<C>, Resident>
  readonly transitions: Transitions<C, Resident>
}

/** A behaviour as the layer runs it: payloads and states were decoded by the contract's own schemas. */
export interface AnyBehaviour {
  readonly contract: Contract.Contract
  readonly reactions: Reactions<unknown, unknown>
  readonly transitions: Readonly<Record<string, Handler<unknown, unknown, unknown, unknown, unknown>>>
}

/** Joins a contract and its transitions. Lower-case keys are reactions of the runtime, the others the contract's messages. */
export const make = <C extends Contract.Contract, Resident = undefined>(
  contract: C,
  table: Reactions<Contract.StateOf<C>, Resident> & Transitions<C, Resident>
): AnyBehaviour => erase({ contract, reactions: table, transitions: table })

/**
 * Forgets the types of one behaviour so that many stand in one registry. Sound, because a cell hands a transition only
 * what the same contract's schemas decoded.
 */
const erase = <C extends Contract.Contract, Resident>(behaviour: Behaviour<C, Resident>): AnyBehaviour =>
  behaviour as unknown as AnyBehaviour

/** Answers with a refusal of the contract and changes nothing. */
export const refuse = <Refusal>(refusal: Refusal): { readonly refusal: Refusal } => ({ refusal })
