/** Frames that keep a twin: what a board reports, and what is desired of it. */
import type { TwinMap, TwinPatch } from "../TwinValue.ts"
import type { Down, Up } from "./Head.ts"

/** Reported state, samples, or both; at least one of them. */
export interface Report extends Up {
  readonly type: "report"
  /** Negative is before this boot; absent is unknown. */
  readonly at?: number
  /** Merge patch into reported. */
  readonly state?: TwinPatch
  /** True replaces all of reported; false when absent. */
  readonly full?: boolean
  /** Readings as `[dt, values]`, oldest first; `dt` counts from `at`. */
  readonly samples?: ReadonlyArray<Sample>
  /** Named document; absent is the unnamed one. */
  readonly doc?: string
}

/** One reading, `dt` milliseconds from the report's `at`, oldest first. */
export interface Sample {
  readonly dt: number
  readonly values: TwinMap
}

/** What desired holds and reported lacks. */
export interface Desired extends Down {
  readonly type: "desired"
  readonly version: number
  /** Null means: forget this key. */
  readonly state: TwinPatch
  /** Further parts of this version follow; false when absent. */
  readonly more?: boolean
  readonly doc?: string
}

/** A desired version is applied, but for the refused fields. */
export interface DesiredAck extends Up {
  readonly type: "desired-ack"
  readonly version: number
  /** JSON pointer to code. */
  readonly refused?: Readonly<Record<string, number>>
  readonly doc?: string
}
