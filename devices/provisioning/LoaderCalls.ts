/** What is asked of the provisioning service, and what it answers. */
import type { HxeHeader, HxeSection } from "../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../Refused.ts"
import type { AccessLevel } from "./Access.ts"
import type { Kept, PersistTarget } from "./ImageKeeper.ts"
import type { RegisteredProgram } from "./ProgramHost.ts"
import type { AbortReason, Phase } from "./ProvisioningEvents.ts"
import type { Source } from "./Source.ts"
import type { TransferState } from "./TransferStates.ts"

/** Who asks. Transfers belong to the client that began them. */
export interface Caller {
  readonly id: string
  readonly level: AccessLevel
}

/** The board itself: its boot list and its tests. */
export const boardCaller: Caller = { id: "board", level: 3 }

/** Starts a transfer. */
export interface BeginRequest {
  readonly source: Source
  readonly label?: string
  /** Bytes of the whole file. */
  readonly totalBytes?: number
  readonly fileCrc32?: number
  /** A wish; the reply says what holds. */
  readonly chunkBytesMax?: number
  /** The name the header must have. */
  readonly appName?: string
  readonly pidHint?: number
  /** Replace a running program of the same name. */
  readonly replace?: boolean
  readonly autostart?: boolean
  /** It waits until it is started, whatever `autostart` says to those who keep it. */
  readonly hold?: boolean
  /** Keep the image over a restart once it runs. */
  readonly persist?: boolean
  /** Bits of the sequence numbers on this transport; they wrap. Default 32. */
  readonly sequenceBits?: 16 | 32
}

/** A transfer is named by its number or by the pid it has reserved. */
export type TransferName = { readonly xfer: number } | { readonly pid: number }

/** In every reply. */
export interface TransferReply {
  readonly xfer: number
  readonly pid: number
  readonly state: TransferState
}

/** Answer to begin. */
export interface BeginReply extends TransferReply {
  readonly nextSeq: number
  readonly chunkBytesMax: number
}

/** One chunk. An empty one only keeps the transfer alive. */
export interface WriteRequest {
  readonly seq: number
  readonly data: Uint8Array
  /** Of this chunk alone. */
  readonly crc32?: number
}

/** Answer to write. */
export interface WriteReply extends TransferReply {
  /** Bytes of this chunk that were stored. */
  readonly bytes: number
  readonly nextSeq: number
  readonly totalWritten: number
  readonly isDuplicate: boolean
}

/** All chunks were sent. What is given here wins over what begin said. */
export interface EndRequest {
  readonly fileCrc32?: number
  readonly sha256?: Uint8Array
  /** The file beside an image that has no room for a signature inside. */
  readonly detachedSignature?: Uint8Array
  readonly autostart?: boolean
  readonly persist?: boolean
}

/** The program is on the board. */
export interface EndReply extends TransferReply {
  readonly hxeCrc32: number
  readonly header: HxeHeader
  /** The table of its sections. */
  readonly sections: ReadonlyArray<HxeSection>
  readonly program: RegisteredProgram
  /** Where the image is kept; a refusal says why it is not, though the program runs. None when it was not asked for. */
  readonly persisted: Kept | Refused | undefined
}

/** Answer to abort. */
export interface AbortReply {
  readonly xfer: number
  readonly state: "IDLE"
  readonly freed: { readonly bytes: number; readonly pid: number }
}

/** A whole file at once. */
export interface LoadRequest {
  readonly bytes: Uint8Array
  readonly source: Source
  readonly mode?: "monolithic" | "boot"
  readonly label?: string
  readonly fileCrc32?: number
  readonly sha256?: Uint8Array
  /** The file beside an image that has no room for a signature inside. */
  readonly detachedSignature?: Uint8Array
  readonly appName?: string
  readonly pidHint?: number
  readonly replace?: boolean
  readonly autostart?: boolean
  readonly hold?: boolean
  readonly persist?: boolean
}

/** Where a transfer stands. */
export interface StatusReply extends TransferReply {
  readonly phase: Phase
  readonly bytesWritten: number
  readonly totalBytes: number | undefined
  readonly percent: number | undefined
  readonly nextSeq: number
  readonly gaps: number
  readonly duplicates: number
  readonly source: Source
  readonly lastError: Refused | undefined
  readonly ageMillis: number
}

/** Keeps the image of a program over a restart. */
export interface PersistRequest {
  readonly pid: number
  readonly target: PersistTarget
}

/** Gives a transfer up. */
export interface AbortRequest {
  readonly reason?: AbortReason
}
