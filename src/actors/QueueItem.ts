/** What waits in the queue of a cell, and how often it was tried. */
import type { EffectOrder } from "./Behaviour.ts"
import type { Envelope, Reply } from "./Envelope.ts"
import type { FrameOutcome, Offer } from "./Links.ts"
import type { Origin } from "./Origin.ts"
import type { EncodedTell } from "./Outbox.ts"

/** A message from anywhere. */
export interface MessageItem {
  readonly _tag: "Message"
  readonly envelope: Envelope
  readonly done: (reply: Reply) => void
  tries: number
}

/** An up frame of the board's current link. */
export interface FrameItem {
  readonly _tag: "Frame"
  readonly offer: Offer
  readonly done: (outcome: FrameOutcome) => void
  tries: number
}

/** A tell of this actor will never arrive; it stays in the row until that has been heard. */
export interface UndeliveredItem {
  readonly _tag: "Undelivered"
  readonly tell: EncodedTell
  readonly number: string
  readonly cause: string
  tries: number
}

/** The outcome of an effect. */
export interface CompletedItem {
  readonly _tag: "Completed"
  readonly order: EffectOrder
  readonly outcome: unknown
  readonly origin: Origin
  tries: number
}

/** Also the actor's waking and the outcome of an effect pass through the queue. */
export type QueueItem =
  | MessageItem
  | FrameItem
  | { readonly _tag: "Timeout"; tries: number }
  | CompletedItem
  | UndeliveredItem

/** What it is, in few words, for logs and dead letters. */
export const describe = (item: QueueItem): string => {
  switch (item._tag) {
    case "Message":
      return item.envelope.message
    case "Frame":
      return `frame ${item.offer.frame.type}`
    case "Timeout":
      return "timeout"
    case "Completed":
      return `effect ${item.order.name}`
    case "Undelivered":
      return `undelivered ${item.tell.message}`
  }
}
