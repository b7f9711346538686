/**
 * One connection between a board and a gateway: ordered both ways, it breaks, falls silent or is closed by either side.
 * Half of the boards have acknowledgements of publications as MQTT does, the others get ack frames.
 */
import type { Carriage, CloseCause, Connection, ConnectionEvents, Opening } from "../../devices/agent/Transport.ts"
import type { Link } from "../gateways/link/Link.ts"
import { type Ending, noTicket } from "../gateways/link/LinkTransport.ts"
import { between, type Random } from "./Random.ts"
import type { Process } from "./SimulatedNode.ts"
import type { World } from "./World.ts"

const wayMillis: readonly [number, number] = [0.2, 2.2]

/** What an outsider sees on the wire, on the board's side. */
export interface WireTap {
  readonly sent: (bytes: Uint8Array, seq: number) => void
  readonly received: (bytes: Uint8Array) => void
  readonly acknowledged: (seq: number) => void
}

/** Both ends of a cable. */
export interface CableOptions {
  readonly opening: Opening
  readonly events: ConnectionEvents
  readonly process: Process
  /** 0: publications are acknowledged, 1: ack frames. */
  readonly ackMode: 0 | 1
  readonly tap: WireTap
}

/** A connection: the agent holds one end, a link of the gateway the other. */
export class Cable implements Connection {
  readonly #world: World
  readonly #random: Random
  readonly #options: CableOptions
  #link: Link | undefined
  #isBoardGone = false
  #isLinkGone = false
  #silentUntil = 0
  #upArrival = 0
  #downArrival = 0
  #tickets = 0
  readonly #open = new Map<number, Carriage>()
  #isPaused = false
  #unread: Array<() => void> = []

  constructor(world: World, random: Random, options: CableOptions) {
    this.#world = world
    this.#random = random
    this.#options = options
    this.#up(() => this.#accept())
  }

  get process(): Process {
    return this.#options.process
  }

  #accept(): void {
    const { opening, process, ackMode, events } = this.#options
    this.#link = process.gateway.accept(this, opening.id, {
      ackMode,
      send: (bytes) =>
        this.#down(() => {
          this.#options.tap.received(bytes)
          events.received(bytes)
        }),
      acknowledge: (ticket, verdict) => {
        const carriage = this.#open.get(ticket)
        this.#open.delete(ticket)
        if (carriage === undefined || verdict === "early") return
        this.#down(() => {
          if (carriage.seq > 0) {
            this.#options.tap.acknowledged(carriage.seq)
            events.acknowledged(carriage.seq)
          }
          carriage.taken?.()
        })
      },
      pause: (isPaused) => this.#pause(isPaused),
      close: (ending) => this.#closedByLink(ending)
    })
    this.#down(() => events.opened())
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) return
    const unread = this.#unread
    this.#unread = []
    for (const read of unread) this.#read(read)
  }

  #read(run: () => void): void {
    if (this.#isPaused) this.#unread.push(run)
    else run()
  }

  /** Runs on the node, after what was sent before; not while the way is silent. */
  #up(run: () => void): void {
    const { time } = this.#world
    const sent = Math.max(time.now, this.#silentUntil) + between(this.#random, ...wayMillis)
    this.#upArrival = Math.max(this.#upArrival, sent)
    time.at(this.#upArrival - time.now, () => !this.#isLinkGone && this.#read(run), this.#options.process.host)
  }

  /** Runs on the board, after what was sent before. */
  #down(run: () => void): void {
    const { time } = this.#world
    const sent = Math.max(time.now, this.#silentUntil) + between(this.#random, ...wayMillis)
    this.#downArrival = Math.max(this.#downArrival, sent)
    time.at(this.#downArrival - time.now, () => {
      if (!this.#isBoardGone) run()
    })
  }

  // ---- the board's end

  send(bytes: Uint8Array, carriage: Carriage): void {
    if (this.#isBoardGone) return
    const { ackMode, tap } = this.#options
    tap.sent(bytes, carriage.seq)
    const needsTicket = ackMode === 0 && carriage.qos === 1
    const ticket = needsTicket ? ++this.#tickets : noTicket
    if (needsTicket) this.#open.set(ticket, carriage)
    this.#up(() => this.#link?.receive(bytes, ticket))
    if (!needsTicket && carriage.taken !== undefined) this.#world.time.at(1, carriage.taken)
  }

  close(orderly: boolean): void {
    if (this.#isBoardGone) return
    this.#isBoardGone = true
    const { will } = this.#options.opening
    this.#up(() => this.#link?.lost(orderly ? {} : { will }))
  }

  /** The board's power is gone; its peer hears of it now or by silence. */
  powerLost(isNoticed: boolean): void {
    if (isNoticed) this.close(false)
    this.#isBoardGone = true
  }

  /** Nothing passes until then, ms of the run; what was sent meanwhile arrives late. */
  silence(until: number): void {
    this.#silentUntil = until
  }

  /** The connection is reset: both ends hear of it. */
  reset(): void {
    this.peerDied()
    this.#up(() => {
      this.#link?.lost({ will: this.#options.opening.will })
      this.#isLinkGone = true
    })
  }

  // ---- the node's end

  drain(): void {
    this.#link?.drain()
  }

  /** The process at the other end is gone, or the connection is. */
  peerDied(): void {
    this.#closed("lost")
  }

  #closedByLink(ending: Ending): void {
    this.#isLinkGone = true
    this.#closed(causeOf(ending))
  }

  #closed(cause: CloseCause): void {
    this.#down(() => {
      this.#isBoardGone = true
      this.#options.events.closed(cause)
    })
  }
}

const causeOf = (ending: Ending): CloseCause => {
  switch (ending) {
    case "superseded":
    case "draining":
    case "refused":
      return ending
    default:
      return "lost"
  }
}
