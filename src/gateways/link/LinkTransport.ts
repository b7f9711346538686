/** The seam between a link and what carries its frames. */

/** Why a connection ends; each transport has its own number for it. */
export type Ending =
  | "goodbye"
  | "draining"
  | "superseded"
  | "protocol"
  | "refused"
  | "too-large"
  | "flood"
  | "silent"
  | "unavailable"
  | "internal"

/**
 * How a publication was dealt with. `malformed` and `early` were refused by an error frame that went first; `unheard` and
 * `denied` were no frames of this link.
 */
export type Verdict = "durable" | "malformed" | "early" | "unheard" | "denied"

/** A ticket of a frame that the transport does not acknowledge. */
export const noTicket = -1

/** What a link needs of its connection. After `close` it calls none of these. */
export interface LinkTransport {
  /** 0: `acknowledge` is what the board waits for. 1: ack frames are. */
  readonly ackMode: 0 | 1
  /** Life of the frame in ms where it has one; the transport may drop it after that. */
  readonly send: (bytes: Uint8Array, qos: 0 | 1, lifeMillis: number | undefined) => void
  /** Called once for each received frame that has a ticket, in the order of receipt. */
  readonly acknowledge: (ticket: number, verdict: Verdict) => void
  /** Stops or goes on with reading from the board. */
  readonly pause: (isPaused: boolean) => void
  /** Sends what is still to be sent, then ends. */
  readonly close: (ending: Ending) => void
}
