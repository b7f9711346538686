/** A message on its way to a cell, and what comes back. */
import type { Asker } from "../protocol/Asker.ts"
import { type HolonError, Unavailable } from "../protocol/Errors.ts"
import { chainIdOf } from "../protocol/Event.ts"

/** A tell's sender and its number there. A number that is not higher than the last one from that sender has no effect. */
export interface TellNumber {
  readonly from: string
  readonly version: number
  readonly index: number
  /** When it was told by its sender's clock, ms; the receiver's is not behind it. A member of an earlier release does not say. */
  readonly at?: number
  /** Events and requests that led to it. */
  readonly causes?: ReadonlyArray<string>
}

/** A UUIDv7 that each copy of a tell has; empty where a member of an earlier release does not say when it was told. */
export const tellIdOf = ({ from, version, index, at }: TellNumber): string => {
  if (at === undefined) return ""
  const slash = from.indexOf("/")
  return chainIdOf({ kind: from.slice(0, slash), id: from.slice(slash + 1), version, committedAt: at }, index)
}

/** Payload is decoded by the contract's schema. `requestId` is a UUIDv7 made at the edge: it carries its own end of life. */
export interface Envelope {
  readonly tell?: TellNumber
  readonly message: string
  readonly payload: unknown
  readonly requestId: string
  readonly asker: Asker
}

/**
 * `Refused` is a refusal of the contract. `Failed` is an error every actor may answer (`NotFound`, `Expired`,
 * `Backpressure`, `PolicyDenied`, `Unavailable`, `Internal`). `NotHere` means the cell has closed its door: ask again
 * through the cluster, the message had no effect.
 */
export type Reply =
  | { readonly _tag: "Success"; readonly value: unknown }
  | { readonly _tag: "Refused"; readonly error: unknown }
  | { readonly _tag: "Failed"; readonly error: HolonError }
  | { readonly _tag: "NotHere" }

/** The cell has closed its door. */
export const notHere: Reply = { _tag: "NotHere" }

/** A reply with an error that every actor may answer. */
export const failed = (error: HolonError): Reply => ({ _tag: "Failed", error })

/** Transient: the same request id may be sent again. */
export const unavailable = (cause: string): Reply => failed(new Unavailable({ cause }))

/** Cause of `Unavailable` when a commit has an unknown outcome: the same request id finds out. */
export const unconfirmed = "the store did not confirm"

/** A message in its travelling form: the payload as CBOR of its JSON form. */
export interface Posted {
  readonly message: string
  readonly body: Uint8Array
  readonly requestId: string
  readonly asker: Asker
  readonly tell?: TellNumber
}
