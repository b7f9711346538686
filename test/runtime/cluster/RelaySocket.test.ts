import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Queue, Schema, Scope } from "effect"
import { NodeIdentity } from "../../../src/runtime/cluster/NodeIdentity.ts"
import { type NodeRow, NodeTable } from "../../../src/runtime/cluster/NodeTable.ts"
import { BatchReader, batchBytesMax, greeting } from "../../../src/runtime/cluster/RelayChannel.ts"
import { RelaySocket } from "../../../src/runtime/cluster/RelaySocket.ts"
import { routeBy } from "../../../src/runtime/cluster/Route.ts"
import { freePort } from "../../support/Ports.ts"

/** A relay whose node table is `rows`, with what it received and which breaks it was told. */
const relay = (rows: Array<NodeRow>, relayPort: number) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const table = Layer.succeed(NodeTable, {
      cached: () => rows,
      read: Effect.sync(() => rows),
      list: Effect.succeed([])
    })
    const context = yield* RelaySocket.layer({ listenHost: "127.0.0.1", tls: undefined, route: routeBy({}) }).pipe(
      Layer.provideMerge(table),
      Layer.provideMerge(NodeIdentity.layer({ host: "127.0.0.1", port: 1, relayPort, vocabulary: {} })),
      Layer.fresh,
      Layer.build,
      Scope.provide(scope)
    )
    const { node } = Context.get(context, NodeIdentity)
    const { transport } = Context.get(context, RelaySocket)
    const received = yield* Queue.unbounded<readonly [from: string, bytes: Uint8Array]>()
    const broken = yield* Queue.unbounded<string>()
    transport.onBatch((from, bytes) => Queue.offerUnsafe(received, [from, bytes]))
    transport.onBroken((peer) => Queue.offerUnsafe(broken, peer))
    rows.push({
      address: node,
      node,
      runner: null,
      vocabulary: null,
      vitals: null,
      standing: "serving",
      serves: true,
      hasNews: false,
      healthy: true,
      silentMillis: 0,
      relayHost: "127.0.0.1",
      relayPort,
      ready: true
    })
    return { node, transport, received, broken, close: Scope.close(scope, Exit.void) }
  })

const pair = Effect.gen(function* () {
  const rows: Array<NodeRow> = []
  const port = () => Effect.promise(freePort)
  const left = yield* relay(rows, yield* port())
  const right = yield* relay(rows, yield* port())
  return { rows, left, right }
})

describe("RelaySocket", () => {
  it.live("carries batches both ways, in order, also those sent before the first connection", () =>
    Effect.gen(function* () {
      const { left, right } = yield* pair
      for (let n = 1; n <= 255; n++) {
        left.transport.send(right.node, Uint8Array.of(n))
        right.transport.send(left.node, Uint8Array.of(n))
      }
      for (const [{ received }, from] of [
        [right, left.node],
        [left, right.node]
      ] as const) {
        const batches = yield* Queue.takeN(received, 255)
        assert.deepStrictEqual(
          batches.map(([sender, bytes]) => [sender, bytes[0]]),
          Array.from({ length: 255 }, (_, index) => [from, index + 1])
        )
      }
    })
  )

  it.live("carries eight megabytes and not a byte more", () =>
    Effect.gen(function* () {
      const { left, right } = yield* pair
      assert.throws(() => left.transport.send(right.node, new Uint8Array(batchBytesMax + 1)), RangeError)
      const bytes = new Uint8Array(batchBytesMax).fill(7)
      left.transport.send(right.node, bytes)
      const [, received] = yield* Queue.take(right.received)
      assert.strictEqual(Buffer.compare(received, bytes), 0)
    })
  )

  it.live("tells once that the way to a node broke, and goes on when the node is back", () =>
    Effect.gen(function* () {
      const { left, right, rows } = yield* pair
      left.transport.send(right.node, Uint8Array.of(1))
      yield* Queue.take(right.received)
      yield* right.close
      assert.strictEqual(yield* Queue.take(left.broken), right.node)

      // Another process at the same address is another node: nothing meant for the first one reaches it.
      const old = rows.pop()
      const successor = yield* relay(rows, old?.relayPort ?? 0)
      if (old !== undefined) rows.push(old)
      left.transport.send(right.node, Uint8Array.of(2))
      assert.strictEqual(yield* Queue.take(left.broken), right.node)
      left.transport.send(successor.node, Uint8Array.of(3))
      const [, bytes] = yield* Queue.take(successor.received)
      assert.deepStrictEqual([...bytes], [3])
      assert.strictEqual(yield* Queue.size(left.broken), 0)
    })
  )

  it.live("tells that a node is unknown", () =>
    Effect.gen(function* () {
      const { left } = yield* pair
      left.transport.send("n-nobody", Uint8Array.of(1))
      assert.strictEqual(yield* Queue.take(left.broken), "n-nobody")
    })
  )

  it.live("breaks soon with a peer that accepts and then is silent", () =>
    Effect.gen(function* () {
      const rows: Array<NodeRow> = []
      const left = yield* relay(rows, yield* Effect.promise(freePort))
      const port = yield* Effect.promise(freePort)
      const mute = yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer((socket) => socket.once("data", () => socket.write("ok\n")))
          server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      assert.isTrue(mute.listening)
      rows.push({
        address: "mute",
        node: "n-mute",
        runner: null,
        vocabulary: null,
        vitals: null,
        standing: "serving",
        serves: true,
        hasNews: false,
        healthy: true,
        silentMillis: 0,
        relayHost: "127.0.0.1",
        relayPort: port,
        ready: true
      })
      left.transport.send("n-mute", Uint8Array.of(1))
      const began = performance.now()
      assert.strictEqual(yield* Queue.take(left.broken), "n-mute")
      assert.isBelow(performance.now() - began, 3000)
      left.transport.send("n-mute", Uint8Array.of(1))
    })
  )

  it.live("answers nobody who means another node", () =>
    Effect.gen(function* () {
      const rows: Array<NodeRow> = []
      const port = yield* Effect.promise(freePort)
      yield* relay(rows, port)
      const answer = yield* Effect.callback<string>((resume) => {
        const socket = Net.connect(port, "127.0.0.1", () => socket.write(`${greeting("n-stranger", "n-other")}\n`))
        let text = ""
        socket.on("data", (chunk) => {
          text += chunk
        })
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.succeed(text)))
      })
      assert.strictEqual(answer, "")
    })
  )
})

describe("BatchReader", () => {
  const Batches = Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))
  const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })))

  it.prop("finds the same batches however the bytes are cut", { batches: Batches, cuts: Cuts }, ({ batches, cuts }) => {
    const stream = Buffer.concat([
      Buffer.from("hello\n"),
      ...batches.flatMap((bytes) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(bytes.length)
        return [length, Buffer.from(bytes)]
      })
    ])
    const lines: Array<string> = []
    const found: Array<ReadonlyArray<number>> = []
    const reader = new BatchReader(
      (line) => lines.push(line),
      (bytes) => found.push([...bytes])
    )
    let offset = 0
    for (let index = 0; offset < stream.length; index++) {
      const size = cuts[index % cuts.length] ?? stream.length
      reader.push(stream.subarray(offset, offset + size))
      offset += size
    }
    assert.deepStrictEqual(lines, ["hello"])
    assert.deepStrictEqual(found, batches)
  })

  it("refuses a batch above the bound and an endless greeting", () => {
    const fed = (...chunks: ReadonlyArray<Buffer>) => {
      const reader = new BatchReader(
        () => {},
        () => {}
      )
      for (const chunk of chunks) reader.push(chunk)
    }
    assert.throws(() => fed(Buffer.from("hello\n"), Buffer.from([0x00, 0x80, 0x00, 0x01])))
    assert.throws(() => fed(Buffer.alloc(2000, "x")))
  })
})
