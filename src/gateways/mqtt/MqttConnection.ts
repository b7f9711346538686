/** One MQTT client, 3.1.1 or 5, from CONNECT to its end: its packets, its subscriptions, and the link of its board. */
import type { IConnectPacket, ISubscribePacket, IUnsubscribePacket } from "mqtt-packet"
import { subjectOf } from "../../protocol/vsm/Threat.ts"
import type { Doors } from "../Doors.ts"
import type { AttachPorts } from "../link/Attacher.ts"
import { Burst } from "../link/Burst.ts"
import type { Credentials, Grant } from "../link/Credentials.ts"
import { Link } from "../link/Link.ts"
import type { LinkCounters } from "../link/LinkCounters.ts"
import { ceilingBytesMax, type LinkTerms } from "../link/LinkTerms.ts"
import { type Ending, type LinkTransport, noTicket, type Verdict } from "../link/LinkTransport.ts"
import { type Accepted, accept, connackOf, connectFault, namedVersion, refusalOf } from "./Connect.ts"
import { ControlReader, isCleanText, reasons, write } from "./ControlPackets.ts"
import { type Letter, Outbound } from "./Outbound.ts"
import { type Framed, PacketFramer } from "./PacketFramer.ts"
import { pubackHead, readPublication, writePuback } from "./Publication.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { TopicAliases } from "./TopicAliases.ts"
import { applicationTopics, downTopic, upTopic } from "./Topics.ts"
import type { Wire } from "./Wire.ts"

/** What a connection needs of its socket. */
export type ClientWire = Pick<Wire, "isLoopback" | "address" | "certified" | "write" | "pause" | "end">

/** What the connections of one listener share. */
export interface MqttShared {
  readonly ports: AttachPorts
  readonly credentials: Credentials["Service"]
  readonly doors: Doors
  readonly terms: LinkTerms
  readonly counters: LinkCounters
  /** Takes the client id over from an older connection; answers false while the id is refused. */
  readonly claim: (clientId: string, connection: MqttConnection) => boolean
  /** The connection is over. */
  readonly release: (clientId: string | undefined, connection: MqttConnection) => void
}

/** From the open connection to a complete CONNECT with credentials judged. */
const connectMillis = 10_000
/** A CONNECT with the longest id, token and will is far smaller. */
const connectBytesMax = 8_192
/** Fixed header, topic and properties of a publication, beside its frame. */
const publicationBytesMax = 256
/** Unnumbered frames that may wait for their PUBACK beside a full window of numbered ones. */
const unnumberedMax = 8
const deniedMax = 3
const endMillis = 1_000
/** First byte of a CONNECT (3.1.1 and 5, section 3.1.1). */
const connectHead = 0x10
const typeOf = { connect: 1, publish: 3, puback: 4 }
const pingResponse = Buffer.from([0xd0, 0])
const contentType = Buffer.from("application/holon+cbor")

/** The server's side of one MQTT connection. Its methods are called by what holds the socket. */
export class MqttConnection {
  readonly #shared: MqttShared
  readonly #wire: ClientWire
  readonly #framer = new PacketFramer(connectBytesMax, connectBytesMax)
  #reader = new ControlReader(4)
  #client: Accepted | undefined
  #hasSpoken = false
  #isJudging = false
  /** Packets that came while the credentials were judged. */
  #early: Array<Framed> = []
  #outbound: Outbound | undefined
  #link: Link | undefined
  #up: Buffer | undefined
  #down: Buffer | undefined
  #subscriptions: Subscriptions | undefined
  readonly #aliases = new TopicAliases()
  #unacknowledged = 0
  readonly #denials = new Burst(deniedMax)
  #heardAt: number
  #isReadPaused = false
  #isOver = false
  #cancelTimer: () => void

  constructor(shared: MqttShared, wire: ClientWire) {
    this.#shared = shared
    this.#wire = wire
    this.#heardAt = this.#host.monotonic()
    this.#cancelTimer = this.#host.schedule(connectMillis, () => this.#stop())
  }

  /** Bytes of the client. */
  data(chunk: Buffer): void {
    if (this.#isOver) return
    this.#heardAt = this.#host.monotonic()
    // TLS, HTTP and others speak first, too: they need not wait until a packet of theirs would be complete.
    if (!this.#hasSpoken && chunk[0] !== connectHead) return this.#garbled()
    this.#hasSpoken = true
    const fault = this.#framer.feed(chunk, (packet) => {
      if (this.#isJudging) this.#early.push(packet)
      else this.#packet(packet)
      return !this.#isOver
    })
    if (fault === "malformed") this.#disconnect(reasons.malformed)
    else if (fault === "too-large") this.#disconnect(reasons.tooLarge)
  }

  /** The socket is gone. */
  closed(): void {
    this.#abandon(true)
  }

  /** Another connection took the client id. */
  supersede(): void {
    if (this.#link !== undefined && this.#link.state !== "closed") this.#link.supersede()
    else this.#disconnect(reasons.takenOver)
  }

  /** The node leaves. Boards are told where their time ends; others are cut. */
  drain(): void {
    if (this.#link !== undefined && this.#link.state !== "closed") this.#link.drain()
    else this.#disconnect(reasons.shuttingDown)
  }

  get #host() {
    return this.#shared.ports.host
  }

  #packet(packet: Framed): void {
    const type = (packet.bytes[0] ?? 0) >> 4
    const client = this.#client
    if (client === undefined) return this.#connect(packet, type)
    if (type === typeOf.publish) return this.#publish(packet, client)
    if (packet.isCutShort) return this.#disconnect(reasons.tooLarge)
    if (type === typeOf.puback) return this.#puback(packet, client)
    const control = this.#reader.read(packet.bytes)
    if (control === undefined) return this.#disconnect(reasons.malformed)
    switch (control.cmd) {
      case "pingreq":
        return this.#wire.write(pingResponse)
      case "subscribe":
        return this.#subscribe(control, client)
      case "unsubscribe":
        return this.#unsubscribe(control, client)
      case "disconnect":
        // MQTT-3.14.4-3: an orderly end drops the will; 0x04 asks for it all the same.
        return this.#abandon(client.version === 5 && control.reasonCode === 0x04)
      default:
        return this.#disconnect(reasons.protocol)
    }
  }

  // CONNECT.

  #connect(packet: Framed, type: number): void {
    if (type !== typeOf.connect) return this.#garbled()
    const version = namedVersion(packet.bytes, packet.start)
    if (version === undefined) return this.#garbled()
    if (version !== 4 && version !== 5 && version < 0x80) return this.#refuse(reasons.version, version > 5 ? 5 : 4)
    const connect = this.#reader.read(packet.bytes)
    const dialect = version === 5 ? 5 : 4
    if (connect === undefined || connect.cmd !== "connect")
      // A CONNECT of 3.1.1 that cannot be read gets no answer; version 5 has a code for it.
      return dialect === 5 ? this.#refuse(reasons.malformed, 5) : this.#stop()
    const fault = connectFault(connect)
    if (fault === reasons.malformed && dialect === 4) return this.#stop()
    if (fault !== undefined) return this.#refuse(fault, dialect)
    this.#isJudging = true
    this.#wire.pause(true)
    this.#shared.credentials.judge(
      {
        user: connect.username ?? (connect.password === undefined ? undefined : connect.clientId),
        token: connect.password?.toString("utf8"),
        certified: this.#wire.certified,
        isLoopback: this.#wire.isLoopback
      },
      (grant) => this.#judged(connect, grant, dialect)
    )
  }

  #judged(connect: IConnectPacket, grant: Grant | "refused", version: 4 | 5): void {
    if (this.#isOver || !this.#isJudging) return
    this.#isJudging = false
    const { doors } = this.#shared
    if (grant === "refused") {
      if (connect.password !== undefined) doors.wrong(this.#wire.address)
      return this.#refuse(reasons.credentials, version)
    }
    const accepted = accept(connect, grant, () => this.#makeId())
    if (typeof accepted === "number") return this.#refuse(accepted, version)
    if (!this.#mayEnter(connect, accepted)) return this.#refuse(reasons.banned, version)
    if (!this.#shared.claim(accepted.clientId, this)) return this.#refuse(reasons.connectionRate, version)
    this.#client = accepted
    this.#reader = new ControlReader(version)
    this.#outbound = new Outbound(accepted, this.#host.monotonic, (bytes) => this.#wire.write(bytes))
    this.#framer.bytesMax = this.#packetBytesMax
    // A client of 3.1.1 cannot know our limit: what it sends too large is read over and refused. Version 5 was told.
    this.#framer.ceiling = version === 5 ? this.#packetBytesMax : ceilingBytesMax + publicationBytesMax
    this.#cancelTimer()
    this.#watchKeepAlive(accepted.keepAlive)
    if (accepted.board !== undefined) {
      this.#up = Buffer.from(upTopic(accepted.board))
      this.#down = Buffer.from(downTopic(accepted.board))
      // Who can be nothing but a board says hello soon.
      if (!accepted.isOperator) this.#openLink()
    }
    this.#wire.write(this.#connack(accepted))
    const early = this.#early
    this.#early = []
    for (const packet of early) if (!this.#isOver) this.#packet(packet)
    if (!this.#isReadPaused) this.#wire.pause(false)
  }

  /** Whether neither its address nor its account is turned away for now. */
  #mayEnter({ username }: IConnectPacket, { board, clientId }: Accepted): boolean {
    const { doors } = this.#shared
    if (board !== undefined) return doors.admit(this.#wire.address, subjectOf("device", board))
    const account = username ?? clientId
    return doors.isAccepted(account) && doors.admit(this.#wire.address, subjectOf("user", account))
  }

  get #packetBytesMax(): number {
    return this.#shared.terms.frameBytesMax + publicationBytesMax
  }

  get #receiveMaximum(): number {
    return this.#shared.terms.window + unnumberedMax
  }

  #connack(accepted: Accepted): Buffer {
    return connackOf(accepted, { receiveMaximum: this.#receiveMaximum, packetBytesMax: this.#packetBytesMax })
  }

  #makeId(): string {
    return `client-${Math.floor(this.#host.random() * 2 ** 48).toString(36)}`
  }

  #refuse(reason: number, version: 4 | 5): void {
    this.#shared.counters.refused()
    this.#wire.write(refusalOf(reason, version))
    this.#stop()
  }

  // PUBLISH of the client.

  #publish(packet: Framed, client: Accepted): void {
    const publication = readPublication(packet, client.version)
    if (publication === undefined) return this.#disconnect(reasons.malformed)
    const { qos, packetId } = publication
    if (qos === 2) return this.#disconnect(reasons.qos)
    if (qos === 1) {
      if (client.version === 5 && this.#unacknowledged >= this.#receiveMaximum)
        return this.#disconnect(reasons.receiveMaximum)
      this.#unacknowledged++
    }
    const topic = this.#aliases.topicOf(publication)
    if (typeof topic === "number") return this.#disconnect(topic)
    const ticket = qos === 1 ? packetId : noTicket
    if (this.#up === undefined || !topic.equals(this.#up)) return this.#elsewhere(topic, ticket, client)
    if (publication.isRetained) {
      this.#denied("retained frame")
      // 3.1.1 has no way to refuse one publication, and an acknowledgement would say that it is stored.
      return client.version === 5 ? this.#answer(ticket, "denied") : this.#disconnect(reasons.retain)
    }
    const link = this.#link ?? this.#openLink()
    if (packet.isCutShort) link.receiveTooLarge(publication.payload, ticket)
    else link.receive(publication.payload, ticket)
  }

  /** A publication that is no frame of the own board. */
  #elsewhere(topic: Buffer, ticket: number, client: Accepted): void {
    const name = topic.toString("utf8")
    if (!isCleanText(name) || name.includes("+") || name.includes("#")) return this.#disconnect(reasons.topic)
    if (client.board !== undefined && name.startsWith(applicationTopics(client.board)))
      return this.#answer(ticket, "unheard")
    this.#answer(ticket, "denied")
    this.#denied(`publish to ${name}`)
  }

  /** PUBACK, in the order of the publications: those the link holds come first. */
  #answer(ticket: number, verdict: Verdict): void {
    if (ticket === noTicket) return
    if (this.#link !== undefined && this.#link.state !== "closed") this.#link.settle(ticket, verdict)
    else this.#acknowledge(ticket, verdict)
  }

  #denied(what: string): void {
    this.#shared.counters.refused()
    this.#shared.ports.evidence({
      type: "link.denied",
      id: this.#client?.clientId ?? "",
      what: what.slice(0, 256).toWellFormed()
    })
    if (this.#denials.note(this.#host.monotonic())) this.#disconnect(reasons.notAuthorised)
  }

  #puback({ bytes, start }: Framed, client: Accepted): void {
    // Version 5 may add a reason and properties, which say nothing that is needed here.
    const isWhole = client.version === 5 ? bytes.length >= start + 2 : bytes.length === start + 2
    if (bytes[0] !== pubackHead || !isWhole) return this.#disconnect(reasons.malformed)
    this.#outbound?.acknowledged(bytes.readUInt16BE(start))
  }

  // Subscriptions.

  #subscribe(packet: ISubscribePacket, client: Accepted): void {
    const { messageId = 0, subscriptions, properties } = packet
    if (messageId <= 0 || subscriptions.length === 0) return this.#disconnect(reasons.protocol)
    if (properties?.subscriptionIdentifier !== undefined) return this.#disconnect(reasons.subscriptionId)
    const { granted, denied, retained } = this.#subscriptionsOf(client).subscribe(packet)
    this.#wire.write(write({ cmd: "suback", messageId, granted: [...granted] }, client.version))
    this.#subscriptions?.sendRetained(retained)
    for (const topic of denied) if (!this.#isOver) this.#denied(`subscribe to ${topic}`)
  }

  #subscriptionsOf(client: Accepted): Subscriptions {
    this.#subscriptions ??= new Subscriptions(client, this.#shared.ports, (letter) => this.#send(letter))
    return this.#subscriptions
  }

  #unsubscribe(packet: IUnsubscribePacket, client: Accepted): void {
    const { messageId = 0, unsubscriptions } = packet
    if (messageId <= 0 || unsubscriptions.length === 0) return this.#disconnect(reasons.protocol)
    const known = this.#subscriptionsOf(client)
    const granted = unsubscriptions.map((topic) => known.unsubscribe(topic))
    this.#wire.write(write({ cmd: "unsuback", messageId, granted }, client.version))
  }

  #send(letter: Letter): void {
    if (!this.#isOver && this.#outbound?.send(letter) === false) this.#disconnect(reasons.quota)
  }

  // The board's link.

  #openLink(): Link {
    const { ports, terms, counters } = this.#shared
    const board = this.#client?.board
    const link = new Link({
      ports,
      terms,
      counters,
      transport: this.#transport(),
      ...(board === undefined ? {} : { id: board })
    })
    this.#link = link
    return link
  }

  #transport(): LinkTransport {
    return {
      ackMode: 0,
      send: (payload, qos, lifeMillis) => {
        const topic = this.#down
        const downQos = this.#subscriptions?.downQos
        if (downQos === undefined || topic === undefined) return
        this.#send({
          topic,
          payload,
          qos: qos === 0 ? 0 : downQos,
          isRetained: false,
          endsAt: lifeMillis === undefined ? undefined : this.#host.monotonic() + lifeMillis,
          contentType
        })
      },
      acknowledge: (ticket, verdict) => this.#acknowledge(ticket, verdict),
      pause: (isPaused) => {
        this.#isReadPaused = isPaused
        this.#wire.pause(isPaused)
      },
      close: (ending) => this.#disconnect(reasonOf[ending])
    }
  }

  #acknowledge(packetId: number, verdict: Verdict): void {
    // 3.1.1 can only say yes; what must come again stays without an answer.
    const version = this.#client?.version ?? 4
    this.#unacknowledged--
    if (verdict !== "early" || version === 5) this.#wire.write(writePuback(packetId, pubackReasons[verdict], version))
  }

  // Time and end.

  #watchKeepAlive(seconds: number): void {
    if (seconds === 0) return
    const limit = seconds * 1_500
    const look = (): void => {
      // A client that is not read from cannot be heard.
      if (this.#isReadPaused) this.#heardAt = this.#host.monotonic()
      const left = this.#heardAt + limit - this.#host.monotonic()
      if (left <= 0) this.#disconnect(reasons.keepAlive)
      else this.#cancelTimer = this.#host.schedule(left, look)
    }
    this.#cancelTimer = this.#host.schedule(limit, look)
  }

  /** Ends the connection for a reason, which version 5 is told. */
  #disconnect(reason: number): void {
    if (this.#isOver) return
    if (this.#client?.version === 5) this.#wire.write(write({ cmd: "disconnect", reasonCode: reason }, 5))
    this.#abandon(true)
  }

  /** Whoever has not said who he is sends what is no MQTT. */
  #garbled(): void {
    this.#shared.doors.garbled(this.#wire.address)
    this.#stop()
  }

  #stop(): void {
    this.#abandon(true)
  }

  /** `isAbrupt`: the client did not end it, so its will holds. */
  #abandon(isAbrupt: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTimer()
    this.#subscriptions?.end()
    this.#early = []
    const link = this.#link
    if (link !== undefined && link.state !== "closed")
      link.lost(isAbrupt ? { will: this.#client?.will } : { reason: 0 })
    this.#wire.end(this.#host, endMillis)
    this.#shared.release(this.#client?.clientId, this)
  }
}

const pubackReasons: Readonly<Record<Verdict, number>> = {
  durable: reasons.success,
  unheard: reasons.noSubscriber,
  malformed: reasons.payload,
  early: reasons.quota,
  denied: reasons.notAuthorised
}

const reasonOf: Readonly<Record<Ending, number>> = {
  // A normal end is the client's to say (section 3.14.2.1): this one has said goodbye and stayed.
  goodbye: reasons.administrative,
  draining: reasons.shuttingDown,
  superseded: reasons.takenOver,
  protocol: reasons.protocol,
  refused: reasons.notAuthorised,
  "too-large": reasons.tooLarge,
  flood: reasons.tooFast,
  silent: reasons.keepAlive,
  unavailable: reasons.busy,
  internal: reasons.implementation
}
