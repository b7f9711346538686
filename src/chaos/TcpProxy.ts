/** A TCP proxy between two parties that can let pass, drop, or stall what goes through it. */
import { connect, createServer, type Server, type Socket } from "node:net"

/** `pass` carries; `drop` cuts what is open and refuses what comes; `stall` keeps connections open and carries nothing. */
export type Passage = "pass" | "drop" | "stall"

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** One listening port in front of one target. */
export class TcpProxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #passage: Passage = "pass"
  #port = 0

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer({ noDelay: true }, (near) => {
      near.on("error", () => near.destroy())
      if (this.#passage === "drop") return near.destroy()
      const far = connect({ ...target, noDelay: true })
      const pair = { near, far }
      this.#pairs.add(pair)
      const end = (): void => {
        this.#pairs.delete(pair)
        near.destroy()
        far.destroy()
      }
      for (const socket of [near, far]) socket.on("close", end).on("error", end)
      near.on("data", (bytes) => far.write(bytes))
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

  set(passage: Passage): void {
    this.#passage = passage
    for (const pair of this.#pairs) {
      if (passage === "drop") pair.near.destroy()
      else if (passage === "stall") this.#stall(pair)
      else for (const socket of [pair.near, pair.far]) socket.resume()
    }
  }

  #stall({ near, far }: Pair): void {
    near.pause()
    far.pause()
  }

  close(): void {
    this.#server.close()
    for (const { near } of this.#pairs) near.destroy()
  }
}
