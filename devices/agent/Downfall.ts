/** Why a link ended, and what that says about the next one. */
import { codes } from "../../src/protocol/Codes.ts"
import { type ErrorDown, type GoodbyeDown, goodbyeReasons } from "../../src/protocol/frame/LinkFrames.ts"
import type { CloseCause } from "./Transport.ts"

/** Two boards with one id must not fight, ms; nor meet again at the same instant. */
const supersededMillis = 30_000
const supersededSpreadMillis = 5000

/** A node that leaves sends its boards elsewhere at once, spread over this long, ms. */
const drainMillis = 1000

const supersededDelay = (random: () => number): number => supersededMillis + random() * supersededSpreadMillis

/** The end of one link. */
export interface Downfall {
  /** Milliseconds, the next step of the backoff, or its cap. */
  readonly delay: number | "next" | "cap"
  readonly why: string
  /** Where to go instead. */
  readonly server?: string
}

/** After an error that ends the link; none when it does not. Before the welcome some end it that are not marked fatal. */
export const fallOfError = (error: ErrorDown, greeting: boolean): Downfall | undefined => {
  const why = `error ${error.code}${error.detail === undefined ? "" : ` (${error.detail})`}`
  switch (error.code) {
    case codes.WrongId:
    case codes.Unauthenticated:
    case codes.Retired:
    case codes.ENOKEY:
    case codes.EKEYEXPIRED:
    case codes.EKEYREVOKED:
    case codes.EKEYREJECTED:
      return greeting || error.fatal ? { delay: "cap", why } : undefined
    case codes.Quarantined:
    case codes.Draining:
    case codes.Unavailable:
      return greeting || error.fatal ? { delay: error.retry ?? "next", why } : undefined
    case codes.Version:
      return greeting || error.fatal ? { delay: "next", why } : undefined
    default:
      return error.fatal ? { delay: "next", why } : undefined
  }
}

/** After a goodbye of the gateway. */
export const fallOfGoodbye = (goodbye: GoodbyeDown, random: () => number): Downfall => {
  const why = goodbyeReasons[goodbye.reason] ?? `goodbye ${goodbye.reason}`
  switch (why) {
    case "draining":
      return {
        delay: goodbye.retry ?? random() * drainMillis,
        why,
        ...(goodbye.server === undefined ? {} : { server: goodbye.server })
      }
    case "superseded":
      return { delay: Math.max(goodbye.retry ?? 0, supersededDelay(random)), why }
    case "refused":
    case "retired":
    case "quarantined":
    case "too-many-errors":
      return { delay: goodbye.retry ?? "cap", why }
    default:
      return { delay: goodbye.retry ?? "next", why }
  }
}

/** After the transport closed by itself. */
export const fallOfClose = (cause: CloseCause, server: string | undefined, random: () => number): Downfall => {
  switch (cause) {
    case "lost":
      return { delay: "next", why: "connection lost" }
    case "refused":
      return { delay: "cap", why: "connection refused" }
    case "superseded":
      return { delay: supersededDelay(random), why: cause }
    case "draining":
      return { delay: random() * drainMillis, why: cause, ...(server === undefined ? {} : { server }) }
  }
}
