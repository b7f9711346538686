/** A batch: acts of an op that are carried out one beside the other under one claim, and how far that is. */
import type { Deferred } from "effect"
import type { Actors } from "../../../actors/Actors.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import { derivedId } from "../../../protocol/Ids.ts"
import type { Priority } from "../../../protocol/vsm/Claim.ts"
import type { Act, ActEnd, Timings } from "../../../protocol/vsm/Op.ts"
import type { VsmId } from "../../../protocol/vsm/VsmId.ts"
import type { RateLimiter } from "../../coordination/RateLimiter.ts"
import type { Stops } from "./Stops.ts"
import type { Measured } from "./Timing.ts"

/** What is to be carried out. All of it is the same when it is begun again on another node. */
export interface Batch {
  readonly vsm: VsmId
  readonly op: string
  readonly batch: number
  /** How often it was begun under a new claim. */
  readonly attempt: number
  readonly acts: ReadonlyArray<Act>
  readonly asker: Asker
  readonly priority: Priority
  /** Nothing is begun later, ms. */
  readonly until: number
  /** It is not wanted any more, and may have been begun before: what can be stopped is stopped. */
  readonly isCancelling: boolean
  /** Says when nobody wants it any more. */
  readonly stops: Stops
  /** The rate that it counts against, and where that is counted; absent for what is not counted. */
  readonly rate: { readonly bucket: string; readonly limiter: RateLimiter } | undefined
}

/** What came of it. */
export interface Carried {
  readonly batch: number
  readonly attempt: number
  readonly ends: ReadonlyArray<ActEnd>
  /** A stronger claim took its own: what has no end yet wants another. */
  readonly isLost: boolean
  readonly retries: number
  readonly took: Timings
}

/** A batch on its way. */
export interface Run {
  readonly batch: Batch
  readonly actors: Actors["Service"]
  readonly measured: Measured
  /** Done once it is not wanted any more. */
  readonly stop: Deferred.Deferred<void>
  readonly ends: Array<ActEnd>
  /** By place, 0 to 1. */
  readonly progress: Map<number, number>
  note: string | undefined
  retries: number
  isLost: boolean
  /** Grows with whatever there is to tell. */
  news: number
}

/** After the end of its life an op waits so long for boards that were sent something and are silent, ms. */
export const graceMillis = 40_000

/** The id under which a batch is claimed. */
export const leaseOf = ({ op, batch, attempt }: Pick<Batch, "op" | "batch" | "attempt">): string =>
  derivedId(op, `claim ${batch} ${attempt}`)

/** The runtime, in the name of who wants it: what it does for the op itself needs no right of his, and may be outside his zones. */
export const runtimeFor = ({ may: _, zones: __, ...asker }: Asker): Asker => ({ ...asker, role: "internal" })
