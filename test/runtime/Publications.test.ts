import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References, Schema } from "effect"
import { connectAsync } from "mqtt"
import { Actors } from "../../src/actors/Actors.ts"
import { Delivery, type DeliveryTarget, deliveryIdOf } from "../../src/protocol/Delivery.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import { Membership } from "../../src/runtime/cluster/ClusterLayer.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, tempFolder, until } from "../support/RunningNode.ts"

const count = 20

describe("what is delivered to a topic", () => {
  it.live(
    "reaches the clients of every node once and in order, whichever node the delivery is on",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const url = yield* Effect.promise(() => postgres.createDatabase())
        const start = Effect.gen(function* () {
          const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data: yield* tempFolder }
          return yield* Layer.build(
            Node.layer({ config, ports: portsOf(config, 0) }).pipe(Layer.provide(PostgresUrl.layer(Redacted.make(url))))
          )
        })
        const nodes = [yield* start, yield* start]
        const [first] = nodes
        if (first === undefined) throw new Error("no node")
        yield* until(
          Context.get(first, Membership).nodes,
          (all) => all.length === 2 && all.every(({ ready, shards }) => ready && shards > 0)
        )
        const heard = yield* Effect.forEach(nodes, (built, index) =>
          Effect.gen(function* () {
            const { mqtt } = Context.get(built, Node.Listening)
            const client = yield* Effect.acquireRelease(
              Effect.promise(() =>
                connectAsync(`mqtt://127.0.0.1:${mqtt}`, { clientId: `reader_${index}`, reconnectPeriod: 0 })
              ),
              (open) => Effect.promise(() => open.endAsync(true))
            )
            const messages: Array<string> = []
            client.on("message", (_topic, payload) => messages.push(payload.toString()))
            yield* Effect.promise(() => client.subscribeAsync("alarms/#", { qos: 1 }))
            return messages
          })
        )
        const target: DeliveryTarget = { _tag: "Mqtt", topic: "alarms/hot" }
        const actors = Context.get(first, Actors)
        for (let number = 0; number < count; number++)
          yield* actors.ask(
            Delivery,
            deliveryIdOf(target),
            "Deliver",
            { matchId: `m-${number}`, pattern: "hot", target, key: "", envelope: number },
            { asker: { kind: "service", id: "patterns", role: "internal" } }
          )
        yield* until(
          Effect.sync(() => heard.map(({ length }) => length)),
          (lengths) => lengths.every((length) => length >= count)
        )
        const all = Array.from({ length: count }, (_, number) => String(number))
        assert.deepStrictEqual(heard, [all, all])
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "Error"),
        Effect.provide(Postgres.layer())
      ),
    60_000
  )
})
