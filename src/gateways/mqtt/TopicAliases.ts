/** Which topic a publication of a client is for, spelled out or by an alias of version 5 (section 3.3.2.3.4). */
import { reasons } from "./ControlPackets.ts"
import type { Publication } from "./Publication.ts"

/** Aliases a client may use. */
export const aliasesMax = 4

/** The aliases that one client has set. */
export class TopicAliases {
  readonly #topics = new Map<number, Buffer>()

  /** The topic, or the reason why there is none. */
  topicOf({ topic, alias }: Publication): Buffer | number {
    if (topic.includes(0)) return reasons.topic
    if (alias === 0) return topic.length === 0 ? reasons.topic : topic
    if (alias > aliasesMax) return reasons.alias
    if (topic.length === 0) return this.#topics.get(alias) ?? reasons.protocol
    // The packet's memory goes with the packet.
    this.#topics.set(alias, Buffer.from(topic))
    return topic
  }
}
