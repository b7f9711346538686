/** The link over a WebSocket: one binary message is one frame, and acknowledgements are frames. */
import { WebSocket } from "ws"
import { urlOf } from "./Elsewhere.ts"
import type { CloseCause, Connection, ConnectionEvents, Opening, Transport } from "./Transport.ts"

/** Subprotocol of version 1 of the link. */
const subprotocol = "holon.1"

/** Where and with what to connect. */
export interface WebSocketOptions {
  /** `ws:` or `wss:`, path included. */
  readonly url: string
  /** Bearer token; absent on loopback in development. */
  readonly token?: string
  /** Largest frame taken, bytes. */
  readonly rx: number
}

/** Connects over WebSockets. */
export const webSocketTransport = (options: WebSocketOptions): Transport => ({
  open: (opening: Opening, events: ConnectionEvents): Connection => {
    let over = false
    const end = (cause: CloseCause): void => {
      if (over) return
      over = true
      events.closed(cause)
    }
    const socket = new WebSocket(urlOf(options.url, opening.server), [subprotocol], {
      perMessageDeflate: false,
      maxPayload: options.rx,
      headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
    })
    socket.on("open", () => {
      if (!over) events.opened()
    })
    socket.on("message", (data, isBinary) => {
      if (over || !isBinary) return
      if (Buffer.isBuffer(data)) return events.received(data)
      events.received(Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data))
    })
    socket.on("unexpected-response", (_request, response) => {
      response.resume()
      end(response.statusCode === 401 || response.statusCode === 403 ? "refused" : "lost")
      socket.terminate()
    })
    socket.on("error", () => end("lost"))
    socket.on("close", (code) => end(causeOf(code)))
    return {
      send: (bytes, { taken }) => {
        if (over || socket.readyState !== WebSocket.OPEN) return
        socket.send(bytes, (error) => {
          if (!error) taken?.()
        })
      },
      close: (orderly) => {
        over = true
        if (!orderly) return socket.terminate()
        socket.close(1000)
        // A closing handshake that gets no answer would keep the socket for half a minute.
        const timer = setTimeout(() => socket.terminate(), closeMillis)
        socket.once("close", () => clearTimeout(timer))
      }
    }
  }
})

/** Patience with the closing handshake, ms. */
const closeMillis = 500

const causeOf = (code: number): CloseCause => {
  switch (code) {
    case 1001:
      return "draining"
    case 1008:
      return "refused"
    case 4001:
      return "superseded"
    default:
      return "lost"
  }
}
