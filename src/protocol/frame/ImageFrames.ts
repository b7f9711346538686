/** Frames that bring an image to a board, and orders about what it holds. */
import type { Down, Up } from "./Head.ts"

/** Starts or resumes a transfer. */
export interface ImageOffer extends Down {
  readonly type: "image-offer"
  readonly xfer: number
  readonly sha256: Uint8Array
  readonly size: number
  readonly kind: number
  /** COSE_Sign1. */
  readonly manifest: Uint8Array
  /** Bytes a chunk, a power of two. */
  readonly chunk: number
  readonly window: number
  /** Bits of `imageFlags`. */
  readonly flags?: number
  readonly instance?: string
}

/** Bits of `ImageOffer.flags`. */
export const imageFlags = { autostart: 1, persist: 2, replace: 4, keepOld: 8 } as const

/** One piece of an image, from byte `index` × chunk size. */
export interface Chunk extends Down {
  readonly type: "chunk"
  readonly xfer: number
  readonly index: number
  readonly data: Uint8Array
  /** CRC-16/CCITT-FALSE of `data`. */
  readonly crc?: number
}

/** What the board holds of a transfer; `next` is the first index it does not. */
export interface ImageAck extends Up {
  readonly type: "image-ack"
  readonly xfer: number
  readonly next: number
  /** A number of `imageStates`. */
  readonly state: number
  /** 0 when absent. */
  readonly code?: number
  /** Bytes. */
  readonly have?: number
  readonly window?: number
  readonly missing?: ReadonlyArray<number>
}

/** Numbers of `ImageOp.op`. */
export const imageOps = { verify: 1, commit: 2, confirm: 3, rollback: 4, abort: 5, status: 6, slots: 7 } as const

/** An order about a transfer or about the slots. */
export interface ImageOp extends Down {
  readonly type: "image-op"
  /** A number of `imageOps`. */
  readonly op: number
  readonly xfer?: number
  /** For a rollback; 0 is the previous one. */
  readonly generation?: number
  /** For an abort: 0 user, 1 timeout, 2 error, 3 transport. */
  readonly reason?: number
  readonly req: number
}

/** Names of the states of a transfer, by number. */
export const imageStates = [
  "idle",
  "loading",
  "verify",
  "ready",
  "failed",
  "aborting",
  "staged",
  "committed",
  "trial",
  "confirmed",
  "rolled-back"
] as const

/** State of a transfer, or of the slots. */
export interface ImageStatus extends Up {
  readonly type: "image-status"
  readonly xfer?: number
  /** A number of `imageStates`. */
  readonly state: number
  readonly code?: number
  readonly detail?: string
  readonly generation?: number
  readonly slot?: string
  readonly sha256?: Uint8Array
  readonly slots?: ReadonlyArray<SlotStatus>
  readonly req?: number
  readonly secver?: number
}

/** One firmware slot; `state` is 0 empty, 1 staging, 6 staged, 7 pending, 8 trial, 9 confirmed, 10 bad, 11 old. */
export interface SlotStatus {
  readonly slot?: string
  readonly sha256?: Uint8Array
  readonly version?: string
  readonly state?: number
  readonly generation?: number
  readonly wear?: number
}
