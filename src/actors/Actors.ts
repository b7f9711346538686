/** How an edge talks to actors: a typed ask, the same as JSON for surfaces that are derived from contracts, and watches. */
import { Context, Effect, Layer, Result, Schema, Stream } from "effect"
import type { Asker } from "../protocol/Asker.ts"
import type * as Contract from "../protocol/Contract.ts"
import { ConditionInvalid } from "../protocol/condition/ConditionInvalid.ts"
import {
  Conflict,
  HolonError,
  Malformed,
  type PolicyDenied,
  Unavailable,
  UnknownCapability
} from "../protocol/Errors.ts"
import { uuidV7 } from "../protocol/Ids.ts"
import { nearest } from "../protocol/Nearest.ts"
import { decodeStored } from "../protocol/Stored.ts"
import { type SignKind, subjectOf } from "../protocol/vsm/Threat.ts"
import { type Codec, fromBytes, type MessageCodec, toBytes } from "./Codec.ts"
import { Engine, type PostedReply } from "./Engine.ts"
import { type Posted, type Reply, unconfirmed } from "./Envelope.ts"
import { actOf, refusalOfMessage } from "./Guard.ts"
import type { Address } from "./Host.ts"
import { NodePorts } from "./NodePorts.ts"
import { patiently } from "./Patience.ts"
import { Suspicions } from "./Suspicions.ts"

/** Who asks, under which request id. An id is made when none is given; a caller that repeats must give its own. */
export interface By {
  readonly asker: Asker
  readonly requestId?: string
}

/** Refusals that have a sentence for people. */
const decodeKnown = Schema.decodeUnknownResult(Schema.Union([HolonError, ConditionInvalid]))

/** A refusal of the actor's own contract, as JSON. Permanent for that message. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  kind: Schema.String,
  id: Schema.String,
  error: Schema.Unknown
}) {
  override get message(): string {
    const error = this.error
    const known = decodeKnown(error)
    if (known._tag === "Success") return `${this.kind}/${this.id} refuses: ${known.success.message}`
    const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "refusal"
    return `${this.kind}/${this.id} refuses: ${tag} ${JSON.stringify(error)}`
  }
}

/** How long an ask is repeated before it ends as `Timeout`. Longer than a failover. */
const deadlineMillis = 15_000
const unconfirmedRetryMillis = 50

const isUnconfirmed = (reply: Reply): boolean =>
  reply._tag === "Failed" && reply.error._tag === "Unavailable" && reply.error.cause === unconfirmed

/** The way to actors for all edges of a node. A message is repeated by itself until the deadline. */
export class Actors extends Context.Service<
  Actors,
  {
    /** Sends a message of a contract; both sides typed. */
    readonly ask: <C extends Contract.Contract, Tag extends Contract.TagOf<C>>(
      contract: C,
      id: string,
      tag: Tag,
      payload: Contract.PayloadOf<C, Tag>,
      by: By
    ) => Effect.Effect<Contract.SuccessOf<C, Tag>, Contract.FailureOf<C, Tag> | HolonError>
    /**
     * Sends a message given as JSON; answers JSON. Unknown kinds and messages are refused with the nearest names, those
     * that not every member knows yet with `Unavailable`.
     */
    readonly send: (
      to: Address,
      message: string,
      payload: unknown,
      by: By
    ) => Effect.Effect<unknown, HolonError | Refused>
    /** Items of a watch message, as JSON, across moves of the actor. */
    readonly watch: (to: Address, message: string, payload: unknown, by: By) => Stream.Stream<unknown, HolonError>
  }
>()("holon/actors/Actors") {}

const isConflict = Schema.is(Conflict)

const unreached = new Unavailable({ cause: "no node took the message" })

interface Prepared {
  readonly codec: MessageCodec
  readonly posted: Posted
  readonly payload: unknown
}

const make = Effect.gen(function* () {
  const engine = yield* Engine
  const { host, agreement } = yield* NodePorts
  const { registry, residency } = engine
  const suspicions = yield* Suspicions

  const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(host.random() * 256))
  const requestIdOf = (by: By): string => by.requestId ?? uuidV7(host.now(), randomBytes)

  const codecOf = (kind: string, message: string): Result.Result<MessageCodec, UnknownCapability | Unavailable> => {
    const type = registry.get(kind)
    if (type === undefined)
      return Result.fail(
        new UnknownCapability({ name: `actor kind ${kind}`, suggestions: nearest(kind, [...registry.keys()]) })
      )
    const codec = type.codec.messages.get(message)
    if (codec !== undefined) {
      const heldBack = agreement.heldBack(kind, message)
      return heldBack === undefined ? Result.succeed(codec) : Result.fail(new Unavailable({ cause: heldBack }))
    }
    const names = [...type.codec.messages.keys()]
    return Result.fail(
      new UnknownCapability({ name: `message ${message} of ${kind}`, suggestions: nearest(message, names) })
    )
  }

  /**
   * Who has less than all rights is judged here too: nobody wakes for what is refused, and a member of an earlier release,
   * which knows of no such askers, never has to decide.
   */
  const refusalHere = (to: Address, tag: string, { asker }: By): PolicyDenied | undefined => {
    if (asker.may === undefined) return undefined
    const message = registry.get(to.kind)?.behaviour.contract.messages[tag]
    const denied = message === undefined ? undefined : refusalOfMessage(asker, tag, message, to)
    if (message !== undefined && denied !== undefined) residency.refusals.note(asker, actOf(tag, message, to))
    return denied
  }

  /** What people send that nobody can read, or too late, is counted: it may be somebody who tries. */
  const suspect = (kind: SignKind, { asker: { kind: who, id } }: By): void => {
    if (who === "user") suspicions.note(kind, subjectOf(who, id))
  }

  const prepare = Effect.fnUntraced(function* (to: Address, message: string, payload: unknown, by: By) {
    const codec = yield* Effect.fromResult(codecOf(to.kind, message))
    const denied = refusalHere(to, message, by)
    if (denied !== undefined) return yield* denied
    const decoded = codec.payload.decode(payload)
    if (Result.isFailure(decoded)) {
      suspect("bad-input", by)
      return yield* new Malformed({ path: message, reason: decoded.failure.reason })
    }
    const requestId = requestIdOf(by)
    const posted: Posted = { message, body: toBytes(codec.payload, decoded.success), requestId, asker: by.asker }
    return { codec, posted, payload: decoded.success } satisfies Prepared
  })

  /** A resident cell of this node is called directly; what the cell did not take goes through the cluster. */
  const reach = (to: Address, posted: Posted, codec: MessageCodec, millis: number): Effect.Effect<Reply> =>
    Effect.callback<Reply | undefined>((resume) => {
      const payload = fromBytes(codec.payload, posted.body)
      const { message, requestId, asker } = posted
      const isTaken =
        payload._tag === "Success" &&
        residency.direct(to, { message, payload: payload.success, requestId, asker }, (reply) =>
          resume(Effect.succeed(reply._tag === "NotHere" ? undefined : reply))
        )
      if (!isTaken) resume(Effect.succeed(undefined))
    }).pipe(
      Effect.flatMap((reply) =>
        reply !== undefined
          ? Effect.succeed(reply)
          : Effect.map(engine.ask(to, posted, millis), (far) => received(codec, far))
      )
    )

  /**
   * An outcome that the store did not confirm is asked for under the same id until the deadline: `once` answers what
   * really happened, and what may run again does.
   */
  const deliverOnce = (to: Address, posted: Posted, codec: MessageCodec): Effect.Effect<Reply> => {
    const until = host.monotonic() + deadlineMillis
    const again = (): Effect.Effect<Reply> =>
      Effect.flatMap(reach(to, posted, codec, Math.max(1, until - host.monotonic())), (reply) =>
        isUnconfirmed(reply) && host.monotonic() + unconfirmedRetryMillis < until
          ? Effect.delay(Effect.suspend(again), unconfirmedRetryMillis)
          : Effect.succeed(reply)
      )
    return again()
  }

  /** What may find nothing yet waits as long as its sender would. */
  const deliver = (to: Address, { codec, posted, payload }: Prepared): Effect.Effect<Reply> => {
    const type = registry.get(to.kind)
    const waits = type?.behaviour.contract.messages[posted.message]?.waits
    const query = waits === undefined ? undefined : type?.codec.messages.get(waits.query)
    const ask = deliverOnce(to, posted, codec)
    if (waits === undefined || query === undefined) return ask
    const watch = { ...posted, message: waits.query, body: toBytes(query.payload, {}) }
    return Effect.suspend(() =>
      patiently({
        waits,
        payload,
        ask,
        watch: Stream.map(engine.watch(to, watch), decodeStored),
        monotonic: () => host.monotonic()
      })
    )
  }

  const ask = Effect.fnUntraced(function* (
    contract: Contract.Contract,
    id: string,
    tag: string,
    payload: unknown,
    by: By
  ) {
    const to = { kind: contract.kind, id }
    const codec = yield* Effect.fromResult(codecOf(to.kind, tag))
    const denied = refusalHere(to, tag, by)
    if (denied !== undefined) return yield* denied
    const requestId = requestIdOf(by)
    const posted: Posted = { message: tag, body: toBytes(codec.payload, payload), requestId, asker: by.asker }
    const reply = yield* deliver(to, { posted, codec, payload })
    if (isStale(payload, reply)) suspect("stale-fence", by)
    if (reply._tag === "Success") return reply.value
    return yield* Effect.fail(reply._tag === "NotHere" ? unreached : reply.error)
  })

  return Actors.of({
    // The value was decoded by the schema of this very message, wherever it came from.
    ask: ask as Actors["Service"]["ask"],
    send: Effect.fnUntraced(function* (to, message, payload, by) {
      const prepared = yield* prepare(to, message, payload, by)
      const { codec } = prepared
      const reply = yield* deliver(to, prepared)
      if (isStale(prepared.payload, reply)) suspect("stale-fence", by)
      switch (reply._tag) {
        case "Success":
          return codec.success.encode(reply.value)
        case "Refused":
          return yield* new Refused({ kind: to.kind, id: to.id, error: codec.error.encode(reply.error) })
        case "Failed":
          return yield* Effect.fail(reply.error)
        case "NotHere":
          return yield* Effect.fail(unreached)
      }
    }),
    watch: (to, message, payload, by) =>
      prepare(to, message, payload, by).pipe(
        Effect.map(({ posted }) => Stream.map(engine.watch(to, posted), decodeStored)),
        Stream.unwrap
      )
  })
})

/** Whether a command came under a claim that is over. */
const isStale = (payload: unknown, reply: Reply): boolean =>
  reply._tag === "Refused" &&
  isConflict(reply.error) &&
  typeof payload === "object" &&
  payload !== null &&
  "claim" in payload &&
  payload.claim !== undefined

const received = (codec: MessageCodec, reply: PostedReply): Reply => {
  if (reply._tag === "NotHere" || reply._tag === "Failed") return reply
  const value = fromBytes(sideOf(codec, reply._tag), reply.body)
  if (value._tag === "Failure")
    return { _tag: "Failed", error: new Malformed({ path: "reply", reason: value.failure.reason }) }
  return reply._tag === "Success"
    ? { _tag: "Success", value: value.success }
    : { _tag: "Refused", error: value.success }
}

const sideOf = (codec: MessageCodec, tag: "Success" | "Refused"): Codec =>
  tag === "Success" ? codec.success : codec.error

/** {@link Actors} over the engine of this node. */
export const layer: Layer.Layer<Actors, never, Engine | NodePorts> = Layer.effect(Actors, make)
