/** Finding devices by a condition over their twins: who keeps what is searched, and how honest it is about its age. */
import { Context, type Effect, Schema } from "effect"
import type { BoundCondition } from "../protocol/condition/Bound.ts"
import type { DeviceStatus } from "../protocol/Device.ts"
import type { TwinMap } from "../protocol/TwinValue.ts"

/**
 * Nothing can be searched now. Transient, but for two: `Slow`, that condition takes too long in this fleet, and `Newer`, nodes
 * of a newer release keep what is searched in a form that this one does not read.
 */
export class SearchUnavailable extends Schema.TaggedError<SearchUnavailable>()("SearchUnavailable", {
  reason: Schema.Literals(["Building", "Newer", "Slow", "Store"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** Too many look for devices at once. Transient. */
export class SearchCrowded extends Schema.TaggedError<SearchCrowded>()("SearchCrowded", {}) {}

/** A device as it was found. What its status counts by the second, such as when it was heard, is as of its last commit. */
export interface FoundDevice {
  readonly id: string
  readonly status: DeviceStatus
  readonly desired: TwinMap
  readonly reported: TwinMap
}

/** How old an answer is: whatever was committed before `at` is in it, and some of what came later. */
export interface AsOf {
  /** Ms since 1970 by the clock of the database. */
  readonly at: number
  /** Ms between then and the search, by the same clock. */
  readonly behindMillis: number
}

/** Devices in order of their ids, bytewise. */
export interface FoundPage {
  readonly devices: ReadonlyArray<FoundDevice>
  /** Goes on behind this id; absent on the last page. */
  readonly next: string | undefined
  readonly asOf: AsOf
}

export class DeviceSearch extends Context.Service<
  DeviceSearch,
  {
    /** Pages stay in step while devices come and change: none is shown twice, and none that fulfils it throughout is left out. */
    readonly find: (
      condition: BoundCondition,
      page: { readonly limit: number; readonly after?: string }
    ) => Effect.Effect<FoundPage, SearchUnavailable | SearchCrowded>
  }
>()("holon/events/DeviceSearch") {}
