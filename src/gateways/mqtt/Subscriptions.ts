/** What a client has subscribed to: the frames of its board, and for operators who is online and what the cluster publishes. */
import type { ISubscribePacket } from "mqtt-packet"
import type { AttachPorts } from "../link/Attacher.ts"
import type { Present } from "../link/Presence.ts"
import type { Accepted } from "./Connect.ts"
import { isCleanText, reasons } from "./ControlPackets.ts"
import type { Letter } from "./Outbound.ts"
import { downTopic, isFilter, matches, presenceTopic } from "./Topics.ts"

/** Filters of one client: each message looks through all of them. */
const filtersMax = 100
const noContentType = Buffer.alloc(0)
const json = Buffer.from("application/json")

interface Subscription {
  readonly qos: 0 | 1
  /** Version 5: messages keep their retain flag. */
  readonly keepsRetain: boolean
}

/** What a SUBSCRIBE comes to. */
export interface Subscribed {
  /** Reason codes in the order of the packet. */
  readonly granted: ReadonlyArray<number>
  /** Filters that the client has no right to. */
  readonly denied: ReadonlyArray<string>
  /** Filters whose retained messages follow the SUBACK. */
  readonly retained: ReadonlyArray<string>
}

/** The filters of one connection; they end with it. */
export class Subscriptions {
  readonly #client: Accepted
  readonly #down: string | undefined
  readonly #ports: Pick<AttachPorts, "presence" | "publications">
  readonly #send: (letter: Letter) => void
  readonly #filters = new Map<string, Subscription>()
  #downQos: 0 | 1 | undefined
  #unwatch: (() => void) | undefined

  constructor(client: Accepted, ports: Pick<AttachPorts, "presence" | "publications">, send: (letter: Letter) => void) {
    this.#client = client
    this.#down = client.board === undefined ? undefined : downTopic(client.board)
    this.#ports = ports
    this.#send = send
  }

  /** QoS of the frames to the board; nothing while they are not subscribed to. */
  get downQos(): 0 | 1 | undefined {
    return this.#downQos
  }

  subscribe({ subscriptions }: ISubscribePacket): Subscribed {
    const retained: Array<string> = []
    const denied: Array<string> = []
    const granted = subscriptions.map(({ topic, qos, rap, rh = 0 }) => {
      const code = this.#grant(topic, qos === 0 ? 0 : 1)
      if (code >= 0x80) {
        if (code === reasons.notAuthorised) denied.push(topic)
        return this.#client.version === 5 ? code : 0x80
      }
      // Frames come by the link: nobody looks through a filter for them, nor through all of them for who is online.
      if (topic === this.#down) return code
      const isNew = !this.#filters.has(topic)
      this.#filters.set(topic, { qos: code === 0 ? 0 : 1, keepsRetain: rap === true })
      if (rh === 0 || (rh === 1 && isNew)) retained.push(topic)
      return code
    })
    return { granted, denied, retained }
  }

  /** Reason code of the filter's end. */
  unsubscribe(topic: string): number {
    const isOwn = topic === this.#down && this.#downQos !== undefined
    if (isOwn) this.#downQos = undefined
    return this.#filters.delete(topic) || isOwn ? reasons.success : reasons.noSubscription
  }

  /** Presence is the one thing that is retained here; every topic of the link's frames is its board's alone. */
  sendRetained(filters: ReadonlyArray<string>): void {
    if (!this.#client.isOperator || this.#filters.size === 0) return
    this.#unwatch ??= this.#watch()
    for (const [id, present] of this.#ports.presence.entries()) this.#present(id, present, filters, true)
  }

  end(): void {
    this.#unwatch?.()
  }

  /** The granted QoS, or the reason against it. */
  #grant(topic: string, qos: 0 | 1): number {
    if (!isCleanText(topic) || !isFilter(topic)) return reasons.filter
    if (topic === this.#down) {
      this.#downQos = qos
      return qos
    }
    if (topic.startsWith("$share/")) return reasons.sharedSubscription
    if (!this.#client.isOperator) return reasons.notAuthorised
    return this.#filters.has(topic) || this.#filters.size < filtersMax ? qos : reasons.quota
  }

  /** What is watched looks through the filters that there are then. */
  #watch(): () => void {
    const { presence, publications } = this.#ports
    const unwatchPresence = presence.watch((id, present) => this.#present(id, present, this.#filters.keys(), false))
    const unwatchPublications = publications.watch((topic, payload) => {
      const subscription = this.#best(topic, this.#filters.keys())
      if (subscription === undefined) return
      const { qos } = subscription
      const endsAt = undefined
      this.#send({ topic: Buffer.from(topic), payload, qos, isRetained: false, endsAt, contentType: json })
    })
    return () => {
      unwatchPresence()
      unwatchPublications()
    }
  }

  /** Of the filters that select the topic, the one with the highest QoS. */
  #best(topic: string, filters: Iterable<string>): Subscription | undefined {
    let best: Subscription | undefined
    for (const filter of filters) {
      const found = matches(filter, topic) ? this.#filters.get(filter) : undefined
      if (found !== undefined && (best === undefined || found.qos > best.qos)) best = found
    }
    return best
  }

  #present(id: string, { online, at, reason }: Present, filters: Iterable<string>, isRetained: boolean): void {
    const topic = presenceTopic(id)
    const best = this.#best(topic, filters)
    if (best === undefined) return
    this.#send({
      topic: Buffer.from(topic),
      payload: Buffer.from(JSON.stringify({ online, at, reason })),
      qos: best.qos,
      isRetained: isRetained || best.keepsRetain,
      endsAt: undefined,
      contentType: noContentType
    })
  }
}
