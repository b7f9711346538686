import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { Attacher } from "../../../src/gateways/link/Attacher.ts"
import { Credentials } from "../../../src/gateways/link/Credentials.ts"
import * as Gateway from "../../../src/gateways/mqtt/MqttGateway.ts"
import { FakeNode } from "../FakeNode.ts"
import { RawClient } from "./RawClient.ts"

const gateway = (port = 0) => {
  const node = new FakeNode()
  return Gateway.layer({ host: "127.0.0.1", port }).pipe(
    Layer.provide([Layer.succeed(Attacher, node.ports), Layer.succeed(Credentials, node.credentials())])
  )
}

describe("the MQTT gateway", () => {
  it.live("listens while its scope is open, and closes every connection with it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(gateway(), scope)
      const { port } = yield* Gateway.MqttGateway.pipe(Effect.provideContext(context))
      const client = yield* Effect.promise(() => RawClient.connected(port, "reader_1", 5))
      yield* Scope.close(scope, Exit.void)
      const { reasonCode } = yield* Effect.promise(() => client.next("disconnect"))
      assert.strictEqual(reasonCode, 0x8b)
      yield* Effect.promise(() => client.closed())
      const again = yield* Effect.promise(() => RawClient.open(port)).pipe(Effect.timeoutOption("200 millis"))
      assert.strictEqual(again._tag, "None")
    })
  )

  it.live("says in one line that the port is taken", () =>
    Effect.gen(function* () {
      const { port } = yield* Gateway.MqttGateway
      const failure = yield* Layer.build(gateway(port)).pipe(Effect.scoped, Effect.flip)
      assert.strictEqual(failure._tag, "ListenFailed")
      assert.strictEqual(failure.reason, "port-in-use")
      assert.match(
        failure.message,
        new RegExp(`^MQTT cannot listen on 127\\.0\\.0\\.1:${port}: another program[^\\n]*$`)
      )
    }).pipe(Effect.provide(gateway()))
  )

  it.live("publishes its counts as metrics", () =>
    Effect.gen(function* () {
      const { port } = yield* Gateway.MqttGateway
      const client = yield* Effect.promise(() => RawClient.connected(port, "press-1"))
      const topic = "holon/1/b/press-1/up"
      client.send({ cmd: "publish", topic, payload: "no frame", qos: 0, dup: false, retain: false })
      const counted = Effect.gen(function* () {
        const snapshot = yield* Metric.snapshot
        return snapshot.some(
          ({ id, type, state }) => id === "holon_link_opened_total" && type === "Counter" && state.count > 0
        )
          ? Effect.void
          : Effect.fail("not yet")
      }).pipe(Effect.flatten)
      yield* counted.pipe(Effect.eventually, Effect.timeout("5 seconds"))
      client.socket.destroy()
    }).pipe(Effect.provide(gateway()))
  )
})
