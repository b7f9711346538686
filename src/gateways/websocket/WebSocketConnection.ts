/** One board on a WebSocket: a binary message is a frame, and frames acknowledge. */
import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { AttachPorts } from "../link/Attacher.ts"
import { Link } from "../link/Link.ts"
import type { LinkCounters } from "../link/LinkCounters.ts"
import type { LinkTerms } from "../link/LinkTerms.ts"
import { type Ending, noTicket } from "../link/LinkTransport.ts"

/** A board that leaves more than this unread is cut off. */
const unreadBytesMax = 1_048_576
/** For the peer's half of the closing handshake (RFC 6455, section 7.1.1). */
const closeMillis = 1_000

const unsupportedData = 1003
/** Close codes of an orderly end: RFC 6455, section 7.4.1. */
const orderly: ReadonlySet<number> = new Set([1000, 1001])

/** Close codes by ending: those of RFC 6455, and one of our own. */
const codeOf: Readonly<Record<Ending, number>> = {
  goodbye: 1000,
  draining: 1001,
  protocol: 1002,
  refused: 1008,
  flood: 1008,
  silent: 1008,
  "too-large": 1009,
  internal: 1011,
  unavailable: 1011,
  superseded: 4001
}

/** What joins a WebSocket to its link. */
export interface WebSocketConnectionOptions {
  readonly ports: AttachPorts
  readonly terms: LinkTerms
  readonly counters: LinkCounters
  readonly webSocket: WebSocket
  /** What the WebSocket runs over. */
  readonly socket: Duplex
  /** The board it speaks for; absent when the first hello may say. */
  readonly id?: string
  readonly garbled: () => void
  readonly closed: () => void
}

/** Joins the WebSocket to a new link. */
export const connect = (options: WebSocketConnectionOptions): Link => {
  const { ports, terms, counters, webSocket, socket, id, garbled } = options
  const { host } = ports
  let isCorked = false
  let isOver = false
  const end = (code: number): void => {
    if (isOver) return
    isOver = true
    webSocket.close(code)
    const cancel = host.schedule(closeMillis, () => webSocket.terminate())
    webSocket.once("close", cancel)
  }
  const send = (bytes: Uint8Array): void => {
    if (isOver) return
    if (!isCorked) {
      // Frames of one turn leave in one write.
      isCorked = true
      socket.cork()
      host.defer(() => {
        isCorked = false
        socket.uncork()
      })
    }
    webSocket.send(bytes)
    if (webSocket.bufferedAmount > unreadBytesMax) webSocket.terminate()
  }
  const link = new Link({
    ports,
    terms,
    counters,
    ...(id === undefined ? {} : { id }),
    garbled,
    transport: {
      ackMode: 1,
      send,
      acknowledge: () => {},
      pause: (isPaused) => (isPaused ? webSocket.pause() : webSocket.resume()),
      close: (ending) => end(codeOf[ending])
    }
  })
  webSocket.on("message", (data, isBinary) => {
    if (isOver) return
    if (!isBinary) {
      end(unsupportedData)
      return link.lost({})
    }
    if (!Buffer.isBuffer(data)) return
    try {
      link.receive(data, noTicket)
    } catch (cause) {
      // One board's frame must not end the others' process. Whatever it was is a bug of ours.
      host.report("a frame on a WebSocket", cause)
      end(codeOf.internal)
      link.lost({})
    }
  })
  webSocket.on("error", () => webSocket.terminate())
  webSocket.on("close", (code) => {
    isOver = true
    link.lost(orderly.has(code) ? { reason: 0 } : {})
    options.closed()
  })
  return link
}
