/** The HTTP listener of a node: API, documentation, metrics, health, `/rpc`, and the upgrade of boards at `/attach`. */
import { createServer, IncomingMessage, type Server, ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { Duplex } from "node:stream"
import { NodeHttpServer } from "@effect/platform-node"
import { ByteSize, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpRouter } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import type { Registry } from "../../actors/Registry.ts"
import { TooLarge, Unauthenticated } from "../../protocol/Errors.ts"
import type { Subject } from "../../protocol/vsm/Threat.ts"
import { bearerToken } from "../Bearer.ts"
import { Doors } from "../Doors.ts"
import { listenFailed } from "../link/ListenFailed.ts"
import { foreignHeader, loopbackNames } from "../Origin.ts"
import { peerOf } from "../PeerAddress.ts"
import { type ListenerTls, serverOptions } from "../Tls.ts"
import { refuse, turnedAway } from "../websocket/Upgrade.ts"
import { WebSocketGateway } from "../websocket/WebSocketGateway.ts"
import * as Api from "./Api.ts"
import * as ControlHandlers from "./ControlHandlers.ts"
import * as Fallback from "./Fallback.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import { imagesPath } from "./ImageApi.ts"

/** Where and how to listen. */
export interface HttpGatewayOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Only this machine reaches it: then its names are known, and any other in a request is a trick. */
  readonly isLoopback: boolean
  /** Bytes of the body that pushes an image; all others may have {@link bodyBytesMax}. */
  readonly imageBytesMax: number
  /** Plain HTTP without it. */
  readonly tls?: ListenerTls
}

/** Bytes of the body of a request that pushes no image, and of one message on `/rpc`. */
const bodyBytesMax = 1_048_576

const attachPath = "/attach"
const controlPath = "/rpc"

/** A request comes by another event when it announces its body (RFC 9110, section 10.1.1). */
const requestEvents: ReadonlySet<string> = new Set(["request", "checkContinue", "checkExpectation"])

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?", 1)[0] ?? ""

const tokenOf = ({ headers: { authorization } }: IncomingMessage): string => bearerToken(authorization) ?? ""

const addressOf = ({ socket }: IncomingMessage): Subject | undefined => peerOf(socket.remoteAddress)

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body))
}

interface Openings {
  readonly isLoopback: boolean
  readonly imageBytesMax: number
  readonly attach: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly mayControl: (token: string, address: Subject | undefined) => boolean
  /** Whether an address is barred. */
  readonly isShut: (address: Subject | undefined) => boolean
}

/** Names under which the listener is itself. One that others reach cannot know them: its own is what the request says. */
const namesOf = ({ headers: { host } }: IncomingMessage, isLoopback: boolean): ReadonlySet<string> => {
  const url = `https://${host}`
  return isLoopback || !URL.canParse(url) ? loopbackNames : new Set([new URL(url).hostname])
}

/**
 * What never reaches the routes: a page of another origin, a body that is too large, a stranger at `/rpc`. Boards leave
 * here for their own gateway.
 */
const guard = (server: Server, { isLoopback, imageBytesMax, attach, mayControl, isShut }: Openings): Server => {
  const pass = server.emit.bind(server)
  const takeRequest = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (isShut(addressOf(request))) {
      send(response, 403, { _tag: "Forbidden", message: turnedAway.trimEnd() })
      return true
    }
    const foreign = foreignHeader(request.headers, namesOf(request, isLoopback))
    if (foreign !== undefined) {
      send(response, 403, { _tag: "Forbidden", message: `the ${foreign} header is not one of this node's own names` })
      return true
    }
    if (pathOf(request) === controlPath) {
      // Not the conversation, but the way to learn whether one may begin it: a WebSocket does not say why it was refused.
      const isKnown = mayControl(tokenOf(request), addressOf(request))
      send(response, isKnown ? 426 : 401, {
        message: isKnown ? "a WebSocket talks here" : new Unauthenticated({}).message
      })
      return true
    }
    const actual = Number(request.headers["content-length"] ?? 0)
    const limit = request.method === "POST" && pathOf(request) === imagesPath ? imageBytesMax : bodyBytesMax
    if (actual <= limit) return false
    const error = new TooLarge({ limit, actual })
    send(response, 413, { ...error, message: error.message })
    return true
  }
  const takeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    const foreign = foreignHeader(request.headers, namesOf(request, isLoopback))
    const path = pathOf(request)
    if (isShut(addressOf(request))) refuse(socket, 403, turnedAway)
    else if (foreign !== undefined) refuse(socket, 403, `The ${foreign} header is not one of this node's own names.\n`)
    else if (path === attachPath) attach(request, socket, head)
    else if (path !== controlPath) refuse(socket, 404, "Boards attach at /attach.\n")
    else if (!mayControl(tokenOf(request), addressOf(request)))
      refuse(socket, 401, `${new Unauthenticated({}).message}\n`)
    else return false
    return true
  }
  const emit = (event: string, ...values: ReadonlyArray<unknown>): boolean => {
    const [request, peer, head] = values
    if (!(request instanceof IncomingMessage)) return pass(event, ...values)
    if (requestEvents.has(event) && peer instanceof ServerResponse && takeRequest(request, peer)) return true
    if (event === "upgrade" && peer instanceof Duplex && Buffer.isBuffer(head) && takeUpgrade(request, peer, head))
      return true
    return pass(event, ...values)
  }
  return Object.assign(server, { emit })
}

/**
 * How long a client may take, ms. One that sends a byte now and then must not hold a place for ever; one that pushes 16 MiB
 * over a line of half a megabit a second is to get through.
 */
const patience = { headersTimeout: 10_000, requestTimeout: 300_000, connectionsCheckingInterval: 5_000 }

/** The server before it listens; times shorter than {@link patience} are for tests. */
export const serverOf = (tls: ListenerTls | undefined, times = patience): Server =>
  tls === undefined ? createServer(times) : createTlsServer({ ...times, ...serverOptions(tls) })

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))

/** Listens while it is built. Fails with {@link ListenFailed}; answers the address as `HttpServer`. */
export const layer = (registry: Registry, { host, port, isLoopback, imageBytesMax, tls }: HttpGatewayOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const boards = yield* WebSocketGateway
      const { isOperator } = yield* Gatekeeper
      const { isShut } = yield* Doors
      const openings = { isLoopback, imageBytesMax, attach: boards.handleUpgrade, mayControl: isOperator, isShut }
      const server = NodeHttpServer.layer(() => guard(serverOf(tls), openings), {
        host,
        port,
        gracefulShutdownTimeout: "2 seconds",
        websocket: { maxPayload: bodyBytesMax }
      }).pipe(
        Layer.catch(({ cause }) => Layer.effectContext(Effect.fail(listenFailed("HTTP", host, port, asError(cause)))))
      )
      const routes = Layer.mergeAll(
        Api.layer(registry),
        ControlHandlers.layer,
        Fallback.layer(registry),
        PrometheusMetrics.layerHttp()
      )
      return HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytesMax))),
        Layer.provideMerge(server)
      )
    })
  )
