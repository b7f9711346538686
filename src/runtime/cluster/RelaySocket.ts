/**
 * The relay's transport: each node dials every member it knows and sends on that connection; what it receives comes on
 * the one the peer dialled. The two belong together: when one breaks both are closed, so that what was under way either
 * way is lost at one instant, which both nodes are told.
 */
import * as Net from "node:net"
import * as Tls from "node:tls"
import { Context, Effect, Layer, Schedule } from "effect"
import type { RelayTransport } from "../../actors/Relay.ts"
import { leaseMillis, pingMillis } from "./MembershipTiming.ts"
import { Monotonic } from "./Monotonic.ts"
import { NodeIdentity } from "./NodeIdentity.ts"
import { NodeTable } from "./NodeTable.ts"
import { PortTaken } from "./PortTaken.ts"
import { backlogBytesMax, batchBytesMax, greeting, Inbound, Outbound } from "./RelayChannel.ts"
import type { Route } from "./Route.ts"
import type { TlsIdentity } from "./TlsIdentity.ts"

interface Peer {
  readonly node: string
  outbound: Outbound | undefined
  inbound: Inbound | undefined
  waiting: Array<Uint8Array>
  waitingBytes: number
  /** Since when nothing could be sent, by the monotonic clock; 0 while it can. */
  downSince: number
}

/** What the relay layer of this node uses. */
export class RelaySocket extends Context.Service<
  RelaySocket,
  {
    readonly transport: RelayTransport
    /** Members that serve by the table but have not been reached from here for longer than a lease. */
    readonly unreachable: () => ReadonlyArray<string>
  }
>()("holon/runtime/RelaySocket") {
  /** Listens while it is built. */
  static readonly layer = (options: {
    readonly listenHost: string
    readonly tls: TlsIdentity | undefined
    readonly route: Route
  }): Layer.Layer<RelaySocket, PortTaken, NodeIdentity | NodeTable> => Layer.effect(RelaySocket, make(options))
}

const make = ({
  listenHost,
  tls,
  route
}: {
  readonly listenHost: string
  readonly tls: TlsIdentity | undefined
  readonly route: Route
}) =>
  Effect.gen(function* () {
    const self = yield* NodeIdentity
    const table = yield* NodeTable
    const monotonic = yield* Monotonic
    const runFork = Effect.runForkWith(yield* Effect.context())
    const peers = new Map<string, Peer>()
    /** Accepted and not greeted yet, or greeted and known to their peer. */
    const accepted = new Set<Inbound>()
    /** What came before somebody listened. */
    const early: Array<readonly [from: string, bytes: Uint8Array]> = []
    let receive = (from: string, bytes: Uint8Array) => {
      early.push([from, bytes])
    }
    let isClosed = false
    const brokenHandlers: Array<(node: string) => void> = []

    const peerOf = (node: string): Peer => {
      const known = peers.get(node)
      if (known !== undefined) return known
      const peer: Peer = {
        node,
        outbound: undefined,
        inbound: undefined,
        waiting: [],
        waitingBytes: 0,
        downSince: monotonic()
      }
      peers.set(node, peer)
      return peer
    }

    /** After the turn that broke it: who sends is not called back inside its call. */
    const tellBroken = (node: string) =>
      queueMicrotask(() => {
        if (!isClosed) for (const handler of brokenHandlers) handler(node)
      })

    /** Closes both ways and tells it once, unless nothing was lost. */
    const breakPeer = (peer: Peer) => {
      const { outbound, inbound } = peer
      const isLoss = outbound?.isOpen === true || inbound !== undefined || peer.waiting.length > 0
      peer.outbound = undefined
      peer.inbound = undefined
      peer.waiting = []
      peer.waitingBytes = 0
      if (peer.downSince === 0) peer.downSince = monotonic()
      outbound?.end("broken")
      inbound?.end("broken")
      if (isLoss) tellBroken(peer.node)
    }

    /** The dial failed: what waited for it is lost. */
    const dropWaiting = (peer: Peer) => {
      const isLoss = peer.waiting.length > 0
      peer.outbound = undefined
      peer.waiting = []
      peer.waitingBytes = 0
      if (isLoss) tellBroken(peer.node)
    }

    const connect = (host: string, port: number): readonly [Net.Socket, "connect" | "secureConnect"] =>
      tls === undefined
        ? [Net.connect({ host, port }), "connect"]
        : [Tls.connect({ host, port, ca: tls.ca, cert: tls.cert, key: tls.key }), "secureConnect"]

    const dialAt = (peer: Peer, host: string, port: number) => {
      const target = route(host, port)
      const [socket, connected] = connect(target.host, target.port)
      const outbound: Outbound = new Outbound(socket, connected, greeting(self.node, peer.node), {
        opened: () => {
          peer.downSince = 0
          const { waiting } = peer
          peer.waiting = []
          peer.waitingBytes = 0
          for (const bytes of waiting) outbound.send(bytes)
        },
        ended: () => {
          if (peer.outbound !== outbound) return
          // One that never opened took nothing with it but what waited for it.
          if (outbound.isOpen) breakPeer(peer)
          else dropWaiting(peer)
        }
      })
      peer.outbound = outbound
    }

    const addressOf = (node: string) => table.cached().find((row) => row.node === node)

    const dial = (peer: Peer) => {
      if (isClosed || peer.outbound !== undefined) return
      const row = addressOf(peer.node)
      if (row !== undefined) return dialAt(peer, row.relayHost, row.relayPort)
      runFork(
        Effect.match(table.read, {
          onFailure: () => dropWaiting(peer),
          onSuccess: () => {
            const found = addressOf(peer.node)
            if (isClosed || peer.outbound !== undefined) return
            if (found !== undefined) return dialAt(peer, found.relayHost, found.relayPort)
            dropWaiting(peer)
          }
        })
      )
    }

    const accept = (socket: Net.Socket) => {
      let peer: Peer | undefined
      const inbound: Inbound = new Inbound(socket, {
        greeted: (line) => {
          const [, , from] = line.split(" ")
          if (from === undefined || line !== greeting(from, self.node)) return false
          peer = peerOf(from)
          // The peer dialled again: what it sent on the connection before may be lost.
          if (peer.inbound !== undefined) breakPeer(peer)
          peer.inbound = inbound
          return true
        },
        batch: (bytes) => {
          if (peer !== undefined) receive(peer.node, bytes)
        },
        ended: (cause) => {
          accepted.delete(inbound)
          if (cause instanceof Error && !("code" in cause)) runFork(Effect.logError("A relay channel was ended", cause))
          if (peer?.inbound !== inbound) return
          breakPeer(peer)
        }
      })
      accepted.add(inbound)
    }

    yield* Effect.acquireRelease(
      Effect.callback<Net.Server, PortTaken>((resume) => {
        const server =
          tls === undefined
            ? Net.createServer({ noDelay: true }, accept)
            : Tls.createServer({ ca: tls.ca, cert: tls.cert, key: tls.key, requestCert: true }, accept)
        server.once("error", (cause) =>
          resume(Effect.fail(new PortTaken({ role: "relay", host: listenHost, port: self.relayPort, cause })))
        )
        server.listen(self.relayPort, listenHost, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          isClosed = true
          server.close(() => resume(Effect.void))
          for (const peer of peers.values()) breakPeer(peer)
          for (const inbound of accepted) inbound.end("closing")
        })
    )

    const tick = Effect.sync(() => {
      const members = new Set<string>()
      for (const row of table.cached()) {
        if (row.node === self.node) continue
        members.add(row.node)
        // Also a channel that broke, or could not be opened, is dialled again from here.
        if (row.healthy) dial(peerOf(row.node))
      }
      for (const inbound of accepted) inbound.tick()
      for (const peer of peers.values()) {
        peer.outbound?.tick()
        // The node is gone, or another incarnation has its address.
        const isIdle = peer.outbound === undefined && peer.inbound === undefined && peer.waiting.length === 0
        if (isIdle && !members.has(peer.node)) peers.delete(peer.node)
      }
    })
    yield* Effect.forkScoped(Effect.repeat(tick, Schedule.spaced(pingMillis)))

    const transport: RelayTransport = {
      send: (node, bytes) => {
        if (bytes.length === 0 || bytes.length > batchBytesMax) {
          throw new RangeError(`relay batch of ${bytes.length} bytes to ${node}`)
        }
        const peer = peerOf(node)
        if (peer.outbound?.isOpen === true) return peer.outbound.send(bytes)
        peer.waiting.push(bytes)
        peer.waitingBytes += bytes.length
        if (peer.waitingBytes > backlogBytesMax) return breakPeer(peer)
        dial(peer)
      },
      onBatch: (handler) => {
        receive = handler
        for (const [from, bytes] of early.splice(0)) handler(from, bytes)
      },
      onBroken: (handler) => {
        brokenHandlers.push(handler)
      }
    }
    return RelaySocket.of({
      transport,
      unreachable: () => {
        const before = monotonic() - leaseMillis
        return table
          .cached()
          .filter(({ node, healthy, serves }) => {
            const downSince = peers.get(node)?.downSince ?? 0
            return healthy && serves && downSince !== 0 && downSince < before
          })
          .map(({ node }) => node)
      }
    })
  })
