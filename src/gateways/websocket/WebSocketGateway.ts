/** Boards on WebSockets, as a service that an HTTP listener mounts at `/attach`. */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Context, Duration, Effect, Layer } from "effect"
import { Doors } from "../Doors.ts"
import type { AdmissionTerms } from "../link/Admission.ts"
import { Attacher } from "../link/Attacher.ts"
import { Credentials } from "../link/Credentials.ts"
import { publish } from "../link/GatewayMetrics.ts"
import type { LinkTotals } from "../link/LinkCounters.ts"
import { drainMillis, type LinkTerms } from "../link/LinkTerms.ts"
import { WebSocketServer } from "./WebSocketServer.ts"

/** What boards on WebSockets are granted, and how fast they come in. */
export interface WebSocketGatewayOptions {
  readonly terms?: LinkTerms
  readonly admission?: AdmissionTerms
}

/** The WebSocket door of this node. */
export class WebSocketGateway extends Context.Service<
  WebSocketGateway,
  {
    /** For the `upgrade` event of an HTTP server, once the path is known to be that of boards. */
    readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
    readonly totals: Readonly<LinkTotals>
    /** Tells every board to go elsewhere and takes nobody new, from now on; ends when all have gone, or their time is over. */
    readonly drain: Effect.Effect<void>
    /** Tells the boards that are here to go elsewhere; who comes from now on is taken as ever. */
    readonly sendAway: Effect.Effect<void>
  }
>()("holon/gateways/WebSocketGateway") {}

/** Beside the boards' own time to leave: for closing sockets. */
const closeMillis = 500

/** Serves until its scope closes: then every board is told to go elsewhere, and given two seconds for it. */
export const layer = (
  options: WebSocketGatewayOptions = {}
): Layer.Layer<WebSocketGateway, never, Attacher | Credentials> =>
  Layer.effect(
    WebSocketGateway,
    Effect.gen(function* () {
      const ports = yield* Attacher
      const credentials = yield* Credentials
      const doors = yield* Doors
      const server = new WebSocketServer({ ports, credentials, doors, ...options })
      const drain = Effect.callback<void>((resume) => server.drain(() => resume(Effect.void))).pipe(
        Effect.timeoutOption(Duration.millis(drainMillis + closeMillis)),
        Effect.asVoid
      )
      yield* Effect.addFinalizer(() => drain)
      yield* Effect.forkScoped(publish("websocket", server.counters.totals))
      const { handleUpgrade, counters } = server
      const sendAway = Effect.sync(() => server.sendAway())
      return WebSocketGateway.of({ handleUpgrade, totals: counters.totals, drain, sendAway })
    })
  )
