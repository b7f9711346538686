/** The words of mailboxes: statuses, message flags, modes and limits. */

/** Statuses a program finds in R0. */
export const mailboxStatus = {
  ok: 0,
  /** No room now. */
  wouldBlock: 1,
  invalidHandle: 2,
  noData: 3,
  /** It would not fit into the empty mailbox. */
  messageTooLarge: 4,
  /** No mailbox or handle left. */
  noDescriptor: 5,
  timeout: 7,
  /** A bad name or a bad address. */
  internalError: 0xff
} as const

/** Flags of a message. */
export const messageFlags = { stdout: 1, stderr: 2, outOfBand: 4, overrun: 8 } as const

/** Bits of a mailbox's mode that change what it does. Reading and writing rights are kept and not enforced. */
export const modeBits = { readWrite: 0x03, fanout: 0x08, fanoutDrop: 0x10, fanoutBlock: 0x20 } as const

/** Bytes of a mailbox whose maker asks for none. */
export const capacityDefault = 64
/** What a message costs beside its bytes. */
const messageOverheadBytes = 8
/** A timeout that never comes. */
export const timeoutInfinite = 0xffff
/** Process id of the host. */
export const hostPid = 0

/** One message. */
export interface Message {
  readonly data: Uint8Array
  readonly flags: number
  readonly channel: number
  readonly sourcePid: number
}

/** A message in a queue, counted from 0 per mailbox. */
export interface QueuedMessage extends Message {
  readonly sequence: number
}

/** Bytes a message takes of its mailbox. */
export const messageCost = (data: Uint8Array): number => data.length + messageOverheadBytes

/** Limits of the pool. */
export interface MailboxLimits {
  readonly mailboxes: number
  /** Handles of one task, and mailboxes one task may make. The host has no such limit. */
  readonly handles: number
  /** Copies a tap gets within a second unless it asks for another rate; none for no limit. */
  readonly tapRate: number | undefined
}
