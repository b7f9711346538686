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

/** The node is one of another data folder. */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", { url: Schema.String }) {
  override get message() {
    return `the node at ${this.url} does not know this token; name its data folder with --data`
  }
}

const answerWithin = "5 seconds"

/** A WebSocket that is refused does not say why, and would be tried for ever: asks for the reason first. */
const greet = (url: string, authorization: string) =>
  Effect.tryPromise({
    try: (signal) => fetch(new URL("/rpc", url), { signal, headers: { authorization } }),
    catch: (cause) => new NodeUnreachable({ url, reason: reasonOf(cause) })
  }).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () => Effect.fail(new NodeUnreachable({ url, reason: `no answer in ${answerWithin}` }))
    }),
    Effect.flatMap(({ status }) => (status === 401 ? Effect.fail(new TokenRefused({ url })) : Effect.void))
  )

const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner instanceof Error ? inner.message : String(cause)
}

/** Connects while it is built. Fails with {@link NodeUnreachable}, {@link TokenRefused}, or when there is no token. */
export const layer = ({ url, data }: ClientOptions) =>
  Layer.effect(
    Client,
    Effect.gen(function* () {
      const token = yield* readToken(data)
      const authorization = `Bearer ${Redacted.value(token)}`
      yield* greet(url, authorization)
      const target = new URL("/rpc", url)
      target.protocol = target.protocol === "https:" ? "wss:" : "ws:"
      const socket = yield* Socket.makeWebSocket(target.href, { headers: { authorization } }).pipe(
        Effect.provide(NodeSocket.layerWebSocketConstructor)
      )
      const protocol = yield* RpcClient.makeProtocolSocket().pipe(
        Effect.provideService(Socket.Socket, socket),
        Effect.provide(RpcSerialization.layerJson)
      )
      return yield* RpcClient.make(Control, { disableTracing: true }).pipe(
        Effect.provideService(RpcClient.Protocol, protocol)
      )
    })
  )
