/** Numbers the events of the provisioning service and hands them to subscribers; holds progress back from those that ask for it. */
import type { Clock } from "../agent/Clock.ts"
import type { ProvisioningEvent, Unnumbered } from "./ProvisioningEvents.ts"

/** Time as this service needs it. */
export type ServiceClock = Pick<Clock, "board" | "schedule"> & Partial<Pick<Clock, "wall">>

/** Without an acknowledgement for this long, one progress event goes out, and again after as long. */
const silenceMillis = 5000

/** What a subscriber may ask for. */
export interface SubscriptionOptions {
  /** Progress events that may go unacknowledged before progress pauses; 0, the default, never pauses. */
  readonly ackWindow?: number
  /** How full the subscriber's queue is; 1 is full. Default: never. */
  readonly pressure?: () => number
  /** Which events it hears; all unless given. What it does not hear asks for no acknowledgement. */
  readonly wants?: (event: Unnumbered) => boolean
}

/** One subscriber. It hears all events from now on, in order. */
export interface Subscription {
  /** All events up to this number are read. A lower number than before changes nothing. */
  readonly acknowledge: (seq: number) => void
  readonly close: () => void
}

type ProgressEvent = Extract<Unnumbered, { readonly type: "provisioning.progress" }>

interface Subscriber {
  readonly listener: (event: ProvisioningEvent) => void
  readonly ackWindow: number
  readonly pressure: () => number
  readonly wants: (event: Unnumbered) => boolean
  /** Numbers of the progress events it has not acknowledged. */
  unacknowledged: Array<number>
  /** The latest progress held back, by transfer, and how many it stands for. */
  readonly held: Map<number, { readonly event: ProgressEvent; readonly coalesced: number }>
  cancelSilence: (() => void) | undefined
}

/** The events of one service. Listeners run one after another; what a listener causes comes after. */
export class EventHub {
  readonly #clock: ServiceClock
  readonly #subscribers = new Set<Subscriber>()
  #seq = 0
  #queue: Array<() => void> = []
  #draining = false

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  /** The fullest queue among the subscribers. */
  get pressure(): number {
    let pressure = 0
    for (const subscriber of this.#subscribers) pressure = Math.max(pressure, subscriber.pressure())
    return pressure
  }

  subscribe(listener: (event: ProvisioningEvent) => void, options: SubscriptionOptions = {}): Subscription {
    const subscriber: Subscriber = {
      listener,
      ackWindow: options.ackWindow ?? 0,
      pressure: options.pressure ?? (() => 0),
      wants: options.wants ?? (() => true),
      unacknowledged: [],
      held: new Map(),
      cancelSilence: undefined
    }
    this.#subscribers.add(subscriber)
    return {
      acknowledge: (seq) => this.#acknowledge(subscriber, seq),
      close: () => {
        this.#subscribers.delete(subscriber)
        subscriber.cancelSilence?.()
      }
    }
  }

  /** Tells everybody. The last progress before a completion passes every window: nobody may miss that all bytes are there. */
  emit(event: Unnumbered, last = false): void {
    this.#later(() => {
      const numbered = this.#numbered(event)
      for (const subscriber of [...this.#subscribers]) {
        if (!subscriber.wants(event)) continue
        if (event.type === "provisioning.progress") this.#offer(subscriber, event, numbered, last)
        else {
          // Progress after the end of its transfer would be out of order.
          if (event.type !== "provisioning.started") subscriber.held.delete(event.data.xfer)
          subscriber.listener(numbered)
        }
      }
    })
  }

  #numbered(event: Unnumbered): ProvisioningEvent {
    this.#seq += 1
    const wall = this.#clock.wall?.()
    return { ...event, seq: this.#seq, ts: wall === undefined ? null : wall / 1000 }
  }

  #later(run: () => void): void {
    this.#queue.push(run)
    if (this.#draining) return
    this.#draining = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
    } finally {
      this.#draining = false
      this.#queue = []
    }
  }

  #offer(subscriber: Subscriber, event: ProgressEvent, numbered: ProvisioningEvent, last: boolean): void {
    const { ackWindow, held, unacknowledged } = subscriber
    if (!last && ackWindow > 0 && unacknowledged.length >= ackWindow) {
      const before = held.get(event.data.xfer)
      held.set(event.data.xfer, {
        event,
        coalesced: event.data.coalesced + (before === undefined ? 0 : before.coalesced + 1)
      })
      return
    }
    held.delete(event.data.xfer)
    this.#deliver(subscriber, numbered)
  }

  #deliver(subscriber: Subscriber, event: ProvisioningEvent): void {
    if (subscriber.ackWindow > 0) {
      subscriber.unacknowledged.push(event.seq)
      if (subscriber.unacknowledged.length >= subscriber.ackWindow) this.#awaitAcknowledgement(subscriber)
    }
    subscriber.listener(event)
  }

  #awaitAcknowledgement(subscriber: Subscriber): void {
    if (subscriber.cancelSilence !== undefined) return
    subscriber.cancelSilence = this.#clock.schedule(silenceMillis, () => {
      subscriber.cancelSilence = undefined
      this.#later(() => {
        if (!this.#release(subscriber)) this.#awaitAcknowledgement(subscriber)
      })
    })
  }

  /** Hands out one held progress as a fresh event. */
  #release(subscriber: Subscriber): boolean {
    for (const [xfer, { event, coalesced }] of subscriber.held) {
      subscriber.held.delete(xfer)
      this.#deliver(subscriber, this.#numbered({ ...event, data: { ...event.data, coalesced } }))
      return true
    }
    return false
  }

  #acknowledge(subscriber: Subscriber, seq: number): void {
    subscriber.unacknowledged = subscriber.unacknowledged.filter((number) => number > seq)
    if (subscriber.ackWindow > 0 && subscriber.unacknowledged.length < subscriber.ackWindow) {
      subscriber.cancelSilence?.()
      subscriber.cancelSilence = undefined
      this.#later(() => {
        while (subscriber.unacknowledged.length < subscriber.ackWindow && this.#release(subscriber));
      })
    }
  }
}
