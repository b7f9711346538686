/** MQTT for boards and for who reads their presence: the listener as a layer. */
import { createServer, type Server, type Socket } from "node:net"
import { Context, Duration, Effect, Layer } from "effect"
import { Doors } from "../Doors.ts"
import type { AdmissionTerms } from "../link/Admission.ts"
import { Attacher } from "../link/Attacher.ts"
import { Credentials } from "../link/Credentials.ts"
import { publish } from "../link/GatewayMetrics.ts"
import type { LinkTotals } from "../link/LinkCounters.ts"
import { drainMillis, type LinkTerms } from "../link/LinkTerms.ts"
import { type ListenFailed, listenFailed } from "../link/ListenFailed.ts"
import { type ListenerTls, serverOptions, tlsServerOf } from "../Tls.ts"
import { MqttServer } from "./MqttServer.ts"

/** Where to listen. Port 0 takes a free one. */
export interface MqttGatewayOptions {
  readonly host: string
  readonly port: number
  /** Plain TCP without it. */
  readonly tls?: ListenerTls
  readonly terms?: LinkTerms
  readonly admission?: AdmissionTerms
}

/** The MQTT listener of this node. */
export class MqttGateway extends Context.Service<
  MqttGateway,
  {
    readonly port: number
    readonly totals: Readonly<LinkTotals>
    /** Tells every board to go elsewhere and takes nobody new, from now on; ends when all have gone, or their time is over. */
    readonly drain: Effect.Effect<void>
    /** Tells the boards that are here to go elsewhere; who comes from now on is taken as ever. */
    readonly sendAway: Effect.Effect<void>
  }
>()("holon/gateways/MqttGateway") {}

/** Beside the boards' own time to leave: for closing sockets. */
const closeMillis = 500

const listen = (server: Server, { host, port }: MqttGatewayOptions): Effect.Effect<number, ListenFailed> =>
  Effect.callback((resume) => {
    server.once("error", (cause) => resume(Effect.fail(listenFailed("MQTT", host, port, cause))))
    server.listen(port, host, () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

const make = (options: MqttGatewayOptions) =>
  Effect.gen(function* () {
    const ports = yield* Attacher
    const credentials = yield* Credentials
    const doors = yield* Doors
    const { host: _, port: __, tls, ...rest } = options
    const mqtt = new MqttServer({ ports, credentials, doors, ...rest })
    const sockets = new Set<Socket>()
    const terms = { noDelay: true, pauseOnConnect: true, keepAlive: true }
    const server = tls === undefined ? createServer(terms) : tlsServerOf({ ...terms, ...serverOptions(tls) })
    server.on("connection", (socket) => {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    })
    if (tls === undefined) mqtt.serve(server)
    else server.on("secureConnection", (socket: Socket) => mqtt.accept(socket.pause()))
    const drain = Effect.callback<void>((resume) => {
      server.close()
      mqtt.drain(() => resume(Effect.void))
    }).pipe(Effect.timeoutOption(Duration.millis(drainMillis + closeMillis)), Effect.asVoid)
    const port = yield* Effect.acquireRelease(listen(server, options), () =>
      drain.pipe(
        Effect.andThen(
          Effect.sync(() => {
            for (const socket of sockets) socket.destroy()
          })
        )
      )
    )
    server.on("error", (cause) => ports.host.report("the MQTT listener", cause))
    yield* Effect.forkScoped(publish("mqtt", mqtt.counters.totals))
    const sendAway = Effect.sync(() => mqtt.sendAway())
    return MqttGateway.of({ port, totals: mqtt.counters.totals, drain, sendAway })
  })

/** Listens until its scope closes: then every board is told to go elsewhere, and given two seconds for it. */
export const layer = (options: MqttGatewayOptions): Layer.Layer<MqttGateway, ListenFailed, Attacher | Credentials> =>
  Layer.effect(MqttGateway, make(options))
