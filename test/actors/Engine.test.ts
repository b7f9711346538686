/** The engine's side of the layer, over a stand-in for `effect/cluster` whose answers the test gives. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema, type Scope, Stream } from "effect"
import { ClusterError, Entity, EntityAddress, EntityId, EntityType, ShardId, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as Actors from "../../src/actors/Actors.ts"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Engine from "../../src/actors/Engine.ts"
import type { Posted } from "../../src/actors/Envelope.ts"
import { NodePorts } from "../../src/actors/NodePorts.ts"
import * as Registry from "../../src/actors/Registry.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { Unavailable } from "../../src/protocol/Errors.ts"
import { decodeStored, encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, operator } from "../support/ActorRig.ts"
import { Counter, counter } from "../support/Counter.ts"

const Worker = Contract.make("worker", {
  state: Schema.Struct({ outcomes: Schema.Array(Schema.String) }),
  messages: {
    Begin: Contract.idempotent({ payload: { job: Schema.String }, audience: "operator" }),
    Read: Contract.query({ success: Schema.Array(Schema.String), audience: "operator" }),
    Lie: Contract.idempotent({ success: Schema.Int, audience: "operator" })
  }
})

const worker = Behaviour.make(Worker, {
  initial: () => ({ outcomes: [] }),
  completed: ({ outcomes }, { outcome }) => ({ state: { outcomes: [...outcomes, String(outcome)] } }),
  effects: { good: () => Effect.succeed("done"), bad: () => Effect.die("a planted defect") },
  Begin: (_state, { job }) => ({ effects: [{ name: job, id: job, input: {} }] }),
  Read: ({ outcomes }) => ({ reply: outcomes }),
  Lie: () => ({ reply: 0.5 })
})

const a = { kind: "counter", id: "a" }

const entityOf = (kind: string, id: string) =>
  EntityAddress.make({
    shardId: ShardId.make("default", 1),
    entityType: EntityType.make(kind),
    entityId: EntityId.make(id)
  })

type Ask = (posted: Posted) => Effect.Effect<Engine.PostedReply, ClusterError.MailboxFull>

type Answer = Effect.Effect<Engine.PostedReply>
type Build = Effect.Effect<{ readonly Ask: (request: { readonly payload: Posted }) => Rpc.WrapperOr<Answer> }>

/** A node of one shard; the cluster's answers to asks come from `answer`. */
const node = (answer: Ask) => {
  const rig = new ActorRig([counter, worker])
  rig.residency.stop()
  const registry = Registry.make([counter, worker])
  const lost: Array<() => void> = []
  const releases: Array<(shard: number) => Effect.Effect<void>> = []
  const handlers = new Map<string, Build>()
  const sharding = Layer.mock(Sharding.Sharding)({
    hasShardId: () => rig.holdsShards,
    getShardId: (_id, group) => ShardId.make(group, 1),
    makeClient: (() => Effect.succeed(() => ({ Ask: answer }))) as never,
    registerEntity: ((entity: Entity.Any, build: never) => Effect.sync(() => handlers.set(entity.type, build))) as never
  })
  const ports = Layer.succeed(NodePorts, {
    node: "node-1",
    host: rig.host,
    store: rig.store,
    agreement: { heldBack: (kind, message) => rig.heldBack.get(`${kind} ${message}`), formatOf: () => 1 },
    transport: { send: () => {}, onBatch: () => {}, onBroken: () => {} },
    isFresh: () => rig.isFresh,
    onSessionLost: (handler) => void lost.push(handler),
    onRelease: (handler) => void releases.push(handler),
    shardsPerGroup: 1,
    idleMillis: 60_000
  })
  const layer = Actors.layer.pipe(
    Layer.provideMerge(Engine.layer(registry)),
    Layer.provideMerge(Layer.merge(ports, sharding))
  )
  /** What the entity of this kind answers to a message. */
  const handle = (kind: string, id: string, posted: Posted) =>
    Effect.gen(function* () {
      const build = handlers.get(kind)
      if (build === undefined) return yield* Effect.die(`no kind ${kind}`)
      const { Ask } = yield* Effect.provideService(build, Entity.CurrentAddress, entityOf(kind, id))
      return yield* Effect.forkChild(Rpc.unwrap(Ask({ payload: posted })), { startImmediately: true })
    })
  const run = <A, E>(test: Effect.Effect<A, E, Actors.Actors | Engine.Engine | Scope.Scope>) =>
    Effect.provide(test, layer)
  return { rig, lost, releases, handle, run }
}

const posted = (rig: ActorRig, message: string, payload: unknown): Posted => ({
  message,
  body: encodeStored(payload),
  requestId: rig.requestId(),
  asker: operator
})

/** Both clocks a step on: the cells' and the fibers'. */
const pass = (rig: ActorRig, millis: number) =>
  Effect.gen(function* () {
    for (let step = 0; step < millis; step += 50) {
      rig.advance(50)
      yield* TestClock.adjust(50)
    }
  })

const notHere: Ask = () => Effect.succeed({ _tag: "NotHere" })

describe("a lost lock session", () => {
  it.effect("wakes again what it dropped, though the next session holds the same shards", () => {
    const { rig, lost, run } = node(notHere)
    return run(
      Effect.gen(function* () {
        const { residency } = yield* Engine.Engine
        yield* pass(rig, 200)
        residency.deliver(
          a,
          { message: "Add", payload: { by: 1 }, requestId: rig.requestId(), asker: operator },
          () => {}
        )
        yield* pass(rig, 200)
        assert.strictEqual(residency.size, 1)
        for (const handler of lost) handler()
        assert.strictEqual(residency.size, 0)
        yield* pass(rig, 200)
        assert.strictEqual(residency.size, 1)
      })
    )
  })
})

describe("a shard that goes to another node", () => {
  it.effect("is given away when the commits of its actors are done", () => {
    const { rig, releases, run } = node(notHere)
    return run(
      Effect.gen(function* () {
        const { residency } = yield* Engine.Engine
        yield* pass(rig, 200)
        rig.holdCommits = true
        const replies: Array<string> = []
        const envelope = { message: "Add", payload: { by: 1 }, requestId: rig.requestId(), asker: operator }
        residency.deliver(a, envelope, ({ _tag }) => replies.push(_tag))
        yield* pass(rig, 100)
        const release = Effect.forEach(releases, (handler) => handler(1))
        const fiber = yield* Effect.forkChild(release, { startImmediately: true })
        yield* pass(rig, 100)
        assert.isUndefined(fiber.pollUnsafe())
        rig.releaseCommits()
        yield* pass(rig, 100)
        assert.isDefined(fiber.pollUnsafe())
        assert.deepStrictEqual(replies, ["Success"])
        assert.strictEqual(residency.size, 0)
      })
    )
  })
})

describe("an ask", () => {
  it.effect("of what not every member knows is refused with the reason, whichever way it takes", () => {
    const reason = "message Add of counter is offered once every node knows it"
    const { rig, run } = node(() => Effect.die("the engine was asked"))
    rig.heldBack.set("counter Add", reason)
    return run(
      Effect.gen(function* () {
        const { ask, watch } = yield* Engine.Engine
        const actors = yield* Actors.Actors
        const refusal = new Unavailable({ cause: reason })
        assert.deepStrictEqual(yield* ask(a, posted(rig, "Add", { by: 1 }), 1000), { _tag: "Failed", error: refusal })
        assert.deepStrictEqual(yield* Effect.flip(Stream.runCollect(watch(a, posted(rig, "Add", {})))), refusal)
        const by = { asker: operator, requestId: rig.requestId() }
        assert.deepStrictEqual(yield* Effect.flip(actors.send(a, "Add", { by: 1 }, by)), refusal)
        assert.deepStrictEqual(yield* Effect.flip(actors.ask(Counter, "a", "Add", { by: 1 }, by)), refusal)
      })
    )
  })

  it.effect("of who has fewer rights is judged before any other node is asked: it may be of an earlier release", () => {
    const { rig, run } = node(() => Effect.die("the engine was asked"))
    return run(
      Effect.gen(function* () {
        const actors = yield* Actors.Actors
        const by = { asker: { ...operator, may: ["device.*"] }, requestId: rig.requestId() }
        const refusals = yield* Effect.all([
          Effect.flip(actors.send(a, "Add", { by: 1 }, by)),
          Effect.flip(actors.ask(Counter, "a", "Add", { by: 1 }, by)),
          Effect.flip(Stream.runCollect(actors.watch(a, "Add", { by: 1 }, by)))
        ])
        assert.deepStrictEqual(
          refusals.map(({ _tag }) => _tag),
          ["PolicyDenied", "PolicyDenied", "PolicyDenied"]
        )
        assert.strictEqual(rig.rows.size, 0)
      })
    )
  })

  it.effect("that is a defect each time ends soon, with a trace", () => {
    let asks = 0
    const { rig, run } = node(() => Effect.suspend(() => Effect.die(`a planted defect ${++asks}`)))
    return run(
      Effect.gen(function* () {
        const { ask } = yield* Engine.Engine
        const fiber = yield* Effect.forkChild(ask(a, posted(rig, "Read", {}), 15_000), { startImmediately: true })
        yield* pass(rig, 1000)
        const reply = yield* Fiber.join(fiber)
        assert.strictEqual(reply._tag === "Failed" ? reply.error._tag : reply._tag, "Internal")
        assert.strictEqual(asks, 3)
      })
    )
  })

  it.effect("gives a full mailbox time", () => {
    let asks = 0
    const full = Effect.fail(new ClusterError.MailboxFull({ address: entityOf("counter", "a") }))
    const { rig, run } = node(() =>
      Effect.suspend(() => {
        asks++
        return full
      })
    )
    return run(
      Effect.gen(function* () {
        const { ask } = yield* Engine.Engine
        const fiber = yield* Effect.forkChild(ask(a, posted(rig, "Read", {}), 3000), { startImmediately: true })
        yield* pass(rig, 3000)
        const reply = yield* Fiber.join(fiber)
        assert.strictEqual(reply._tag === "Failed" ? reply.error._tag : reply._tag, "Timeout")
        assert.isAtMost(asks, 10)
      })
    )
  })
})

describe("an outcome the store did not confirm", () => {
  const unconfirmed = new Unavailable({ cause: "the store did not confirm" })

  it.effect("is asked for until it is known", () => {
    let asks = 0
    const { rig, run } = node(() =>
      Effect.sync(() =>
        ++asks < 6 ? { _tag: "Failed", error: unconfirmed } : { _tag: "Success", body: encodeStored(7) }
      )
    )
    return run(
      Effect.gen(function* () {
        const actors = yield* Actors.Actors
        const fiber = yield* Effect.forkChild(actors.ask(Counter, "a", "Add", { by: 1 }, { asker: operator }), {
          startImmediately: true
        })
        yield* pass(rig, 1000)
        assert.strictEqual(yield* Fiber.join(fiber), 7)
      })
    )
  })

  it.effect("is told as it is at the deadline", () => {
    const { rig, run } = node(() => Effect.succeed({ _tag: "Failed", error: unconfirmed }))
    return run(
      Effect.gen(function* () {
        const actors = yield* Actors.Actors
        const asked = Effect.flip(actors.ask(Counter, "a", "Add", { by: 1 }, { asker: operator }))
        const fiber = yield* Effect.forkChild(asked, { startImmediately: true })
        yield* pass(rig, 14_000)
        assert.isUndefined(fiber.pollUnsafe())
        yield* pass(rig, 2000)
        assert.deepStrictEqual(yield* Fiber.join(fiber), unconfirmed)
      })
    )
  })
})

describe("an actor of the cluster", () => {
  it.effect("answers a tell that was heard before as one that has arrived, whatever its message answers", () => {
    const { rig, handle, run } = node(notHere)
    return run(
      Effect.gen(function* () {
        yield* pass(rig, 200)
        const told = { ...posted(rig, "Add", { by: 1 }), tell: { from: "counter/b", version: 7, index: 0 } }
        const replies: Array<string> = []
        for (let copy = 0; copy < 2; copy++) {
          const fiber = yield* handle("counter", "a", told)
          yield* pass(rig, 200)
          replies.push((yield* Fiber.join(fiber))._tag)
        }
        assert.deepStrictEqual(replies, ["Success", "Success"])
        const read = yield* handle("counter", "a", posted(rig, "Read", {}))
        yield* pass(rig, 200)
        const reply = yield* Fiber.join(read)
        assert.strictEqual(reply._tag === "Success" && decodeStored(reply.body), 1)
      })
    )
  })

  it.effect("answers a reply that does not fit as a defect of its own, not of the engine", () => {
    const { rig, handle, run } = node(notHere)
    return run(
      Effect.gen(function* () {
        yield* pass(rig, 100)
        const fiber = yield* handle("worker", "w", posted(rig, "Lie", {}))
        yield* pass(rig, 100)
        const reply = yield* Fiber.join(fiber)
        assert.strictEqual(reply._tag === "Failed" ? reply.error._tag : reply._tag, "Internal")
      })
    )
  })

  it.effect("gets the outcome of an effect, and a report of one that has none", () => {
    const { rig, handle, run } = node(notHere)
    return run(
      Effect.gen(function* () {
        yield* pass(rig, 100)
        for (const job of ["good", "bad"]) yield* handle("worker", "w", posted(rig, "Begin", { job }))
        yield* pass(rig, 200)
        const fiber = yield* handle("worker", "w", posted(rig, "Read", {}))
        yield* pass(rig, 100)
        const reply = yield* Fiber.join(fiber)
        assert.deepStrictEqual(reply._tag === "Success" ? decodeStored(reply.body) : reply, ["done"])
        assert.include(rig.reported.join("\n"), "effect bad failed")
      })
    )
  })
})
