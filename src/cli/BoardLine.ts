/** The line of a board of this machine for tools: where it listens, and a client of it. */
import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { Cause, Console, Effect, Option, Queue, Schema } from "effect"
import { Flag } from "effect/cli"
import { isLoopback, loopback, RpcServer, rpcPortDefault } from "../../devices/hxe/rpc/RpcServer.ts"
import type { RpcService } from "../../devices/hxe/rpc/RpcService.ts"
import { port } from "./Numbers.ts"

/** The port of the line cannot be had. */
export class LinePortRefused extends Schema.TaggedError<LinePortRefused>()("LinePortRefused", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `the board cannot listen at ${this.host}:${this.port} (${this.reason}); name another port with --rpc`
  }
}

/** Whoever reaches the board from elsewhere must prove who it is. */
export class LineUnguarded extends Schema.TaggedError<LineUnguarded>()("LineUnguarded", { host: Schema.String }) {
  override get message() {
    return `at ${this.host} the board can be reached from elsewhere: put keys of roles into its folder trust first, or leave --rpc-host out`
  }
}

/** Nobody answers at the port, or no longer. */
export class LineUnreachable extends Schema.TaggedError<LineUnreachable>()("LineUnreachable", {
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `no board answers at port ${this.port} (${this.reason}); start one with --rpc ${this.port}`
  }
}

/** What a board takes that tools may talk to directly. */
export const lineFlags = {
  rpc: port("rpc").pipe(
    Flag.withDescription(`Let tools talk to the board at this port, one JSON object a line (usual: ${rpcPortDefault})`),
    Flag.optional
  ),
  rpcHost: Flag.String("rpc-host").pipe(
    Flag.withDescription(`Address the port is at (default: ${loopback}, this machine only)`),
    Flag.withDefault(loopback)
  )
}

/** Where a board listens. */
export interface LinePlace {
  readonly rpc: Option.Option<number>
  readonly rpcHost: string
}

/** What a board needs for its line; nothing where it has none. */
export const lineParts = ({ rpc }: LinePlace) =>
  Option.isSome(rpc) ? { rpc: { randomBytes: (count: number) => new Uint8Array(randomBytes(count)) } } : {}

/** Fails where anybody on the network could do what only somebody on this machine may. */
export const guardedLine = ({ rpc, rpcHost }: LinePlace, knowsRoles: boolean) =>
  Option.isSome(rpc) && !isLoopback(rpcHost) && !knowsRoles
    ? Effect.fail(new LineUnguarded({ host: rpcHost }))
    : Effect.void

/** Answers tools for as long as the scope is open. */
export const servedLine = Effect.fnUntraced(function* (service: RpcService | undefined, { rpc, rpcHost }: LinePlace) {
  if (service === undefined || Option.isNone(rpc)) return
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => new RpcServer(service)),
    (open) => Effect.callback<void>((resume) => open.close(() => resume(Effect.void)))
  )
  const listening = yield* Effect.callback<number, LinePortRefused>((resume) =>
    server.listen(
      rpc.value,
      rpcHost,
      (at) => resume(Effect.succeed(at)),
      ({ message }) => resume(Effect.fail(new LinePortRefused({ host: rpcHost, port: rpc.value, reason: message })))
    )
  )
  yield* Console.log(`tools reach the board at ${rpcHost}:${listening}`)
})

/** A tool's end of the line: lines to the board, and lines from it until it has gone. */
export interface LineClient {
  readonly send: (line: string) => void
  readonly next: Effect.Effect<string, LineUnreachable>
}

/** Joins the line of a board of this machine for as long as the scope is open. */
export const joinLine = Effect.fnUntraced(function* (address: number) {
  const lines = yield* Queue.unbounded<string, LineUnreachable>()
  const gone = (reason: string) => new LineUnreachable({ port: address, reason })
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Socket, LineUnreachable>((resume) => {
      const made = connect(address, loopback, () => resume(Effect.succeed(made)))
      let rest = ""
      let reason = "it has gone"
      made.setEncoding("utf8")
      made.on("data", (text: string) => {
        const parts = (rest + text).split("\n")
        rest = parts.pop() ?? ""
        for (const part of parts) Queue.offerUnsafe(lines, part)
      })
      made.on("error", (cause) => {
        reason = cause.message
        resume(Effect.fail(gone(reason)))
      })
      made.on("close", () => Queue.failCauseUnsafe(lines, Cause.fail(gone(reason))))
    }),
    (open) => Effect.sync(() => open.destroy())
  )
  const client: LineClient = { send: (line) => void socket.write(`${line}\n`), next: Queue.take(lines) }
  return client
})
