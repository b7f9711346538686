/**
 * One member in a process of its own, driven over the channel of `fork`. Its actors answer with the process id, and only
 * while this node may act for their shard. What it dials can be cut, one peer at a time.
 */
import * as Net from "node:net"
import { NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, Schema } from "effect"
import { Entity, EntityId, ShardId, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as ClusterLayer from "../../../src/runtime/cluster/ClusterLayer.ts"
import { Lease } from "../../../src/runtime/cluster/Lease.ts"
import { RelaySocket } from "../../../src/runtime/cluster/RelaySocket.ts"
import type { Command, Entry, Report } from "./NodeProcess.ts"

const entry = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      url: Schema.String,
      port: Schema.Number,
      relayPort: Schema.Number,
      shardsPerGroup: Schema.Number,
      /** Ports of other nodes, runner and relay. */
      peers: Schema.Array(Schema.Number)
    })
  )
)(process.argv[2]) satisfies Entry

/** Every dial to a peer goes through a pipe of this process, which can be stopped without closing anything. */
class Pipe {
  private readonly pairs = new Set<readonly [Net.Socket, Net.Socket]>()
  private readonly server: Net.Server
  private isCut = false
  port = 0

  constructor(target: number) {
    this.server = Net.createServer((from) => {
      const to = new Net.Socket()
      const pair = [from, to] as const
      this.pairs.add(pair)
      for (const [left, right] of [pair, [to, from] as const]) {
        left.setNoDelay(true)
        left.on("error", () => right.destroy())
        left.on("close", () => {
          this.pairs.delete(pair)
          right.destroy()
        })
        left.on("data", (chunk) => right.write(chunk))
        if (this.isCut) left.pause()
      }
      Reflect.apply(dial, to, [{ host: "127.0.0.1", port: target }])
    })
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => {
        const address = this.server.address()
        if (address !== null && typeof address !== "string") this.port = address.port
        resolve()
      })
    })
  }

  cut(isCut: boolean): void {
    this.isCut = isCut
    for (const pair of this.pairs) for (const end of pair) isCut ? end.pause() : end.resume()
  }
}

const pipes = new Map(entry.peers.map((port) => [port, new Pipe(port)]))
const dial = Net.Socket.prototype.connect
Net.Socket.prototype.connect = function (this: Net.Socket, ...args: Array<unknown>) {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0]
  if (typeof first === "object" && first !== null && "port" in first) {
    const pipe = pipes.get(Number(first.port))
    if (pipe !== undefined) Object.assign(first, { port: pipe.port })
  }
  return Reflect.apply(dial, this, args)
}

const Who = Rpc.make("Who", { success: Schema.Number })
const Probe = Entity.make("Probe", [Who])
/** Answered instead of a process id by a node that may not act. */
const notHere = 0

const program = Effect.gen(function* () {
  const sharding = yield* Sharding.Sharding
  const lease = yield* Lease
  const membership = yield* ClusterLayer.Membership
  const relay = yield* RelaySocket
  const runFork = Effect.runForkWith(yield* Effect.context())
  const shards = Array.from({ length: entry.shardsPerGroup }, (_, index) => ShardId.make("default", index + 1))
  const shardOf = (id: string) => sharding.getShardId(EntityId.make(id), "default")

  yield* sharding.registerEntity(
    Probe,
    Effect.gen(function* () {
      const { entityId } = yield* Entity.CurrentAddress
      const shardId = shardOf(entityId)
      return Probe.of({
        Who: () => Effect.sync(() => (lease.isFresh() && sharding.hasShardId(shardId) ? process.pid : notHere))
      })
    }),
    { maxIdleTime: "1 hour" }
  )
  const makeClient = yield* sharding.makeClient(Probe)
  const clients = Array.from({ length: 60 }, (_, index) => makeClient(`probe-${index}`))

  let lost = 0
  let longestGap = 0
  let freshAfterGap = false
  let lastSample = performance.now()
  lease.onSessionLost(() => {
    lost += 1
  })
  setInterval(() => {
    const now = performance.now()
    if (now - lastSample > 1000) {
      longestGap = Math.max(longestGap, now - lastSample)
      freshAfterGap ||= lease.isFresh()
    }
    lastSample = now
  }, 5)

  const received: Array<string> = []
  const broken: Array<{ readonly node: string; readonly at: number }> = []
  relay.transport.onBatch((from, bytes) => received.push(`${from} ${Buffer.from(bytes)}`))
  relay.transport.onBroken((node) => broken.push({ node, at: performance.now() }))

  let longestSilence = 0
  let isLoaded = false
  const owners = new Map<number, number>()
  const askForever = Effect.fnUntraced(function* (client: (typeof clients)[number], index: number) {
    while (isLoaded) {
      const began = performance.now()
      while (true) {
        const pid = yield* client.Who().pipe(Effect.catchCause(() => Effect.succeed(notHere)))
        if (pid !== notHere) {
          owners.set(index, pid)
          break
        }
        yield* Effect.sleep(20)
      }
      longestSilence = Math.max(longestSilence, performance.now() - began)
      yield* Effect.sleep(20)
    }
  })

  const report = (): Report => ({
    node: lease.node,
    pid: process.pid,
    isFresh: lease.isFresh(),
    isReady: membership.isReady(),
    shards: shards.filter((shard) => sharding.hasShardId(shard)).map((shard) => shard.id),
    lost,
    longestGap,
    freshAfterGap,
    longestSilence,
    owners: [...owners.values()],
    received,
    broken: broken.map(({ node, at }) => ({ node, agoMillis: performance.now() - at })),
    unreachable: relay.unreachable()
  })

  process.on("message", (command: Command) => {
    switch (command._tag) {
      case "Report":
        break
      case "Load":
        isLoaded = command.isOn
        if (isLoaded) longestSilence = 0
        owners.clear()
        if (isLoaded) for (const [index, client] of clients.entries()) runFork(askForever(client, index))
        break
      case "Cut":
        for (const port of command.ports) pipes.get(port)?.cut(command.isCut)
        break
      case "Send":
        for (const text of command.texts) relay.transport.send(command.node, Buffer.from(text))
        break
    }
    process.send?.(report())
  })
  membership.setStarted(true)
  process.send?.(report())
  yield* Effect.never
})

process.on("disconnect", () => process.exit(0))
await Promise.all(Array.from(pipes.values(), (pipe) => pipe.listen()))
NodeRuntime.runMain(
  Effect.scoped(program).pipe(
    Effect.provide(
      ClusterLayer.layer({
        host: "127.0.0.1",
        port: entry.port,
        relayPort: entry.relayPort,
        shardsPerGroup: entry.shardsPerGroup
      }).pipe(Layer.provideMerge(PgClient.layer({ url: Redacted.make(entry.url), maxConnections: 4 })))
    ),
    Effect.tapCause((cause) => Effect.logError("node ended", cause))
  )
)
