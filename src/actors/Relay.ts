/**
 * Frames between a gateway on one node and cells on another: one ordered channel per pair of nodes, all boards batched,
 * one send per peer and turn of the event loop. On one node it is a call of the cell.
 */
import { decodeUp } from "../protocol/FrameCodec.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { Host } from "./Host.ts"
import type { FrameOutcome, Links, Offer, ToGateway } from "./Links.ts"

/** The channel to other nodes, keyed by node name and incarnation. Ordered; a break is told once. */
export interface RelayTransport {
  readonly send: (node: string, bytes: Uint8Array) => void
  readonly onBatch: (handler: (from: string, bytes: Uint8Array) => void) => void
  readonly onBroken: (handler: (node: string) => void) => void
}

/** A node's relay and what is around it. */
export interface RelayOptions {
  readonly node: string
  readonly host: Host
  readonly transport: RelayTransport
  /** The way to a resident cell of this node. */
  readonly frame: (offer: Offer, done: (outcome: FrameOutcome) => void) => void
}

/** Codes of items and outcomes on the channel between two nodes of one cluster version. */
const item = { offer: 0, outcome: 1, frames: 2, moved: 3, close: 4, publication: 5, probe: 6 } as const
const outcomes: ReadonlyArray<FrameOutcome["_tag"]> = ["Consumed", "NotHere", "Superseded", "Beyond"]
const frameBytesMax = 256 * 1024

/** What became of a trial job: `failed` at the node itself, or `unreached` where the way there is broken. */
export type ProbeOutcome = "done" | "failed" | "unreached"

interface Waiting {
  readonly node: string
  readonly done: (outcome: FrameOutcome) => void
}

const notHere: FrameOutcome = { _tag: "NotHere" }

/** The way of frames between this node's gateways and cells anywhere, and back. */
export class Relay implements Links {
  readonly node: string
  private readonly options: RelayOptions
  private readonly listeners = new Map<number, (message: ToGateway) => void>()
  private readonly outgoing = new Map<string, Array<unknown>>()
  private readonly waiting = new Map<number, Waiting>()
  private readonly readers = new Set<(topic: string, payload: Uint8Array) => void>()
  private probed: ((answer: (isDone: boolean) => void) => void) | undefined
  private nextTicket = 1
  private scheduled = false

  constructor(options: RelayOptions) {
    this.options = options
    this.node = options.node
    options.transport.onBatch((from, bytes) => this.receive(from, bytes))
    options.transport.onBroken((node) => this.broken(node))
  }

  offer(owner: string, offer: Offer, done: (outcome: FrameOutcome) => void): void {
    if (owner === this.node) return this.options.frame(offer, done)
    const ticket = this.nextTicket++
    this.waiting.set(ticket, { node: owner, done })
    this.queue(owner, [item.offer, ticket, offer.id, offer.epoch, offer.connection, offer.bytes])
  }

  listen(connection: number, receive: (message: ToGateway) => void): () => void {
    this.listeners.set(connection, receive)
    return () => this.listeners.delete(connection)
  }

  /** From a cell of this node to the gateway that holds its link. */
  toGateway(node: string, message: ToGateway): void {
    if (message._tag === "Broken") return
    if (node === this.node) {
      this.listeners.get(message.connection)?.(message)
      return
    }
    const { connection, epoch } = message
    switch (message._tag) {
      case "Frames":
        return this.queue(node, [item.frames, connection, epoch, message.frames])
      case "Moved":
        return this.queue(node, [item.moved, connection, epoch])
      case "Close":
        return this.queue(node, [item.close, connection, epoch, message.reason, message.retryMillis ?? null])
    }
  }

  /** A message under a topic for the broker of another node. Says whether that has it; one that cannot be reached has not. */
  publish(node: string, topic: string, payload: Uint8Array, done: (isTaken: boolean) => void): void {
    const ticket = this.nextTicket++
    this.waiting.set(ticket, { node, done: ({ _tag }) => done(_tag === "Consumed") })
    this.queue(node, [item.publication, ticket, topic, payload])
  }

  /** Messages of other nodes for the broker of this one. */
  onPublication(read: (topic: string, payload: Uint8Array) => void): void {
    this.readers.add(read)
  }

  /** Asks another node to do a little of all that it does. */
  probe(node: string, done: (outcome: ProbeOutcome) => void): void {
    const ticket = this.nextTicket++
    const told = ({ _tag }: FrameOutcome): void =>
      done(_tag === "Consumed" ? "done" : _tag === "Beyond" ? "failed" : "unreached")
    this.waiting.set(ticket, { node, done: told })
    this.queue(node, [item.probe, ticket])
  }

  /** Does what others ask this node for with {@link probe}. */
  onProbe(work: (answer: (isDone: boolean) => void) => void): void {
    this.probed = work
  }

  private queue(node: string, entry: ReadonlyArray<unknown>): void {
    const entries = this.outgoing.get(node)
    if (entries === undefined) this.outgoing.set(node, [entry])
    else entries.push(entry)
    if (this.scheduled) return
    this.scheduled = true
    this.options.host.defer(this.flush)
  }

  private readonly flush = (): void => {
    this.scheduled = false
    for (const [node, entries] of this.outgoing) this.options.transport.send(node, encodeStored(entries))
    this.outgoing.clear()
  }

  private receive(from: string, bytes: Uint8Array): void {
    const entries = decodeStored(bytes)
    if (!Array.isArray(entries)) return this.options.host.report(`relay: malformed batch from ${from}`, undefined)
    for (const entry of entries) if (Array.isArray(entry)) this.take(from, entry)
  }

  private take(from: string, entry: ReadonlyArray<unknown>): void {
    const [code, first, second, third, fourth, fifth] = entry
    if (typeof first !== "number") return
    switch (code) {
      case item.offer:
        if (
          typeof second === "string" &&
          typeof third === "number" &&
          typeof fourth === "number" &&
          fifth instanceof Uint8Array
        )
          this.forward(from, first, { id: second, epoch: third, connection: fourth, bytes: fifth })
        return
      case item.outcome: {
        const waiting = this.waiting.get(first)
        const tag = typeof second === "number" ? outcomes[second] : undefined
        if (waiting === undefined || tag === undefined) return
        this.waiting.delete(first)
        waiting.done({ _tag: tag })
        return
      }
      case item.frames:
        if (typeof second === "number" && Array.isArray(third))
          this.hand({ _tag: "Frames", connection: first, epoch: second, frames: third })
        return
      case item.publication:
        if (typeof second !== "string" || !(third instanceof Uint8Array)) return
        for (const read of this.readers) read(second, third)
        // A node that still starts has nobody to read it.
        this.queue(from, [item.outcome, first, outcomes.indexOf(this.readers.size > 0 ? "Consumed" : "NotHere")])
        return
      case item.probe: {
        const answer = (outcome: FrameOutcome["_tag"]): void =>
          this.queue(from, [item.outcome, first, outcomes.indexOf(outcome)])
        if (this.probed === undefined) return answer("NotHere")
        return this.probed((isDone) => answer(isDone ? "Consumed" : "Beyond"))
      }
      case item.moved:
        if (typeof second === "number") this.hand({ _tag: "Moved", connection: first, epoch: second })
        return
      case item.close:
        if (typeof second === "number" && typeof third === "number")
          this.hand({
            _tag: "Close",
            connection: first,
            epoch: second,
            reason: third,
            ...(typeof fourth === "number" && { retryMillis: fourth })
          })
    }
  }

  private hand(message: Exclude<ToGateway, { readonly _tag: "Broken" }>): void {
    this.listeners.get(message.connection)?.(message)
  }

  /** The gateway has checked the frame; decoding it again is cheaper than sending it taken apart. */
  private forward(from: string, ticket: number, offer: Omit<Offer, "frame">): void {
    const answer = (outcome: FrameOutcome): void =>
      this.queue(from, [item.outcome, ticket, outcomes.indexOf(outcome._tag)])
    const decoded = decodeUp(offer.bytes, frameBytesMax)
    if (decoded._tag === "Failure") return answer(notHere)
    this.options.frame({ ...offer, frame: decoded.success }, answer)
  }

  private broken(node: string): void {
    this.outgoing.delete(node)
    for (const [ticket, { node: owner, done }] of [...this.waiting]) {
      if (owner !== node) continue
      this.waiting.delete(ticket)
      done(notHere)
    }
    for (const receive of [...this.listeners.values()]) receive({ _tag: "Broken", node })
  }
}
