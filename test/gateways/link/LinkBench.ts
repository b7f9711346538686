/** A link on the bench: virtual time, a transport that records, and a device actor and cell that do as they are told. */
import { Result } from "effect"
import type { FrameOutcome, Links, Offer, ToGateway } from "../../../src/actors/Links.ts"
import type { AttachOutcome, AttachPorts, Evidence } from "../../../src/gateways/link/Attacher.ts"
import { Link } from "../../../src/gateways/link/Link.ts"
import { LinkCounters } from "../../../src/gateways/link/LinkCounters.ts"
import { defaultTerms, type LinkTerms } from "../../../src/gateways/link/LinkTerms.ts"
import type { Ending, LinkTransport, Verdict } from "../../../src/gateways/link/LinkTransport.ts"
import { Presence } from "../../../src/gateways/link/Presence.ts"
import { Publications } from "../../../src/gateways/link/Publications.ts"
import type { PayloadOf } from "../../../src/protocol/Contract.ts"
import type { Device } from "../../../src/protocol/Device.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { randomOf } from "../../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../../src/simulation/VirtualTime.ts"

export const id = "press-1"

/** An ask on its way to the device actor. */
export interface Ask {
  readonly at: number
  readonly request: PayloadOf<Device, "Attach">
  readonly answer: (outcome: AttachOutcome) => void
}

/** A frame offered to a cell. */
export interface Offered extends Offer {
  readonly owner: string
  readonly answer: (outcome: FrameOutcome) => void
}

export const consumed: FrameOutcome = { _tag: "Consumed" }

export class LinkBench {
  readonly time = new VirtualTime()
  readonly host: VirtualHost
  readonly asks: Array<Ask> = []
  readonly offers: Array<Offered> = []
  readonly losses: Array<PayloadOf<Device, "Lost">> = []
  readonly evidence: Array<Evidence> = []
  readonly acknowledged: Array<readonly [ticket: number, verdict: Verdict]> = []
  /** Everything that left towards the board, in order; an acknowledgement as its ticket. */
  readonly sent: Array<DownFrame | number> = []
  readonly pauses: Array<boolean> = []
  readonly presence = new Presence()
  readonly counters = new LinkCounters()
  readonly link: Link
  closedAs: Ending | undefined
  #receive: ((message: ToGateway) => void) | undefined

  constructor(
    options: { readonly ackMode?: 0 | 1; readonly terms?: Partial<LinkTerms>; readonly isOpen?: boolean } = {}
  ) {
    this.host = new VirtualHost(this.time, randomOf(1, "link"), {
      clockSkewMillis: 0,
      report: (what, cause) => {
        throw new Error(what, { cause })
      }
    })
    const links: Links = {
      node: "node-1",
      offer: (owner, offer, answer) => this.offers.push({ ...offer, owner, answer }),
      listen: (_, receive) => {
        this.#receive = receive
        return () => {
          this.#receive = undefined
        }
      }
    }
    const ports: AttachPorts = {
      host: this.host,
      links,
      attach: (_, request, answer) => this.asks.push({ at: this.time.now, request, answer }),
      lost: (_, payload) => this.losses.push(payload),
      evidence: (evidence) => this.evidence.push(evidence),
      presence: this.presence,
      publications: new Publications(),
      nextConnection: () => 7
    }
    const transport: LinkTransport = {
      ackMode: options.ackMode ?? 0,
      send: (bytes) => this.sent.push(Result.getOrThrow(decodeDown(bytes, bytes.length))),
      acknowledge: (ticket, verdict) => {
        this.acknowledged.push([ticket, verdict])
        this.sent.push(ticket)
      },
      pause: (isPaused) => this.pauses.push(isPaused),
      close: (ending) => {
        this.closedAs = ending
      }
    }
    this.link = new Link({
      ports,
      terms: { ...defaultTerms, ...options.terms },
      counters: this.counters,
      transport,
      ...(options.isOpen === true ? {} : { id })
    })
  }

  /** Runs `millis` of virtual time. */
  pass(millis: number): void {
    this.time.runUntil(this.time.now + millis)
  }

  up(frame: UpFrame, ticket = -1): void {
    this.link.receive(encodeUp(frame), ticket)
  }

  hello(changes: Partial<Extract<UpFrame, { type: "hello" }>> = {}, ticket = -1): void {
    this.up(
      {
        type: "hello",
        seq: 0,
        min: 1,
        max: 1,
        id,
        boot: 5,
        link: 1,
        up: 1_000,
        profile: "press",
        firmware: "1.0.0",
        caps: 0,
        rx: 65_536,
        ...changes
      },
      ticket
    )
  }

  /** Answers the oldest open ask: the cell is at `owner`, under `epoch`. */
  grant(epoch: number, last = 0, owner = "node-1"): void {
    this.asks.shift()?.answer(Result.succeed({ owner, epoch, last, desired: 3, sync: 1 }))
  }

  attach(epoch = 4, last = 0): void {
    this.hello()
    this.grant(epoch, last)
    this.sent.length = 0
  }

  report(seq: number, ticket = seq): void {
    this.up({ type: "report", seq, state: { n: seq } }, ticket)
  }

  /** What a cell sends. */
  down(message: ToGateway): void {
    this.#receive?.(message)
  }

  get isListening(): boolean {
    return this.#receive !== undefined
  }

  frames<Type extends DownFrame["type"]>(type: Type): Array<Extract<DownFrame, { type: Type }>> {
    const isOfType = (entry: DownFrame | number): entry is Extract<DownFrame, { type: Type }> =>
      typeof entry === "object" && entry.type === type
    return this.sent.filter(isOfType)
  }
}
