/** Serves the conversation of `/rpc`: each request is checked for the token, then handed to actors or operations. */
import { Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { Headers } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { Actors, type By } from "../../actors/Actors.ts"
import { Engine } from "../../actors/Engine.ts"
import { NodePorts } from "../../actors/NodePorts.ts"
import { bearerToken } from "../Bearer.ts"
import { Authenticated, Control } from "./Control.ts"
import { describeRegistry, withHeldBack } from "./Describe.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"
import { ImageLibrary } from "./ImageLibrary.ts"
import { Operations } from "./Operations.ts"

const authenticated = Layer.effect(
  Authenticated,
  Effect.gen(function* () {
    const gatekeeper = yield* Gatekeeper
    return Authenticated.of((handle, { headers }) => {
      const token = bearerToken(Option.getOrUndefined(Headers.get(headers, "authorization"))) ?? ""
      return Effect.flatMap(gatekeeper.operatorOf(Redacted.make(token)), (asker) =>
        Effect.provideService(handle, CurrentAsker, asker)
      )
    })
  })
)

const isJson = Schema.is(Schema.Json)

/** A reply is JSON by its contract; one without a value answers null. */
const json = (value: unknown): Schema.Json => (isJson(value) ? value : null)

const handlers = Control.toLayer(
  Effect.gen(function* () {
    const actors = yield* Actors
    const operations = yield* Operations
    const images = yield* ImageLibrary
    const { registry } = yield* Engine
    const { agreement } = yield* NodePorts
    const kinds = describeRegistry(registry)
    const by = (requestId: string | undefined): Effect.Effect<By, never, CurrentAsker> =>
      Effect.map(CurrentAsker, (asker) => ({ asker, ...(requestId !== undefined && { requestId }) }))
    return Control.of({
      Describe: () => Effect.sync(() => withHeldBack(kinds, agreement)),
      Send: ({ kind, id, message, payload, requestId }) =>
        Effect.flatMap(by(requestId), (who) => Effect.map(actors.send({ kind, id }, message, payload, who), json)),
      Watch: ({ kind, id, message, payload, requestId }) =>
        Effect.map(by(requestId), (who) => Stream.map(actors.watch({ kind, id }, message, payload, who), json)).pipe(
          Stream.unwrap
        ),
      Devices: (page) => operations.devices(page),
      Device: ({ id }) => operations.device(id),
      Look: (page) => operations.look(page),
      Image: ({ reference }) =>
        Effect.map(images.find(reference), ({ sha256, name, version, size }) => ({ sha256, name, version, size })),
      Nodes: () => operations.nodes,
      Residents: () => operations.residents,
      Quarantined: ({ limit }) => operations.quarantined(limit),
      Release: ({ kind, id }) => operations.release(kind, id),
      DeadLetters: (page) => operations.deadLetters(page),
      DeadLetter: ({ number }) => operations.deadLetter(number),
      Retry: ({ number }) => Effect.flatMap(by(undefined), (who) => Effect.map(operations.retry(number, who), json))
    })
  })
)

/** The route `/rpc`: WebSocket, JSON, one token for each request. */
export const layer = RpcServer.layer(Control, { disableTracing: true, concurrency: "unbounded" }).pipe(
  Layer.provide([handlers, authenticated]),
  Layer.provide(RpcServer.layerProtocolWebsocket({ path: "/rpc" })),
  Layer.provide(RpcSerialization.layerJson)
)
