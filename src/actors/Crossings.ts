/**
 * The router of a node's tells: what travels along no channel of a VSM is refused, and what travels is counted against what its
 * channel is meant for. The guard of the recursion hears of both and says so on the event stream, each once a while.
 */
import { PolicyDenied } from "../protocol/Errors.ts"
import { uuidV7 } from "../protocol/Ids.ts"
import { encodeStored } from "../protocol/Stored.ts"
import { channelOf, purposes, systemsOf } from "../protocol/vsm/Channels.ts"
import { Recursion } from "../protocol/vsm/Recursion.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"
import { type Address, addressKey, type Host } from "./Host.ts"
import type { Registry } from "./Registry.ts"
import type { Surroundings } from "./Surroundings.ts"

/** The same is said again after this, ms. */
const quietMillis = 60_000
const attemptMillis = 10_000
const windowMillis = 1000
/** Windows and words that are remembered before the old ones are forgotten. */
const rememberedMax = 10_000

/** A message as the router sees it. */
export interface Crossing {
  /** Address of the sender, as one text. */
  readonly from: string
  readonly to: Address
  readonly tag: string
  readonly isForPeople: boolean
}

/** What it needs of its node. */
interface Surrounding {
  readonly host: Host
  readonly registry: Registry
  readonly post: Surroundings["post"]
}

/** See the file. One of each node. */
export class Crossings {
  private readonly node: Surrounding
  /** By VSM and channel, what has travelled since when. */
  private readonly windows = new Map<string, { since: number; count: number }>()
  /** When something was said last. */
  private readonly said = new Map<string, number>()

  constructor(node: Surrounding) {
    this.node = node
  }

  /** Why a tell may not be taken; nothing where it may. */
  refusalOf({ from, to, tag, isForPeople }: Crossing): PolicyDenied | undefined {
    const kind = from.slice(0, from.indexOf("/"))
    const channel = channelOf(kind, to.kind, { tag, isForPeople })
    if (channel === undefined) {
      this.say({ from, to: addressKey(to), message: tag, reason: "channel" })
      return new PolicyDenied({
        policyIds: [],
        reason: "channel",
        guidance: `no channel of a VSM leads with ${tag} from ${from} to ${addressKey(to)}`
      })
    }
    if (systemsOf.has(to.kind) && to.kind !== "device") this.count({ from, to, tag, isForPeople }, channel)
    return undefined
  }

  /** Too much is said, and not refused: what must arrive waits in its sender's row anyway. */
  private count({ from, to, tag }: Crossing, channel: string): void {
    const most = purposes.get(channel)?.perSecond
    if (most === undefined) return
    const now = this.node.host.now()
    const key = `${to.id} ${channel}`
    const window = this.windows.get(key)
    if (window === undefined || now >= window.since + windowMillis) {
      if (this.windows.size >= rememberedMax) this.windows.clear()
      this.windows.set(key, { since: now, count: 1 })
    } else if (++window.count === most + 1)
      this.say({ from, to: addressKey(to), message: tag, reason: "quota", channel, perSecond: most })
  }

  private say(violation: {
    readonly from: string
    readonly to: string
    readonly message: string
    readonly reason: "channel" | "quota"
    readonly channel?: string
    readonly perSecond?: number
  }): void {
    const { host, registry, post } = this.node
    const { from, to, message, reason, channel } = violation
    const key = reason === "quota" ? `${to} ${channel}` : `${from} ${to} ${message}`
    const now = host.now()
    if (now < (this.said.get(key) ?? Number.NEGATIVE_INFINITY) + quietMillis || !registry.has(Recursion.kind)) return
    if (this.said.size >= rememberedMax) this.said.clear()
    this.said.set(key, now)
    const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(host.random() * 256))
    post(
      { kind: Recursion.kind, id: rootId },
      {
        message: "NoteViolation",
        body: encodeStored(violation),
        requestId: uuidV7(now, randomBytes),
        asker: { kind: "service", id: "router", role: "internal" }
      },
      attemptMillis,
      () => {}
    )
  }
}
