/** A gateway of a few lines: it welcomes boards over WebSockets, acknowledges what they send and keeps it. */
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { decodeUp, encodeDown } from "../../src/protocol/FrameCodec.ts"

/** What one board has said. */
export interface Guest {
  readonly id: string
  readonly boot: number
  readonly frames: Array<UpFrame>
  readonly reported: Record<string, unknown>
  readonly authorization: string | undefined
  readonly say: (frame: DownFrame) => void
  readonly drop: () => void
}

/** The server, on a free port of the loopback. */
export class AttachServer {
  /** Newest attach of each board. */
  readonly guests = new Map<string, Guest>()
  readonly #http = createServer()
  readonly #sockets = new WebSocketServer({ server: this.#http, path: "/attach" })
  #waiting: Array<() => void> = []

  /** On this port, or on a free one. */
  static async start(port = 0): Promise<AttachServer> {
    const server = new AttachServer()
    server.#sockets.on("connection", (socket, request) => server.#serve(socket, request))
    server.#http.listen(port, "127.0.0.1")
    await once(server.#http, "listening")
    return server
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo
    return `ws://127.0.0.1:${port}/attach`
  }

  #serve(socket: WebSocket, request: IncomingMessage): void {
    let guest: Guest | undefined
    const say = (frame: DownFrame): void => socket.send(encodeDown(frame))
    socket.on("message", (data: Buffer) => {
      const decoded = decodeUp(data, 262_144)
      if (decoded._tag === "Failure") throw new Error(decoded.failure.detail)
      const frame = decoded.success
      if (frame.type === "hello") {
        guest = {
          id: frame.id,
          boot: frame.boot,
          frames: [],
          reported: {},
          authorization: request.headers.authorization,
          say,
          drop: () => socket.terminate()
        }
        this.guests.set(frame.id, guest)
        say(welcome)
      }
      guest?.frames.push(frame)
      if (frame.type === "report" && guest !== undefined) Object.assign(guest.reported, frame.state)
      if (frame.seq > 0) say({ type: "ack", epoch: 1, boot: guest?.boot ?? 0, last: frame.seq })
      for (const check of this.#waiting.splice(0)) check()
    })
    socket.on("close", () => {
      for (const check of this.#waiting.splice(0)) check()
    })
  }

  /** Comes back with what the question answers, once it answers anything but undefined or false. */
  async until<A>(question: () => A | undefined | false): Promise<A> {
    for (;;) {
      const answer = question()
      if (answer !== undefined && answer !== false) return answer
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async stop(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate()
    this.#sockets.close()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, "close")
  }
}

const welcome: DownFrame = {
  type: "welcome",
  epoch: 1,
  version: 1,
  last: 0,
  wall: 1_790_000_000_000,
  heartbeat: 3000,
  lease: 8000,
  rx: 65_536,
  window: 16,
  ackMode: 1,
  sync: 1,
  desired: 0
}
