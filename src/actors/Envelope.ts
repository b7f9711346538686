/** A message on its way to a cell, and what comes back. */
import type { Asker } from "../protocol/Asker.ts"
import type { HolonError } from "../protocol/Errors.ts"

/** A tell's sender and its number there. A number that is not higher than the last one from that sender has no effect. */
export interface TellNumber {
  readonly from: string
  readonly version: number
  readonly index: number
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

/** A message in its travelling form: the payload as CBOR of its JSON form. */
export interface Posted {
  readonly message: string
  readonly body: Uint8Array
  readonly requestId: string
  readonly asker: Asker
  readonly tell?: TellNumber
}
