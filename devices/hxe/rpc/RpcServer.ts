/** The board's own line over TCP: on this machine only, unless it is told another address. */
import { createServer, type Server, type Socket } from "node:net"
import { lineOf, refused } from "./Answer.ts"
import type { RpcPort } from "./RpcConnection.ts"
import type { RpcService } from "./RpcService.ts"

/** The port tools look for. */
export const rpcPortDefault = 9998
/** Reached from this machine only. */
export const loopback = "127.0.0.1"

/** Connections at once. */
const connectionsMax = 32
/** Bytes that may wait for a client before nothing more is taken from it or told to it. */
const waitingBytesMax = 256 * 1024
/** A client that takes nothing is cut off this long after its connection was closed. */
const lingerMillis = 5000

/** Whether an address is reached from this machine only. */
export const isLoopback = (host: string): boolean => /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)

/** The server of one board. */
export class RpcServer {
  readonly #service: RpcService
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(service: RpcService) {
    this.#service = service
    this.#server = createServer((socket) => this.#join(socket))
  }

  /** Connections there are. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Begins to listen, on a free port for 0; tells which, or why it cannot. */
  listen(port: number, host: string, listening: (port: number) => void, failed: (cause: Error) => void): void {
    this.#server.once("error", failed)
    this.#server.listen(port, host, () => {
      this.#server.off("error", failed)
      // Later errors concern single connections that were not made.
      this.#server.on("error", (cause) => this.#service.log.say("error", `the line failed: ${cause.message}`))
      const address = this.#server.address()
      listening(typeof address === "object" && address !== null ? address.port : port)
    })
  }

  /** Cuts everybody off and listens no more. */
  close(closed: () => void = () => {}): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close(() => closed())
  }

  #join(socket: Socket): void {
    socket.on("error", () => socket.destroy())
    if (this.#sockets.size >= connectionsMax) {
      socket.end(lineOf(refused("EBUSY", `connections:${connectionsMax}`)))
      return
    }
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    const connection = this.#service.connect(portOf(socket, this.#service))
    socket.on("data", (bytes: Buffer) => connection.receive(bytes))
    socket.on("drain", () => connection.drained())
    socket.on("close", () => {
      this.#sockets.delete(socket)
      connection.closed()
    })
  }
}

const portOf = (socket: Socket, { board }: RpcService): RpcPort => {
  const address = socket.remoteAddress ?? "unknown"
  return {
    write: (text) => {
      if (socket.writable) socket.write(text)
    },
    hasRoom: () => socket.writableLength < waitingBytesMax,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => {
      socket.end()
      const giveUp = board.clock.schedule(lingerMillis, () => socket.destroy())
      socket.once("close", giveUp)
    },
    name: `${address}:${socket.remotePort ?? 0}`,
    address
  }
}
