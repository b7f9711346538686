/** A client's socket as a connection sees it: writes of one turn leave together, and unread bytes have a bound. */
import type { Socket } from "node:net"
import type { Host } from "../../actors/Host.ts"
import type { Subject } from "../../protocol/vsm/Threat.ts"
import { isLocal } from "../link/LocalPeer.ts"
import { peerOf } from "../PeerAddress.ts"
import { certifiedBoards } from "../Tls.ts"

/** A client that leaves more than this unread is cut off. */
const unreadBytesMax = 1_048_576
/** Writes of a turn that are together longer leave as they are, in one call of the system; below, one copy is cheaper. */
const copiedBytesMax = 16_384

/** The writing half of a client's socket. */
export class Wire {
  readonly #socket: Socket
  readonly #flushes: Flushes
  readonly isLoopback: boolean
  /** Where the client is. */
  readonly address: Subject | undefined
  /** Ids of the boards that the client's certificate names. */
  readonly certified: ReadonlyArray<string>
  #out: Array<Uint8Array> = []
  #outBytes = 0
  #isOver = false

  constructor(socket: Socket, flushes: Flushes) {
    this.#socket = socket
    this.#flushes = flushes
    this.isLoopback = isLocal(socket)
    this.address = peerOf(socket.remoteAddress)
    this.certified = certifiedBoards(socket)
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return
    if (this.#out.length === 0) this.#flushes.add(this)
    this.#out.push(bytes)
    this.#outBytes += bytes.length
    if (this.#outBytes + this.#socket.writableLength > unreadBytesMax) this.destroy()
  }

  flush(): void {
    const [first] = this.#out
    if (this.#isOver || first === undefined) return
    const out = this.#out
    const outBytes = this.#outBytes
    this.#out = []
    this.#outBytes = 0
    if (out.length === 1) this.#socket.write(first)
    else if (outBytes <= copiedBytesMax) this.#socket.write(Buffer.concat(out, outBytes))
    else {
      this.#socket.cork()
      for (const bytes of out) this.#socket.write(bytes)
      this.#socket.uncork()
    }
  }

  pause(isPaused: boolean): void {
    if (this.#isOver) return
    if (isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Sends what waits, then ends; a client that does not close its side is cut off after `graceMillis`. */
  end(host: Host, graceMillis: number): void {
    if (this.#isOver) return
    this.flush()
    this.#isOver = true
    this.#socket.resume()
    this.#socket.end()
    const cancel = host.schedule(graceMillis, () => this.#socket.destroy())
    this.#socket.once("close", cancel)
  }

  destroy(): void {
    this.#isOver = true
    this.#out = []
    this.#socket.destroy()
  }
}

/** Flushes the wires written to in this turn at its end. */
export class Flushes {
  readonly #host: Host
  #wires: Array<Wire> = []

  constructor(host: Host) {
    this.#host = host
  }

  add(wire: Wire): void {
    this.#wires.push(wire)
    if (this.#wires.length > 1) return
    this.#host.defer(() => {
      const wires = this.#wires
      this.#wires = []
      for (const each of wires) each.flush()
    })
  }
}
