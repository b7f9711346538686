/** All events of a board in one order: what its programs do and what happens to images, kept for a while, told to clients. */
import { Result } from "effect"
import type { Subscription as HubSubscription, ServiceClock } from "../../provisioning/EventHub.ts"
import type { Loader } from "../../provisioning/Loader.ts"
import type { ProvisioningEvent } from "../../provisioning/ProvisioningEvents.ts"
import type { EventData, ExecutiveEvent } from "../executive/Events.ts"
import { type Refusal, refuse } from "./Answer.ts"
import type { EventFilter } from "./EventFilter.ts"
import { type EventSink, Subscription } from "./Subscription.ts"

/** Events that are kept for clients that come late. */
export const historyMax = 4096

/** An event as clients read it. */
export interface BoardEvent {
  /** Counts by one for each event that is made, those for one client alone too: a client may see gaps, but never a lower number. */
  readonly seq: number
  /** Seconds since 1970; none on a board without wall clock. */
  readonly ts: number | null
  readonly type: string
  readonly pid: number | null
  readonly data: object
}

/** How a client subscribes. */
export interface SubscribeRequest {
  readonly token: string
  readonly maxEvents: number
  readonly filter: EventFilter
  /** Events after this number come first. */
  readonly since: number | undefined
  /** Progress events that may go unacknowledged before progress pauses; 0 never pauses. */
  readonly ackWindow: number
  /** Whether a transfer of this client is on its way: then its own slowness slows the progress of it. */
  readonly isLoading: () => boolean
  readonly sink: EventSink
}

interface Member {
  readonly subscription: Subscription
  readonly filter: EventFilter
  readonly hub: HubSubscription
  /** Numbers of progress events here and in the service, until they are acknowledged. */
  progress: Array<readonly [seq: number, hubSeq: number]>
}

/** What a subscription is for its client. */
export interface Hearing {
  readonly subscription: Subscription
  /** All events up to this number are read. */
  readonly acknowledge: (seq: number) => void
  /** Ends it; the way to the client is told. */
  readonly close: () => void
}

/** The events of one board. */
export class EventLog {
  readonly #clock: ServiceClock
  readonly #loader: Loader
  readonly #hub: HubSubscription
  readonly #members = new Set<Member>()
  /** The newest events, as a ring. */
  readonly #history: Array<BoardEvent> = []
  #oldestAt = 0
  #lastSeq = 0
  /** Number of the newest event that is no longer kept. */
  #evictedSeq = 0
  /** The latest event of the service, by its number there. */
  #provisioned: { readonly hubSeq: number; readonly event: BoardEvent } | undefined

  constructor(clock: ServiceClock, loader: Loader) {
    this.#clock = clock
    this.#loader = loader
    // Before all clients, so that an event has its number when the first of them hears it.
    this.#hub = loader.subscribe((event) => {
      this.#provisioned = { hubSeq: event.seq, event: this.#keep(this.#make(event.type, event.pid, event.data)) }
    })
  }

  /** The number of the last event. */
  get cursor(): number {
    return this.#lastSeq
  }

  /** An event of the executive. */
  heard({ data, pid, type }: ExecutiveEvent): void {
    const event = this.#keep(this.#make(type, pid, data))
    for (const { filter, subscription } of [...this.#members]) if (filter(type, pid)) subscription.offer(event)
  }

  /** ESTALE `seq_evicted` when events after `since` are no longer kept, `seq_ahead` when that number was never given. */
  subscribe(request: SubscribeRequest): Result.Result<Hearing, Refusal> {
    const { ackWindow, filter, isLoading, maxEvents, since, sink, token } = request
    const cursor = this.#lastSeq
    if (since !== undefined && since > cursor) {
      return Result.fail(refuse("ESTALE", `seq_ahead:${cursor}`, { cursor }))
    }
    if (since !== undefined && since < this.#evictedSeq) {
      const oldest = this.#ordered()[0]?.seq ?? cursor + 1
      return Result.fail(refuse("ESTALE", `seq_evicted:${oldest}`, { oldest_seq: oldest, cursor }))
    }
    const subscription = new Subscription({
      token,
      maxEvents,
      cursor,
      now: this.#clock.board,
      make: (data) => this.#make("warning", null, data),
      sink: { ...sink, ended: () => this.#leave(member, sink.ended) }
    })
    const member: Member = {
      subscription,
      filter,
      progress: [],
      hub: this.#loader.subscribe((event) => this.#offer(member, event), {
        ackWindow,
        wants: (event) => filter(event.type, event.pid),
        pressure: () => (isLoading() ? subscription.pressure : 0)
      })
    }
    this.#members.add(member)
    if (since !== undefined) {
      subscription.replay(
        this.#ordered().filter(({ pid, seq, type }) => seq > since && filter(type, pid)),
        since
      )
    }
    return Result.succeed({
      subscription,
      acknowledge: (seq) => {
        subscription.acknowledge(seq)
        this.#acknowledged(member)
      },
      close: () => this.#leave(member, sink.ended)
    })
  }

  /** Lets go of the service. */
  close(): void {
    for (const member of [...this.#members]) this.#leave(member)
    this.#hub.close()
  }

  #leave(member: Member, ended?: () => void): void {
    if (!this.#members.delete(member)) return
    member.hub.close()
    member.subscription.close()
    ended?.()
  }

  /** An event of the service; one that was held back for this client is a new one, which nobody else hears. */
  #offer(member: Member, event: ProvisioningEvent): void {
    const known = this.#provisioned?.hubSeq === event.seq ? this.#provisioned.event : undefined
    const told = known ?? this.#make(event.type, event.pid, event.data)
    if (event.type === "provisioning.progress") member.progress.push([told.seq, event.seq])
    member.subscription.offer(told)
  }

  #acknowledged(member: Member): void {
    const { lastAck } = member.subscription.status
    const read = member.progress.findLast(([seq]) => seq <= lastAck)
    if (read === undefined) return
    member.progress = member.progress.filter(([seq]) => seq > lastAck)
    member.hub.acknowledge(read[1])
  }

  #make(type: string, pid: number | null, data: EventData | ProvisioningEvent["data"]): BoardEvent {
    this.#lastSeq += 1
    const wall = this.#clock.wall?.()
    return { seq: this.#lastSeq, ts: wall === undefined ? null : wall / 1000, type, pid, data }
  }

  #keep(event: BoardEvent): BoardEvent {
    if (this.#history.length < historyMax) {
      this.#history.push(event)
      return event
    }
    this.#evictedSeq = this.#history[this.#oldestAt]?.seq ?? this.#evictedSeq
    this.#history[this.#oldestAt] = event
    this.#oldestAt = (this.#oldestAt + 1) % historyMax
    return event
  }

  /** What is kept, the oldest first. */
  #ordered(): ReadonlyArray<BoardEvent> {
    return [...this.#history.slice(this.#oldestAt), ...this.#history.slice(0, this.#oldestAt)]
  }
}
