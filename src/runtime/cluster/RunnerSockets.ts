/** The sockets between runners: small messages leave at once, and a peer that does not answer is suspected. */
import * as Net from "node:net"
import * as Tls from "node:tls"
import { NodeSocket, NodeSocketServer } from "@effect/platform-node"
import { Effect, Layer, Option, type Scope } from "effect"
import { Runners } from "effect/cluster"
import { RpcClient, RpcSerialization } from "effect/rpc"
import { Socket, SocketServer } from "effect/socket"
import { pingMillis } from "./MembershipTiming.ts"
import { PortTaken } from "./PortTaken.ts"
import type { Route } from "./Route.ts"
import type { TlsIdentity } from "./TlsIdentity.ts"
import { Verdict } from "./Verdict.ts"

/** Three pings without an answer break the connection. */
const pingTimeoutMillis = 3 * pingMillis

/** Nagle's algorithm against delayed acknowledgements would cost 88 ms a pushed message. */
const noDelay = true

/** Every ask that has to wait for a slow peer listens for its `drain`, and Node takes many listeners for a leak. */
const unlimited = <A extends Net.Socket>(stream: A): A => {
  stream.setMaxListeners(0)
  return stream
}

/** Opens a connection for as long as its scope. What was written to an open one still leaves. */
export const dialled = (
  connect: () => Net.Socket,
  connected: "connect" | "secureConnect"
): Effect.Effect<Net.Socket, Socket.SocketError, Scope.Scope> =>
  Effect.suspend(() => {
    let isOpen = false
    const close = (stream: Net.Socket) => Effect.sync(() => (isOpen ? stream.destroySoon() : stream.destroy()))
    return Effect.flatMap(
      Effect.acquireRelease(
        Effect.sync(() => unlimited(connect())),
        close
      ),
      (stream) =>
        Effect.callback<Net.Socket, Socket.SocketError>((resume) => {
          stream.once(connected, () => {
            isOpen = true
            resume(Effect.succeed(stream))
          })
          stream.on("error", (cause) => {
            const reason = new Socket.SocketOpenError({ kind: "Unknown", cause })
            resume(Effect.fail(new Socket.SocketError({ reason })))
          })
        })
    )
  })

/** Dials peers, by the route that leads to them. Silence and refusal only raise suspicion. */
export const layerProtocol = (
  tls: TlsIdentity | undefined,
  route: Route
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization | Verdict> =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.gen(function* () {
      const serialization = yield* RpcSerialization.RpcSerialization
      const verdict = yield* Verdict
      return {
        codecFor: serialization.codecFor,
        make: Effect.fnUntraced(function* (address) {
          const target = { ...route(address.host, address.port), noDelay }
          const open =
            tls === undefined
              ? dialled(() => Net.connect(target), "connect")
              : dialled(() => Tls.connect({ ...target, ca: tls.ca, cert: tls.cert, key: tls.key }), "secureConnect")
          const socket = yield* NodeSocket.fromDuplex(open, { openTimeout: 1000 })
          return yield* RpcClient.makeProtocolSocket({
            pingInterval: pingMillis,
            pingTimeout: pingTimeoutMillis,
            retryTransientErrors: true,
            onPingTimeout: verdict.suspect,
            onTransientError: () => verdict.suspect
          }).pipe(
            Effect.provideService(Socket.Socket, socket),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
        }, Effect.orDie)
      }
    })
  )

/** A dialler pings all the time, so an accepted connection that hears nothing for this long leads nowhere. */
const silentMillisMax = 5000

const closed = new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error("socket closed") }) })

/**
 * A connection whose writes fail once it is closed. What it wraps would wait for a `drain` of the dead stream, or for an
 * accepted connection to be opened again, and a node that stops would wait for that write for ever.
 */
const failWhenClosed = (socket: Socket.Socket): Effect.Effect<Socket.Socket> =>
  Effect.map(Effect.serviceOption(NodeSocket.NetSocket), (stream) => {
    let isClosed = false
    if (Option.isSome(stream)) unlimited(stream.value).setTimeout(silentMillisMax, () => stream.value.destroy())
    const unlessClosed = (write: Effect.Effect<void, Socket.SocketError>) =>
      Effect.suspend(() =>
        isClosed || (Option.isSome(stream) && stream.value.destroyed) ? Effect.fail(closed) : write
      )
    return Socket.make({
      reader: Effect.tap(socket.reader, () =>
        Effect.addFinalizer(() =>
          Effect.sync(() => {
            isClosed = true
          })
        )
      ),
      writer: Effect.map(socket.writer, (writer) => ({
        write: (chunk) => unlessClosed(writer.write(chunk)),
        writeAll: (chunks) => unlessClosed(writer.writeAll(chunks))
      }))
    })
  })

/** The engine dies of a connection that is reset. Peers may go at any moment, and who waits for them has other signs of it. */
const unlessPeerLeft = (defect: unknown): Effect.Effect<void> =>
  Socket.isSocketError(defect) ? Effect.void : Effect.die(defect)

/** Accepts peers. With TLS it wants a certificate of the cluster's own authority. */
export const layerServer = (options: {
  readonly host: string
  readonly port: number
  readonly tls: TlsIdentity | undefined
}): Layer.Layer<SocketServer.SocketServer, PortTaken> => {
  const { host, port, tls } = options
  const server =
    tls === undefined
      ? NodeSocketServer.make({ host, port, noDelay })
      : NodeSocketServer.makeTls({
          host,
          port,
          noDelay,
          ca: tls.ca,
          cert: tls.cert,
          key: tls.key,
          requestCert: true,
          rejectUnauthorized: true
        })
  return Layer.effect(
    SocketServer.SocketServer,
    server.pipe(
      Effect.map(({ address, run }) =>
        SocketServer.SocketServer.of({
          address,
          run: (handler) =>
            run((socket) => Effect.flatMap(failWhenClosed(socket), handler).pipe(Effect.catchDefect(unlessPeerLeft)))
        })
      ),
      Effect.mapError((cause) => new PortTaken({ role: "runner", host, port, cause }))
    )
  )
}
