/** From a board's hello to the ask for its device actor, and from the actor's answer to the welcome. */
import { codes } from "../../protocol/Codes.ts"
import type { PayloadOf, SuccessOf } from "../../protocol/Contract.ts"
import type { Device, DeviceRetired, LinkStale } from "../../protocol/Device.ts"
import type { HolonError } from "../../protocol/Errors.ts"
import { protocolVersion } from "../../protocol/FrameTable.ts"
import { type Hello, sync, type Welcome } from "../../protocol/frame/LinkFrames.ts"
import { type LinkTerms, reattachMillisMax } from "./LinkTerms.ts"
import type { Ending } from "./LinkTransport.ts"

const quarantineRetryMillis = 60_000

/** Where a link ends, and what it grants. */
export interface LinkSide {
  readonly node: string
  readonly connection: number
  readonly terms: LinkTerms
  readonly ackMode: 0 | 1
}

/** The ask of a hello that came `age` ms ago. */
export const attachRequest = (
  hello: Hello,
  age: number,
  { node, connection, terms }: LinkSide
): PayloadOf<Device, "Attach"> => ({
  node,
  connection,
  boot: hello.boot,
  link: hello.link,
  up: hello.up + age,
  profile: hello.profile,
  firmware: hello.firmware,
  caps: hello.caps,
  rx: hello.rx,
  requests: Math.max(1, hello.requests ?? 1),
  desired: hello.desired ?? 0,
  leaseMillis: terms.leaseMillis,
  ...(hello.reset === undefined ? {} : { reset: hello.reset }),
  ...(hello.zone === undefined ? {} : { zoneOfBoard: hello.zone })
})

/** The welcome for an actor's answer. After the first the board sends nothing again: the gateway has it. */
export const welcomeOf = (
  { epoch, last, desired, sync: asked, zone }: SuccessOf<Device, "Attach">,
  isFirst: boolean,
  wall: number,
  { node, terms, ackMode }: LinkSide
): Welcome => ({
  type: "welcome",
  epoch,
  version: protocolVersion,
  last,
  wall,
  heartbeat: terms.heartbeatMillis,
  lease: terms.leaseMillis,
  rx: terms.frameBytesMax,
  window: terms.window,
  ackMode,
  sync: isFirst ? asked : asked | sync.doNotResend,
  desired,
  node: node.slice(0, 64),
  ...(zone === undefined ? {} : { zone }),
  ...(terms.framesPerSecond > 0 ? { rate: Math.min(65_535, terms.framesPerSecond) } : {})
})

/** What a link does when the actor did not attach it. */
export type AttachRefused =
  | "again"
  | "superseded"
  | { readonly code: number; readonly retry?: number; readonly ending: Ending }

/** Reads the actor's refusal, or the cluster's. */
export const refusedAttach = (error: LinkStale | DeviceRetired | HolonError): AttachRefused => {
  switch (error._tag) {
    case "Unavailable":
      // A quarantine ends by a person's hand, everything else by itself.
      return error.cause === "quarantined"
        ? {
            code: codes.Quarantined,
            retry: Math.ceil(error.retryAfterMs ?? quarantineRetryMillis),
            ending: "unavailable"
          }
        : "again"
    case "Timeout":
    case "Backpressure":
    case "Expired":
      return "again"
    case "LinkStale":
      return "superseded"
    case "DeviceRetired":
      return { code: codes.Retired, ending: "refused" }
    case "PolicyDenied":
    case "ZoneDenied":
    case "Unauthenticated":
      return { code: codes.Unauthenticated, ending: "refused" }
    default:
      return { code: codes.Internal, retry: reattachMillisMax, ending: "internal" }
  }
}
