/** The MQTT listener: sockets in, one connection each, at a pace the node bears. */
import type { Server, Socket } from "node:net"
import { Doors } from "../Doors.ts"
import { Admission, type AdmissionTerms, defaultAdmission } from "../link/Admission.ts"
import type { AttachPorts } from "../link/Attacher.ts"
import type { Credentials } from "../link/Credentials.ts"
import { LinkCounters } from "../link/LinkCounters.ts"
import { defaultTerms, type LinkTerms } from "../link/LinkTerms.ts"
import { peerOf } from "../PeerAddress.ts"
import { MqttConnection, type MqttShared } from "./MqttConnection.ts"
import { TakeOvers } from "./TakeOvers.ts"
import { Flushes, Wire } from "./Wire.ts"

/** What a listener is made of. */
export interface MqttServerOptions {
  readonly ports: AttachPorts
  readonly credentials: Credentials["Service"]
  readonly terms?: LinkTerms
  readonly admission?: AdmissionTerms
  /** Open when absent. */
  readonly doors?: Doors
}

/** The connections of one listener, by client id. */
export class MqttServer {
  readonly counters = new LinkCounters()
  readonly #ports: AttachPorts
  readonly #admission: Admission
  readonly #flushes: Flushes
  readonly #shared: MqttShared
  readonly #takeOvers = new TakeOvers()
  readonly #byClient = new Map<string, MqttConnection>()
  readonly #connections = new Set<MqttConnection>()
  #isDraining = false
  #whenEmpty: Array<() => void> = []

  constructor({
    ports,
    credentials,
    terms = defaultTerms,
    admission = defaultAdmission,
    doors = Doors.defaultValue()
  }: MqttServerOptions) {
    this.#ports = ports
    this.#admission = new Admission(ports.host, admission)
    this.#flushes = new Flushes(ports.host)
    this.#shared = {
      ports,
      credentials,
      doors,
      terms,
      counters: this.counters,
      claim: (clientId, connection) => this.#claim(clientId, connection),
      release: (clientId, connection) => this.#release(clientId, connection)
    }
  }

  /** Serves the sockets of a listener whose sockets begin paused (`pauseOnConnect`). */
  serve(server: Server): void {
    server.on("connection", (socket) => this.accept(socket))
  }

  /** Takes one socket, now or when it is its turn. It must not be read from before. */
  accept(socket: Socket): void {
    socket.on("error", () => socket.destroy())
    if (this.#shared.doors.isShut(peerOf(socket.remoteAddress))) {
      this.counters.refused()
      socket.destroy()
      return
    }
    this.#admission.arrive({
      enter: () => this.#enter(socket),
      giveUp: () => socket.destroy()
    })
  }

  /** Tells every board to go elsewhere and takes nobody new; `done` runs when all have gone. May be called again. */
  drain(done: () => void): void {
    this.#isDraining = true
    this.#admission.close()
    this.#whenEmpty.push(done)
    this.sendAway()
    this.#checkEmpty()
  }

  /** Tells the boards that are here to go elsewhere; who comes from now on is taken as ever. */
  sendAway(): void {
    for (const connection of [...this.#connections]) connection.drain()
  }

  #enter(socket: Socket): void {
    if (socket.destroyed || this.#isDraining) {
      socket.destroy()
      return
    }
    const connection = new MqttConnection(this.#shared, new Wire(socket, this.#flushes))
    this.#connections.add(connection)
    socket.on("data", (chunk: Buffer) => {
      try {
        connection.data(chunk)
      } catch (cause) {
        // One client's packet must not end the others' process. Whatever it was is a bug of ours.
        this.#ports.host.report("an MQTT packet", cause)
        socket.destroy()
      }
    })
    socket.on("close", () => connection.closed())
    // A client that closes its side has said all it wants to.
    socket.on("end", () => connection.closed())
    socket.resume()
  }

  #claim(clientId: string, connection: MqttConnection): boolean {
    const now = this.#ports.host.monotonic()
    if (this.#isDraining || this.#takeOvers.isRefused(clientId, now)) return false
    const older = this.#byClient.get(clientId)
    if (older !== undefined) {
      const isTolerable = this.#takeOvers.note(clientId, now)
      this.#byClient.delete(clientId)
      older.supersede()
      if (!isTolerable) {
        this.#ports.evidence({ type: "link.duplicate", id: clientId })
        return false
      }
    }
    this.#byClient.set(clientId, connection)
    return true
  }

  #release(clientId: string | undefined, connection: MqttConnection): void {
    this.#connections.delete(connection)
    if (clientId !== undefined && this.#byClient.get(clientId) === connection) this.#byClient.delete(clientId)
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#connections.size > 0) return
    for (const done of this.#whenEmpty.splice(0)) done()
  }
}
