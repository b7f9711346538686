/** The seam between a gateway, which holds a board's connection, and the cell that mirrors the board. */
import type { UpFrame } from "../protocol/Frame.ts"

/** Where a link ends: one connection on the gateway of one node. Connection numbers are never used again by a node. */
export interface LinkEnd {
  /** Name of the node and its incarnation. */
  readonly node: string
  readonly connection: number
}

/** From a cell to the gateway that holds its link. Frames are encoded and carry the epoch. */
export type ToGateway =
  | {
      readonly _tag: "Frames"
      readonly connection: number
      readonly epoch: number
      readonly frames: ReadonlyArray<Uint8Array>
    }
  /** The cell goes away without a successor's word: attach again, without disturbing the board. */
  | { readonly _tag: "Moved"; readonly connection: number; readonly epoch: number }
  /** The way to this node is broken: who has its cell there attaches again. Sent to every connection. */
  | { readonly _tag: "Broken"; readonly node: string }
  /** The link is over: say goodbye with this reason (number of the goodbye frame) and close. */
  | {
      readonly _tag: "Close"
      readonly connection: number
      readonly epoch: number
      readonly reason: number
      readonly retryMillis?: number
    }

/** What became of an up frame. */
export type FrameOutcome =
  /** Durable, or refused by a frame that came before this. Acknowledge it. */
  | { readonly _tag: "Consumed" }
  /** No open cell here, or its commit failed: offer the frame again after a new attach. */
  | { readonly _tag: "NotHere" }
  /** Another link has taken over this board. */
  | { readonly _tag: "Superseded" }
  /** Too far ahead of the last number in order: neither consumed nor acknowledged. */
  | { readonly _tag: "Beyond" }

/** Offer it again after a new attach. */
export const frameNotHere: FrameOutcome = { _tag: "NotHere" }
/** See {@link FrameOutcome}. */
export const frameSuperseded: FrameOutcome = { _tag: "Superseded" }
/** See {@link FrameOutcome}. */
export const frameBeyond: FrameOutcome = { _tag: "Beyond" }
/** Acknowledge it. */
export const frameConsumed: FrameOutcome = { _tag: "Consumed" }

/** One up frame on its way to a cell. */
export interface Offer {
  readonly id: string
  readonly epoch: number
  readonly connection: number
  readonly frame: UpFrame
  /** The frame as it came, for the relay to another node. */
  readonly bytes: Uint8Array
}

/** What a gateway uses. Callbacks run on the host, once each. */
export interface Links {
  /** Name of this node and its incarnation; `LinkEnd.node` of its own links. */
  readonly node: string
  /** Hands an up frame to the cell at `owner`, directly when that is this node, else by the relay. In order per owner. */
  readonly offer: (owner: string, offer: Offer, done: (outcome: FrameOutcome) => void) => void
  /** Messages for a connection come here from now on; the answer unregisters. */
  readonly listen: (connection: number, receive: (message: ToGateway) => void) => () => void
}
