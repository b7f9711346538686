/** Boards on WebSockets: upgrades in, one link each, at a pace the node bears. It has no port of its own. */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { WebSocketServer as Upgrader } from "ws"
import { subjectOf } from "../../protocol/vsm/Threat.ts"
import { Doors } from "../Doors.ts"
import { Admission, type AdmissionTerms, defaultAdmission } from "../link/Admission.ts"
import type { AttachPorts } from "../link/Attacher.ts"
import type { Credentials, Grant } from "../link/Credentials.ts"
import type { Link } from "../link/Link.ts"
import { LinkCounters } from "../link/LinkCounters.ts"
import { ceilingBytesMax, defaultTerms, type LinkTerms } from "../link/LinkTerms.ts"
import { isLocal } from "../link/LocalPeer.ts"
import { peerOf } from "../PeerAddress.ts"
import { certifiedBoards } from "../Tls.ts"
import { refuse, speaksLink, subprotocol, tokenOf, turnedAway } from "./Upgrade.ts"
import { connect } from "./WebSocketConnection.ts"

/** What it is made of. */
export interface WebSocketServerOptions {
  readonly ports: AttachPorts
  readonly credentials: Credentials["Service"]
  readonly terms?: LinkTerms
  readonly admission?: AdmissionTerms
  /** Open when absent. */
  readonly doors?: Doors
}

/** The links of boards on WebSockets. */
export class WebSocketServer {
  readonly counters = new LinkCounters()
  readonly #ports: AttachPorts
  readonly #credentials: Credentials["Service"]
  readonly #doors: Doors
  readonly #terms: LinkTerms
  readonly #admission: Admission
  readonly #links = new Set<Link>()
  readonly #upgrader = new Upgrader({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: ceilingBytesMax,
    handleProtocols: () => subprotocol
  })
  #isDraining = false
  #whenEmpty: Array<() => void> = []

  constructor({
    ports,
    credentials,
    terms = defaultTerms,
    admission = defaultAdmission,
    doors = Doors.defaultValue()
  }: WebSocketServerOptions) {
    this.#doors = doors
    this.#ports = ports
    this.#credentials = credentials
    this.#terms = terms
    this.#admission = new Admission(ports.host, admission)
  }

  /** Takes an upgrade request for the path of boards. Whether its Host and Origin are ours is the listener's to check. */
  readonly handleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const discard = (): void => {
      socket.destroy()
    }
    socket.on("error", discard)
    if (this.#isDraining) return refuse(socket, 503, "this node leaves; connect to another one\n")
    if (!speaksLink(request)) return this.#refuse(socket, 400, `offer the subprotocol ${subprotocol}\n`)
    const token = tokenOf(request)
    const address = peerOf(request.socket.remoteAddress)
    if (token === "malformed") {
      this.#doors.wrong(address)
      return this.#refuse(socket, 401, "the token is not of the form Bearer TOKEN\n")
    }
    const shown = { user: undefined, token, certified: certifiedBoards(socket), isLoopback: isLocal(socket) }
    this.#credentials.judge(shown, (grant) => {
      if (grant === "refused") {
        if (token !== undefined) this.#doors.wrong(address)
        return this.#refuse(socket, 401, "show the board's token as Authorization: Bearer\n")
      }
      if (grant.board === "none") return this.#refuse(socket, 403, "this token speaks for no board\n")
      const name = subjectOf("device", typeof grant.board === "object" ? grant.board.id : "any")
      if (!this.#doors.admit(address, name)) return this.#refuse(socket, 403, turnedAway)
      this.#admission.arrive({
        enter: () => this.#enter(request, socket, head, grant, discard),
        giveUp: () => refuse(socket, 503, "too many boards connect at once; try again later\n")
      })
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
    for (const link of [...this.#links]) link.drain()
  }

  #refuse(socket: Duplex, status: 400 | 401 | 403, sentence: string): void {
    this.counters.refused()
    refuse(socket, status, sentence)
  }

  #enter(request: IncomingMessage, socket: Duplex, head: Buffer, { board }: Grant, discard: () => void): void {
    if (socket.destroyed) return
    if (this.#isDraining) return refuse(socket, 503, "this node leaves; connect to another one\n")
    socket.off("error", discard)
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      const link = connect({
        ports: this.#ports,
        terms: this.#terms,
        counters: this.counters,
        webSocket,
        socket,
        ...(typeof board === "object" ? { id: board.id } : {}),
        garbled: () => this.#doors.garbled(peerOf(request.socket.remoteAddress)),
        closed: () => {
          this.#links.delete(link)
          this.#checkEmpty()
        }
      })
      this.#links.add(link)
    })
  }

  #checkEmpty(): void {
    if (this.#links.size > 0) return
    for (const done of this.#whenEmpty.splice(0)) done()
  }
}
