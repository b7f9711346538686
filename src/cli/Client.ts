/** The way from the command line to a node: its `/rpc`, with the token of the data folder. */
import { NodeSocket } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { RpcClient, type RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { Control } from "../gateways/http/Control.ts"
import { readToken } from "../runtime/Token.ts"

/** No node answers there. */
export class NodeUnreachable extends Schema.TaggedError<NodeUnreachable>()("NodeUnreachable", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `no node answers at ${this.url} (${this.reason}); start one with "holon up", or name another with --url`
  }
}

export type ControlClient = RpcClient.FromGroup<typeof Control, RpcClientError.RpcClientError>

/** A connection to one node. */
export class Client extends Context.Service<Client, ControlClient>()("holon/cli/Client") {}

export interface ClientOptions {
  /** As `http://127.0.0.1:7700`. */
  readonly url: string
  /** Data folder whose token is shown. */
  readonly data: string
}

const answers = (url: string) =>
  Effect.tryPromise({
    try: (signal) => fetch(new URL("/health/live", url), { signal }),
    catch: (cause) => new NodeUnreachable({ url, reason: reasonOf(cause) })
  }).pipe(
    Effect.timeoutOrElse({
      duration: "5 seconds",
      orElse: () => Effect.fail(new NodeUnreachable({ url, reason: "no answer in 5 s" }))
    })
  )

const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner instanceof Error ? inner.message : String(cause)
}

/** Connects while it is built. Fails with {@link NodeUnreachable} or when there is no token. */
export const layer = ({ url, data }: ClientOptions) =>
  Layer.effect(
    Client,
    Effect.gen(function* () {
      yield* answers(url)
      const token = yield* readToken(data)
      const target = new URL("/rpc", url)
      target.protocol = target.protocol === "https:" ? "wss:" : "ws:"
      const headers = { authorization: `Bearer ${Redacted.value(token)}` }
      const socket = yield* Socket.makeWebSocket(target.href, { headers }).pipe(
        Effect.provide(NodeSocket.layerWebSocketConstructor)
      )
      const protocol = yield* RpcClient.makeProtocolSocket({ retryTransientErrors: true }).pipe(
        Effect.provideService(Socket.Socket, socket),
        Effect.provide(RpcSerialization.layerJson)
      )
      return yield* RpcClient.make(Control, { disableTracing: true }).pipe(
        Effect.provideService(RpcClient.Protocol, protocol)
      )
    })
  )
