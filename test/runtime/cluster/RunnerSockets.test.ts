import * as Net from "node:net"
import { NodeSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, References, Scope } from "effect"
import { SocketServer } from "effect/socket"
import { dialled, layerServer } from "../../../src/runtime/cluster/RunnerSockets.ts"
import { freePort, listening } from "../../support/Ports.ts"

/** What a peer that does not read gets at once: more than the system takes. */
const chunk = new Uint8Array(1024 * 1024)
const writers = 30

/** A server whose only connection is handed over unread. */
const listener = Effect.acquireRelease(
  Effect.promise(async () => {
    let took: (socket: Net.Socket) => void = () => {}
    const accepted = new Promise<Net.Socket>((accept) => {
      took = accept
    })
    const server = Net.createServer({ pauseOnConnect: true }, took)
    return { port: await listening(server), accepted, close: () => server.close() }
  }),
  ({ accepted, close }) =>
    Effect.promise(async () => {
      close()
      ;(await accepted).destroy()
    })
)

/** Warnings of the process while the scope is open. */
const warnings = Effect.acquireRelease(
  Effect.sync(() => {
    const names: Array<string> = []
    const note = ({ name }: Error): void => void names.push(name)
    process.on("warning", note)
    return { names, stop: () => process.off("warning", note) }
  }),
  ({ stop }) => Effect.sync(stop)
).pipe(Effect.map(({ names }) => names))

describe("RunnerSockets", () => {
  it.live("lets many asks wait for a slow peer without a warning, and loses none of their bytes", () =>
    Effect.gen(function* () {
      const names = yield* warnings
      const { port, accepted } = yield* listener
      const socket = yield* NodeSocket.fromDuplex(dialled(() => Net.connect({ host: "127.0.0.1", port }), "connect"))
      yield* socket.reader
      const writer = yield* socket.writer
      const writing = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: writers }), () => writer.write(chunk), {
          concurrency: "unbounded",
          discard: true
        }),
        { startImmediately: true }
      )
      const peer = yield* Effect.promise(() => accepted)
      assert.isUndefined(writing.pollUnsafe())
      let received = 0
      const all = new Promise<void>((resolve) =>
        peer.on("data", (bytes) => {
          received += bytes.length
          if (received === writers * chunk.length) resolve()
        })
      )
      peer.resume()
      yield* Fiber.join(writing)
      yield* Effect.promise(() => all)
      assert.deepStrictEqual(names, [])
    }).pipe(Effect.scoped)
  )

  it.live("takes the reset of a connection as its end, without a word", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const port = yield* Effect.promise(freePort)
      const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
      const began = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      yield* Layer.build(layerServer({ host: "127.0.0.1", port, tls: undefined })).pipe(
        Effect.flatMap((built) =>
          Effect.gen(function* () {
            const server = yield* SocketServer.SocketServer
            // As the engine serves a connection: what the socket fails with kills its fiber.
            yield* server.run((socket) =>
              Effect.scoped(
                Effect.gen(function* () {
                  const { pull } = yield* socket.reader
                  yield* Deferred.succeed(began, undefined)
                  while (true) yield* pull
                }).pipe(
                  Effect.catchReason("SocketError", "SocketCloseError", () => Effect.void),
                  Effect.orDie
                )
              ).pipe(Effect.ensuring(Deferred.succeed(ended, undefined)))
            )
          }).pipe(Effect.provide(built))
        ),
        Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(message))])),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Scope.provide(scope),
        Effect.forkIn(scope)
      )
      const client = yield* Effect.callback<Net.Socket>((resume) => {
        const dial = (): void => {
          const socket = Net.connect({ host: "127.0.0.1", port })
          socket.once("connect", () => resume(Effect.succeed(socket)))
          socket.once("error", dial)
        }
        dial()
      })
      yield* Deferred.await(began)
      client.resetAndDestroy()
      yield* Deferred.await(ended)
      yield* Effect.yieldNow
      assert.deepStrictEqual(logged, [])
    }).pipe(Effect.scoped)
  )
})
