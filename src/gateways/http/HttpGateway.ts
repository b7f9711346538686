/** The HTTP listener of a node: API, documentation, metrics, health, `/rpc`, and the upgrade of boards at `/attach`. */
import { IncomingMessage, Server, ServerResponse } from "node:http"
import { Duplex } from "node:stream"
import { NodeHttpServer } from "@effect/platform-node"
import { Cause, Effect, Layer, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import type { Registry } from "../../actors/Registry.ts"
import { foreignHeader } from "../Origin.ts"
import { WebSocketGateway } from "../websocket/WebSocketGateway.ts"
import * as Api from "./Api.ts"
import * as ControlHandlers from "./ControlHandlers.ts"

/** The port is not free. Permanent until somebody frees it or another is configured. */
export class HttpPortTaken extends Schema.TaggedError<HttpPortTaken>()("HttpPortTaken", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `HTTP cannot listen on ${this.host}:${this.port} (${this.reason}); free the port or pass --http-port`
  }
}

export interface HttpGatewayOptions {
  readonly host: string
  readonly port: number
}

const attachPath = "/attach"

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?", 1)[0] ?? ""

type Attach = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Boards leave here for their own gateway; a page of another origin goes no further. */
class GuardedServer extends Server {
  readonly #attach: Attach

  constructor(attach: Attach) {
    super()
    this.#attach = attach
  }

  override emit(event: string, ...values: ReadonlyArray<unknown>): boolean {
    const [request, peer, head] = values
    if (!(request instanceof IncomingMessage)) return super.emit(event, ...values)
    const foreign = foreignHeader(request.headers)
    if (event === "request" && peer instanceof ServerResponse && foreign !== undefined) {
      const sentence = `The ${foreign} header is not one of this node's own names.\n`
      peer.writeHead(403, { "content-type": "text/plain" }).end(sentence)
      return true
    }
    if (event === "upgrade" && peer instanceof Duplex) {
      if (foreign !== undefined) {
        peer.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n")
        return true
      }
      if (pathOf(request) === attachPath && Buffer.isBuffer(head)) {
        this.#attach(request, peer, head)
        return true
      }
    }
    return super.emit(event, ...values)
  }
}

/** Listens while it is built. Fails with {@link HttpPortTaken}. */
export const layer = (registry: Registry, { host, port }: HttpGatewayOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const boards = yield* WebSocketGateway
      const routes = Layer.mergeAll(Api.layer(registry), ControlHandlers.layer, PrometheusMetrics.layerHttp({ prefix: "holon" }))
      const server = NodeHttpServer.layer(() => new GuardedServer(boards.handleUpgrade), {
        host,
        port,
        gracefulShutdownTimeout: "2 seconds"
      }).pipe(
        Layer.catchCause((cause) =>
          Layer.effectContext(Effect.fail(new HttpPortTaken({ host, port, reason: String(Cause.squash(cause)) })))
        )
      )
      return HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(server)
      )
    })
  )
