/** What gateways need of the node: asks of device actors, the way to their cells, and where evidence goes. */
import { Context, type Result } from "effect"
import type { Host } from "../../actors/Host.ts"
import type { Links } from "../../actors/Links.ts"
import type { PayloadOf, SuccessOf } from "../../protocol/Contract.ts"
import type { Device, DeviceRetired, LinkStale } from "../../protocol/Device.ts"
import type { HolonError } from "../../protocol/Errors.ts"
import type { Presence } from "./Presence.ts"
import type { Publications } from "./Publications.ts"

/** The device actor's answer to an attach. `Unavailable` may be tried again, the rest is final for this hello. */
export type AttachOutcome = Result.Result<SuccessOf<Device, "Attach">, LinkStale | DeviceRetired | HolonError>

/** Something a link shows about a board or whoever speaks in its place. Names are event types. */
export type Evidence =
  /** Five frames within a minute that no board of ours sends. */
  | { readonly type: "link.malformed-burst"; readonly id: string; readonly code: number }
  /** Far above its rate for half a minute. */
  | { readonly type: "link.flood"; readonly id: string }
  /** Two connections fight for one id. */
  | { readonly type: "link.duplicate"; readonly id: string }
  /** A topic it has no right to, or another's id. */
  | { readonly type: "link.denied"; readonly id: string; readonly what: string }
  /** A frame was not consumed in time; the link was closed without acknowledging it. */
  | { readonly type: "link.stuck"; readonly id: string }
  /** A hello of an older boot or link came again. It is counted, and no event: nothing has changed by it. */
  | { readonly type: "link.replayed"; readonly id: string }

/** How links reach device actors. Callbacks run on the host, once each. */
export interface AttachPorts {
  readonly host: Host
  readonly links: Links
  /** Asks the device actor of `id`, as its board. */
  readonly attach: (id: string, request: PayloadOf<Device, "Attach">, done: (outcome: AttachOutcome) => void) => void
  /** Tells the device actor that a link is over. Nobody waits; the actor's own lease covers a loss. */
  readonly lost: (id: string, payload: PayloadOf<Device, "Lost">) => void
  readonly evidence: (evidence: Evidence) => void
  /** Who is online, for subscribers of presence topics. One a node, shared by its gateways. */
  readonly presence: Presence
  /** What the cluster says under topics of its own. One a node, shared by its gateways. */
  readonly publications: Publications
  /** A number for a connection that this incarnation of the node never used before. */
  readonly nextConnection: () => number
}

/** The node's {@link AttachPorts}. */
export class Attacher extends Context.Service<Attacher, AttachPorts>()("holon/gateways/Attacher") {}
