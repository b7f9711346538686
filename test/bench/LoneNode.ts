/** The actor layer of one node in this process: the engine without a network, over any store. */
import { Effect, Layer } from "effect"
import { MessageStorage, RunnerHealth, RunnerStorage, Runners, Sharding, ShardingConfig } from "effect/cluster"
import { alone } from "../../src/actors/Agreement.ts"
import type { AnyBehaviour } from "../../src/actors/Behaviour.ts"
import * as Engine from "../../src/actors/Engine.ts"
import type { Host } from "../../src/actors/Host.ts"
import { NodePorts } from "../../src/actors/NodePorts.ts"
import * as Registry from "../../src/actors/Registry.ts"
import type { Store } from "../../src/actors/Store.ts"
import { ProcessHost } from "../../src/runtime/ProcessHost.ts"

const shardsPerGroup = 64
const idleMillis = 3_600_000

const sharding = Sharding.layer.pipe(
  Layer.provide(Runners.layerNoop),
  Layer.provide(MessageStorage.layerNoop),
  Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(
    ShardingConfig.layer({ shardsPerGroup, simulateRemoteSerialization: false, maxResidentEntities: "unbounded" })
  )
)

/** The engine for these kinds, with the bare cluster beside it. */
export const layer = (behaviours: ReadonlyArray<AnyBehaviour>, store: (host: Host) => Store) => {
  const registry = Registry.make(behaviours)
  const ports = Layer.effect(
    NodePorts,
    Effect.map(ProcessHost, (host) =>
      NodePorts.of({
        node: "bench",
        host,
        store: store(host),
        agreement: alone(registry),
        transport: { send: () => {}, onBatch: () => {}, onBroken: () => {} },
        isFresh: () => true,
        onSessionLost: () => {},
        onRelease: () => {},
        shardsPerGroup,
        idleMillis
      })
    )
  )
  return Engine.layer(registry).pipe(
    Layer.provideMerge(ports),
    Layer.provideMerge(sharding),
    Layer.provideMerge(ProcessHost.layer)
  )
}

/** A store that has every actor at version 1 and takes every commit at the end of the turn. */
export const instantStore = (host: Host): Store => ({
  claim: (requests, _owner, done) =>
    host.defer(() => done(requests.map(() => ({ _tag: "Row", version: 1, format: 1, head: null, parts: new Map() })))),
  commit: (_lane, _owner, _rows, done) => host.defer(() => done({ _tag: "Written", fenced: new Set() })),
  due: (_shards, _now, _takeover, _limit, done) => host.defer(() => done({ actors: [], untold: [] })),
  quarantine: (_entry, done) => host.defer(() => done(true)),
  told: (_address, _since, done) => host.defer(() => done(undefined))
})

/** Waits until all shards are here. */
export const untilServing = Effect.gen(function* () {
  const engine = yield* Engine.Engine
  yield* Effect.suspend(() => Effect.succeed(engine.shards().length)).pipe(
    Effect.delay("20 millis"),
    Effect.repeat({ until: (shards) => shards === shardsPerGroup })
  )
  return engine
})
