/** A TCP proxy between two parties that can let pass, drop, or stall what goes through it. */
import { connect, createServer, type Server, type Socket } from "node:net"

/** `pass` carries; `drop` cuts what is open and refuses what comes; `stall` keeps connections open and carries nothing. */
export type Passage = "pass" | "drop" | "stall"

/** Which connections go on while others stall, by the first bytes that they sent: a client says there who it is. */
export type Spared = (greeting: Buffer) => boolean

const nobody: Spared = () => false

interface Pair {
  readonly near: Socket
  readonly far: Socket
  /** Absent before the first bytes. */
  greeting: Buffer | undefined
}

/** One listening port in front of one target. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #passage: Passage = "pass"
  #isSpared = nobody
  #port = 0

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer({ noDelay: true }, (near) => {
      near.on("error", () => near.destroy())
      if (this.#passage === "drop") return near.destroy()
      const far = connect({ ...target, noDelay: true })
      const pair: Pair = { near, far, greeting: undefined }
      this.#pairs.add(pair)
      const end = (): void => {
        this.#pairs.delete(pair)
        near.destroy()
        far.destroy()
      }
      for (const socket of [near, far]) socket.on("close", end).on("error", end)
      near.on("data", (bytes) => {
        far.write(bytes)
        if (pair.greeting !== undefined) return
        pair.greeting = bytes
        if (this.#passage === "stall") this.#stall(pair)
      })
      far.on("data", (bytes) => near.write(bytes))
      if (this.#passage === "stall") this.#stall(pair)
    })
  }

  get port(): number {
    return this.#port
  }

  listen(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address()
        this.#port = typeof address === "object" && address !== null ? address.port : 0
        resolve(this)
      })
    })
  }

  /** Changes what becomes of all connections, of those that stall but for the spared ones. */
  set(passage: Passage, isSpared: Spared = nobody): void {
    this.#passage = passage
    this.#isSpared = isSpared
    for (const pair of this.#pairs) {
      if (passage === "drop") pair.near.destroy()
      else if (passage === "stall") this.#stall(pair)
      else for (const socket of [pair.near, pair.far]) socket.resume()
    }
  }

  #stall({ near, far, greeting }: Pair): void {
    // Where some are spared, one that has said nothing stalls with its first bytes: then it is known who it is.
    if (this.#isSpared !== nobody && (greeting === undefined || this.#isSpared(greeting))) return
    near.pause()
    far.pause()
  }

  close(): void {
    this.#server.close()
    for (const { near } of this.#pairs) near.destroy()
  }
}
