/** The way from the command line to a node: its `/rpc`, with the token of the data folder or of HOLON_TOKEN. */
import { NodeSocket } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { RpcClient, type RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { Control } from "../gateways/http/Control.ts"
import { shownToken } from "../runtime/Token.ts"

/** No node answers there. */
export class NodeUnreachable extends Schema.TaggedError<NodeUnreachable>()("NodeUnreachable", {
  url: Schema.String,
  /** Where the url stands when no flag has named it. */
  source: Schema.optionalKey(Schema.String),
  reason: Schema.String
}) {
  override get message() {
    const where = this.source === undefined ? "" : `, ${this.source}`
    return `no node answers at ${this.url}${where} (${this.reason}); start one with "holon up", or name another with --url`
  }
}

/** The url is none of a node. */
export class UrlUnusable extends Schema.TaggedError<UrlUnusable>()("UrlUnusable", { url: Schema.String }) {
  override get message() {
    return `${this.url} is no address of a node: it begins with http:// or https://`
  }
}

/** The node's certificate is signed by nobody that this process trusts. */
export class CertificateUntrusted extends Schema.TaggedError<CertificateUntrusted>()("CertificateUntrusted", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the certificate of the node at ${this.url} is not trusted (${this.reason}); name its authority's file in the environment variable NODE_EXTRA_CA_CERTS`
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
  /** What has named the url, when no flag has. */
  readonly source?: string
}

/** The node is one of another data folder. */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", { url: Schema.String }) {
  override get message() {
    return `the node at ${this.url} does not know this token; name its data folder with --data, or set HOLON_TOKEN to one that it knows`
  }
}

const answerWithin = "5 seconds"

/** What a node says to who shows its token and does not come as a WebSocket: 426, Upgrade Required. */
const upgradeRequired = 426
const unauthorized = 401

/** Node's codes for a chain of certificates that does not hold (X509_V_ERR_… of OpenSSL, and names that differ). */
const untrusted = /CERT|SIGNATURE|ISSUER/

/** Why a request did not reach the node. */
export const connectionFailure = (
  { url, source }: Pick<ClientOptions, "url" | "source">,
  cause: unknown
): NodeUnreachable | CertificateUntrusted => {
  const { code, message: reason } = innermost(cause)
  return untrusted.test(code)
    ? new CertificateUntrusted({ url, reason })
    : new NodeUnreachable({ url, reason, ...(source !== undefined && { source }) })
}

/** A WebSocket that is refused does not say why, and would be tried for ever: asks for the reason first. */
const greet = (place: ClientOptions, authorization: string) => {
  const { url, source } = place
  const unreachable = (reason: string) => new NodeUnreachable({ url, reason, ...(source !== undefined && { source }) })
  return Effect.tryPromise({
    try: (signal) => fetch(new URL("/rpc", url), { signal, headers: { authorization } }),
    catch: (cause) => connectionFailure(place, cause)
  }).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () => Effect.fail(unreachable(`no answer in ${answerWithin}`))
    }),
    Effect.filterOrFail(
      ({ status }) => status === upgradeRequired,
      ({ status }) =>
        status === unauthorized
          ? new TokenRefused({ url })
          : unreachable(`what answers there is none of this release, it says ${status}`)
    )
  )
}

/** `fetch` only says that it failed; its cause says why, and of several addresses the first. */
const innermost = (cause: unknown): { readonly code: string; readonly message: string } => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const first: unknown = inner instanceof AggregateError ? inner.errors[0] : inner
  if (!(first instanceof Error)) return { code: "", message: String(first) }
  return { code: "code" in first ? String(first.code) : "", message: first.message }
}

/** The url of a node's HTTP listener. */
const isWeb = (url: string): boolean => {
  const protocol = URL.parse(url)?.protocol
  return protocol === "http:" || protocol === "https:"
}

/** Connects while it is built. Fails when there is no token, nobody answers, or the token is not the node's. */
export const layer = (options: ClientOptions) =>
  Layer.effect(
    Client,
    Effect.gen(function* () {
      const { url, data } = options
      if (!isWeb(url)) return yield* new UrlUnusable({ url })
      const token = yield* shownToken(data)
      const authorization = `Bearer ${Redacted.value(token)}`
      yield* greet(options, authorization)
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
