/**
 * The actor layer on `effect/cluster`: one entity per kind whose handlers hand messages to the cells of this node, and
 * the way back, an ask through the cluster that is repeated until its deadline.
 *
 * The engine places and routes; cells live and end by the residency, which sees the shards of this node by itself.
 */
import { Cause, Context, Effect, Layer, Option, Queue, Schedule, Schema, Stream } from "effect"
import { ClusterSchema, Entity, EntityId, ShardId, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Asker } from "../protocol/Asker.ts"
import { HolonError, Internal, Timeout, Unavailable } from "../protocol/Errors.ts"
import { toBytes } from "./Codec.ts"
import { reportDefect } from "./Defect.ts"
import type { Posted, Reply } from "./Envelope.ts"
import type { Address, Host } from "./Host.ts"
import { Judge } from "./Judge.ts"
import { NodePorts } from "./NodePorts.ts"
import type { Registry } from "./Registry.ts"
import { Relay } from "./Relay.ts"
import { Residency } from "./Residency.ts"

/** A message in its travelling form, as a schema. */
const PostedFields = {
  message: Schema.String.check(Schema.isMaxLength(64)),
  body: Schema.Uint8Array,
  requestId: Schema.String.check(Schema.isMaxLength(64)),
  asker: Asker,
  tell: Schema.optionalKey(
    Schema.Struct({
      from: Schema.String,
      version: Schema.Number,
      index: Schema.Number,
      at: Schema.optionalKey(Schema.Number),
      causes: Schema.optionalKey(Schema.Array(Schema.String))
    })
  )
}

/** A reply in its travelling form: CBOR of the success or the refusal. */
const PostedReply = Schema.Union([
  Schema.Struct({ _tag: Schema.Literals(["Success", "Refused"]), body: Schema.Uint8Array }),
  Schema.Struct({ _tag: Schema.Literal("Failed"), error: HolonError }),
  Schema.Struct({ _tag: Schema.Literal("NotHere") })
])
/** See the schema. */
export type PostedReply = typeof PostedReply.Type

const Ask = Rpc.make("Ask", { payload: PostedFields, success: PostedReply })
/** The stream ends when the actor moves; its client resumes. A joining node must not wait for it. */
const Watch = Rpc.make("Watch", {
  payload: PostedFields,
  success: Schema.Uint8Array,
  error: HolonError,
  stream: true
}).annotate(ClusterSchema.InterruptOnTermination, true)

/** One shard group for every kind: placement never depends on what can change. */
const shardGroup = "default"
const shardPollMillis = 50
const retryMillis = 50
const busyRetryMillis = 250
/** A way that breaks may show as a defect; one message that does so again and again is the defect itself. */
const defectsMax = 3
const watchItemsMax = 16
const nothing = new Uint8Array(0)

const entityOf = (kind: string) => Entity.make(kind, [Ask, Watch])

/** The residency of this node, its relay, and the ask through the cluster. */
export class Engine extends Context.Service<
  Engine,
  {
    readonly registry: Registry
    readonly residency: Residency
    readonly relay: Relay
    /** Answers by the deadline, with `Timeout` at the latest. The message may have taken effect all the same. */
    readonly ask: (to: Address, posted: Posted, deadlineMillis: number) => Effect.Effect<PostedReply>
    /** Items of a standing query, each CBOR of its JSON form, across moves of the actor. */
    readonly watch: (to: Address, posted: Posted) => Stream.Stream<Uint8Array, HolonError>
    /** Shards held by this node. */
    readonly shards: () => ReadonlyArray<number>
  }
>()("holon/actors/Engine") {}

/** The reply of a cell in its travelling form. One that does not fit its schema is a defect, and no business of the engine. */
const postReply = (host: Host, registry: Registry, address: Address, posted: Posted, reply: Reply): PostedReply => {
  if (reply._tag === "NotHere" || reply._tag === "Failed") return reply
  // Who tells waits for no value, and for a repeat there is none.
  if (posted.tell !== undefined) return { _tag: reply._tag, body: nothing }
  const { message } = posted
  const codec = registry.get(address.kind)?.codec.messages.get(message)
  if (codec === undefined) return { _tag: "NotHere" }
  try {
    return reply._tag === "Success"
      ? { _tag: "Success", body: toBytes(codec.success, reply.value) }
      : { _tag: "Refused", body: toBytes(codec.error, reply.error) }
  } catch (cause) {
    return defect(host, `${address.kind}/${address.id}: the reply to ${message} does not fit`, cause)
  }
}

const defect = (host: Host, what: string, cause: unknown): PostedReply => ({
  _tag: "Failed",
  error: new Internal({ traceId: reportDefect(host, what, cause) })
})

const make = (registry: Registry) =>
  Effect.gen(function* () {
    const ports = yield* NodePorts
    const sharding = yield* Sharding.Sharding
    const { host, shardsPerGroup, agreement } = ports
    const runFork = Effect.runForkWith(yield* Effect.context())

    const shardIds = Array.from({ length: shardsPerGroup }, (_, index) => ShardId.make(shardGroup, index + 1))
    let held: ReadonlyArray<number> = []
    const holds = (shard: number): boolean => {
      const id = shardIds[shard - 1]
      return id !== undefined && sharding.hasShardId(id)
    }

    const clients = new Map<string, Entity.Entity<string, typeof Ask | typeof Watch>>()
    for (const kind of registry.keys()) clients.set(kind, entityOf(kind))
    const makeClient = new Map(
      yield* Effect.forEach(clients, ([kind, entity]) =>
        Effect.map(sharding.makeClient(entity), (client) => [kind, client] as const)
      )
    )

    const ask = (to: Address, posted: Posted, deadlineMillis: number): Effect.Effect<PostedReply> => {
      const client = makeClient.get(to.kind)?.(to.id)
      if (client === undefined)
        return Effect.succeed({ _tag: "Failed", error: new Unavailable({ cause: `no actor kind ${to.kind}` }) })
      const heldBack = agreement.heldBack(to.kind, posted.message)
      if (heldBack !== undefined) return Effect.succeed({ _tag: "Failed", error: new Unavailable({ cause: heldBack }) })
      let defects = 0
      const afterFailure = (cause: Cause.Cause<{ readonly _tag: string }>): Effect.Effect<PostedReply> => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
        if (!Cause.hasDies(cause) || ++defects < defectsMax) {
          const isBusy = Option.getOrUndefined(Cause.findErrorOption(cause))?._tag === "MailboxFull"
          return Effect.delay(Effect.succeed<PostedReply>({ _tag: "NotHere" }), isBusy ? busyRetryMillis : 0)
        }
        return Effect.succeed(
          defect(host, `${to.kind}/${to.id}: ${posted.message} cannot be sent`, Cause.squash(cause))
        )
      }
      const once: Effect.Effect<PostedReply> = Effect.catchCause(client.Ask(posted), afterFailure)
      const again: Effect.Effect<PostedReply> = Effect.delay(
        Effect.suspend(() => attempt),
        retryMillis
      )
      const attempt: Effect.Effect<PostedReply> = Effect.flatMap(once, (reply) =>
        reply._tag === "NotHere" ? again : Effect.succeed(reply)
      )
      return Effect.timeoutOrElse(attempt, {
        duration: deadlineMillis,
        orElse: () => Effect.succeed<PostedReply>({ _tag: "Failed", error: new Timeout({ ms: deadlineMillis }) })
      })
    }

    const watch = (to: Address, posted: Posted): Stream.Stream<Uint8Array, HolonError> => {
      const client = makeClient.get(to.kind)?.(to.id)
      if (client === undefined) return Stream.fail(new Unavailable({ cause: `no actor kind ${to.kind}` }))
      const heldBack = agreement.heldBack(to.kind, posted.message)
      if (heldBack !== undefined) return Stream.fail(new Unavailable({ cause: heldBack }))
      const isHolonError = Schema.is(HolonError)
      return client.Watch(posted).pipe(
        // The actor moved or its node went: the next stream begins with its state there.
        Stream.catchCause((cause) => {
          const error = Option.getOrUndefined(Cause.findErrorOption(cause))
          return isHolonError(error) ? Stream.fail(error) : Stream.empty
        }),
        Stream.repeat(Schedule.spaced(retryMillis))
      )
    }

    const residency: Residency = new Residency({
      node: ports.node,
      host,
      store: ports.store,
      registry,
      agreement,
      idleMillis: ports.idleMillis,
      judge: yield* Judge,
      engine: {
        shardOf: ({ id }) => sharding.getShardId(EntityId.make(id), shardGroup).id,
        mayServe: (shard) => holds(shard) && ports.isFresh(),
        isFresh: ports.isFresh,
        shards: () => held,
        post: (to, posted, deadlineMillis, done) => {
          runFork(ask(to, posted, deadlineMillis)).addObserver((exit) =>
            done(exit._tag === "Success" ? decodeTag(exit.value) : { _tag: "NotHere" })
          )
        }
      },
      toGateway: (node, message) => relay.toGateway(node, message),
      perform: (self, order, done) => {
        const run = registry.get(self.kind)?.behaviour.reactions.effects?.[order.name]
        if (run === undefined) return host.report(`${self.kind}: no effect ${order.name}`, undefined)
        // Without an outcome the state still waits: the behaviour begins the effect again when it wakes.
        runFork(Effect.suspend(() => run(order.input))).addObserver((exit) => {
          if (exit._tag === "Success") done(exit.value)
          else if (!Cause.hasInterruptsOnly(exit.cause))
            host.report(`${self.kind}/${self.id}: effect ${order.name} failed`, Cause.squash(exit.cause))
        })
      }
    })
    const relay: Relay = new Relay({
      node: ports.node,
      host,
      transport: ports.transport,
      frame: (offer, done) => residency.frame(offer, done)
    })
    ports.onSessionLost(() => {
      residency.dropAll()
      // The next session may lock the same shards again: they are as new, and so is who must wake there.
      held = []
    })

    // Its cells end with their commits done, so that the next owner need not fence them.
    ports.onRelease((shard) => Effect.callback<void>((resume) => residency.release(shard, () => resume(Effect.void))))

    const followShards = Effect.sync(() => {
      const now: Array<number> = []
      for (let shard = 1; shard <= shardsPerGroup; shard++) if (holds(shard)) now.push(shard)
      const before = new Set(held)
      const after = new Set(now)
      for (const shard of held) if (!after.has(shard)) residency.release(shard, () => {})
      held = now
      const acquired = now.filter((shard) => !before.has(shard))
      if (acquired.length > 0) residency.acquired(acquired)
    })
    yield* Effect.forkScoped(Effect.repeat(followShards, Schedule.spaced(shardPollMillis)))
    yield* Effect.addFinalizer(() => Effect.callback<void>((resume) => residency.close(() => resume(Effect.void))))

    const handlers = (kind: string) =>
      Effect.gen(function* () {
        const { entityId } = yield* Entity.CurrentAddress
        const address: Address = { kind, id: entityId }
        return {
          Ask: ({ payload }: { readonly payload: Posted }) =>
            Rpc.fork(
              Effect.callback<PostedReply>((resume) => {
                residency.deliverPosted(address, payload, (reply) =>
                  resume(Effect.sync(() => postReply(host, registry, address, payload, reply)))
                )
              })
            ),
          Watch: ({ payload }: { readonly payload: Posted }) =>
            Rpc.fork(watchHere(residency, registry, address, payload))
        }
      })
    yield* Effect.forEach(
      clients,
      ([kind, entity]) =>
        sharding.registerEntity(entity, handlers(kind), {
          maxIdleTime: ports.idleMillis,
          mailboxCapacity: "unbounded"
        }),
      { discard: true }
    )
    // Before the kinds above leave the cluster: from then on nothing reaches an actor.
    yield* Effect.addFinalizer(() =>
      Effect.callback<void>((resume) => residency.refusals.flush(() => resume(Effect.void)))
    )
    return Engine.of({ registry, residency, relay, ask, watch, shards: () => held })
  })

/** A tell needs to know how it ended, not the value. */
const decodeTag = (reply: PostedReply): Reply => {
  switch (reply._tag) {
    case "Success":
      return { _tag: "Success", value: undefined }
    case "Refused":
      return { _tag: "Refused", error: undefined }
    default:
      return reply
  }
}

const watchHere = (
  residency: Residency,
  registry: Registry,
  address: Address,
  posted: Posted
): Stream.Stream<Uint8Array, HolonError> =>
  Stream.callback<Uint8Array, HolonError>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() =>
          residency.watchPosted(
            address,
            posted,
            (item) => {
              const codec = registry.get(address.kind)?.codec.messages.get(posted.message)
              // Throws when the item does not fit: the cell then ends this watch.
              if (codec !== undefined) Queue.offerUnsafe(queue, toBytes(codec.success, item))
            },
            (error) => {
              if (error === undefined) Queue.endUnsafe(queue)
              else Queue.failCauseUnsafe(queue, Cause.fail(error))
            }
          )
        ),
        (stop) => Effect.sync(stop)
      ),
    { bufferSize: watchItemsMax, strategy: "sliding" }
  )

/** The engine of a node for these kinds. */
export const layer = (registry: Registry): Layer.Layer<Engine, never, NodePorts | Sharding.Sharding> =>
  Layer.effect(Engine, make(registry))
