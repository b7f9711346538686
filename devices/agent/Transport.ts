/** What an agent needs of the wire: connections that carry whole frames in order, or end. */

/** Why a connection ended, as far as the transport can tell. */
export type CloseCause =
  /** The peer went away, or was never there. */
  | "lost"
  /** Credentials or rights were refused: trying again soon is of no use. */
  | "refused"
  /** Another connection of this board has taken over. */
  | "superseded"
  /** The node leaves; another one takes the board. */
  | "draining"

/** What a connection tells its agent. Nothing comes after `closed`, nothing before the call of `open` returned. */
export interface ConnectionEvents {
  /** Authenticated and able to carry frames both ways. */
  readonly opened: () => void
  readonly received: (bytes: Uint8Array) => void
  /** The peer acknowledged the publication that carried this number. Transports without acknowledgements never call it. */
  readonly acknowledged: (seq: number) => void
  /** Called once, not after the agent's own `close`. */
  readonly closed: (cause: CloseCause, server?: string) => void
}

/** How a frame travels. */
export interface Carriage {
  /** 0 when unnumbered. */
  readonly seq: number
  readonly qos: 0 | 1
  /** Called once the peer, or where it cannot tell the operating system, has the frame. May never be called. */
  readonly taken?: () => void
}

/** One connection. After `close` its agent hears nothing of it. */
export interface Connection {
  readonly send: (bytes: Uint8Array, carriage: Carriage) => void
  /** Orderly after a goodbye; else the peer may take the will as sent. */
  readonly close: (orderly: boolean) => void
}

/** What a new connection needs beforehand. */
export interface Opening {
  readonly id: string
  /** Frame the peer shall take as sent when the connection breaks. */
  readonly will: Uint8Array
  /** Address given by a goodbye; absent is the configured one. */
  readonly server?: string
}

/** Opens connections, one at a time. Every failure is a `closed` of that connection. */
export interface Transport {
  readonly open: (opening: Opening, events: ConnectionEvents) => Connection
}
