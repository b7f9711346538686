/** Limits and times of the provisioning service of one board. */
import type { SignatureTrust } from "./SignaturePolicy.ts"

/** All of them have defaults; a board sets what differs. */
export interface LoaderSettings {
  /** Largest chunk accepted, bytes. */
  readonly chunkBytesMax: number
  /** Largest gap between two chunks. */
  readonly writeTimeoutMillis: number
  /** From begin to READY. */
  readonly totalTimeoutMillis: number
  /** From end to READY. */
  readonly verifyTimeoutMillis: number
  /** Part of the write timeout after which progress says that the sender has stalled. */
  readonly stallWarnPercent: number
  /** Sequence gaps tolerated per transfer. */
  readonly gapsMax: number
  /** Transfers under way at once. */
  readonly transfersMax: number
  readonly imageBytesMax: number
  readonly progressHertz: number
  readonly progressPercentMin: number
  /** A failed transfer still answers for this long, unless its room is needed. */
  readonly failedLingerMillis: number
  /** A finished or aborted transfer still answers for this long. */
  readonly recordMillis: number
  /** Whether images are read strictly. */
  readonly strict: boolean
  /** Whether a program runs at once, unless its transfer says otherwise. */
  readonly autostart: boolean
  readonly trust: SignatureTrust
}

/** What a host board uses. */
export const loaderDefaults: LoaderSettings = {
  chunkBytesMax: 4096,
  writeTimeoutMillis: 5000,
  totalTimeoutMillis: 120_000,
  verifyTimeoutMillis: 10_000,
  stallWarnPercent: 50,
  gapsMax: 16,
  transfersMax: 4,
  imageBytesMax: 262_144,
  progressHertz: 10,
  progressPercentMin: 1,
  failedLingerMillis: 30_000,
  recordMillis: 30_000,
  strict: true,
  autostart: true,
  trust: { policy: "none", keys: [] }
}
