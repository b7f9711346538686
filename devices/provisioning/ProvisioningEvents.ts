/** What the provisioning service of a board tells the outside. The field names are those clients read as JSON. */
import { Schema } from "effect"
import { Source } from "./Source.ts"

/** The part of a transfer an event belongs to. */
export const Phase = Schema.Literals([
  "begin",
  "transfer",
  "verify",
  "complete",
  "abort",
  "persist",
  "boot",
  "rollback",
  "end"
])
/** The part of a transfer an event belongs to. */
export type Phase = typeof Phase.Type

/** Where a failure happened. */
export const Where = Schema.Literals(["begin", "write", "end", "verify", "persist", "boot", "rollback"])
/** Where a failure happened. */
export type Where = typeof Where.Type

/** Why a transfer was given up. */
export const AbortReason = Schema.Literals(["user", "timeout", "error", "transport", "shutdown"])
/** Why a transfer was given up. */
export type AbortReason = typeof AbortReason.Type

/** Why an older generation rules again. */
export const RollbackReason = Schema.Literals(["manual", "boot_failure", "crc", "verify"])
/** Why an older generation rules again. */
export type RollbackReason = typeof RollbackReason.Type

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** In the data of every event. `xfer` is 0 where no transfer is concerned, as for a value restored at boot. */
const common = { xfer: count, phase: Phase, source: Schema.NullOr(Source), app_name: Schema.NullOr(Schema.String) }

/** Of every event. `seq` counts by one per service; `ts` is seconds since 1970, none on a board without wall clock. */
const envelope = { seq: count, ts: Schema.NullOr(Schema.Finite), pid: Schema.NullOr(count) }

/** What is reserved is reserved, the image may come. */
export const Started = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.started"),
  data: Schema.Struct({
    ...common,
    mode: Schema.Literals(["streaming", "monolithic", "boot"]),
    label: Schema.NullOr(Schema.String),
    total_bytes: Schema.NullOr(count),
    chunk_max: count
  })
})

/** How far it is. The only type that may be throttled or left out; `coalesced` says how many were. */
export const Progress = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.progress"),
  data: Schema.Struct({
    ...common,
    bytes_written: count,
    total_bytes: Schema.NullOr(count),
    percent: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
    seq: count,
    rate_bps: count,
    coalesced: count,
    stalled: Schema.Boolean
  })
})

/** The program is on the board and may run. */
export const Complete = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.complete"),
  data: Schema.Struct({
    ...common,
    ready: Schema.Literal(true),
    app_instance: Schema.String,
    bytes_written: count,
    file_crc32: count,
    hxe_crc32: count,
    values: count,
    commands: count,
    mailboxes: count,
    duration_ms: count,
    signed: Schema.Boolean,
    call_mode: Schema.String,
    warnings: Schema.Array(Schema.String)
  })
})

/** It failed. `code` is the name, `errno` the number of the code table. */
export const Failed = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.error"),
  data: Schema.Struct({
    ...common,
    where: Where,
    code: Schema.String,
    errno: count,
    detail: Schema.String,
    bytes_written: count,
    expected_seq: Schema.optionalKey(count)
  })
})

/** It was given up; nothing of it is left. */
export const Aborted = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.aborted"),
  data: Schema.Struct({ ...common, reason: AbortReason, bytes_written: count })
})

/** The image outlives a restart. */
export const Persisted = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.persisted"),
  data: Schema.Struct({
    ...common,
    target: Schema.Literals(["FLASH", "FRAM", "FILE"]),
    slot: count,
    generation: count,
    image_crc32: count,
    bytes: count
  })
})

/** An older generation rules again. The numbers are none where nothing was persisted and only the old program runs again. */
export const RolledBack = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.rollback"),
  data: Schema.Struct({
    ...common,
    from_generation: Schema.NullOr(count),
    to_generation: Schema.NullOr(count),
    slot: Schema.NullOr(count),
    reason: RollbackReason
  })
})

/** Persisted values came back before the program ran: how many, how many took their initial value, and why. */
export const Restored = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.restored"),
  data: Schema.Struct({ ...common, restored: count, defaulted: count, stale: count, reset: count })
})

/** A part of the memory has been written often. */
export const Wear = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.wear"),
  data: Schema.Struct({
    ...common,
    partition: Schema.String,
    slot: count,
    count,
    limit: count,
    pct: count,
    level: Schema.Literals(["warn", "worn"])
  })
})

/** One entry of the boot list was tried. */
export const Boot = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.boot"),
  data: Schema.Struct({ ...common, entry: Schema.String, result: Schema.String, attempt: count })
})

/** Somebody should look at this board. */
export const Alert = Schema.Struct({
  ...envelope,
  type: Schema.Literal("provisioning.alert"),
  data: Schema.Struct({ ...common, reason: Schema.String, fail_count: count, generation: count })
})

/** Anything the service tells. Per transfer: started, progress, then one complete or one error; after an error maybe one aborted. */
export const ProvisioningEvent = Schema.Union([
  Started,
  Progress,
  Complete,
  Failed,
  Aborted,
  Persisted,
  RolledBack,
  Restored,
  Wear,
  Boot,
  Alert
])
/** Anything the service tells. */
export type ProvisioningEvent = typeof ProvisioningEvent.Type

/** Names of the event types. */
export type ProvisioningEventType = ProvisioningEvent["type"]

/** An event before the service has numbered and dated it. */
export type Unnumbered = ProvisioningEvent extends infer E
  ? E extends ProvisioningEvent
    ? Omit<E, "seq" | "ts">
    : never
  : never

/** What may come before an event of a transfer; the rest of the types may come at any time. */
const predecessors: Readonly<Partial<Record<ProvisioningEventType, ReadonlyArray<ProvisioningEventType | "nothing">>>> =
  {
    "provisioning.started": ["nothing"],
    "provisioning.progress": ["provisioning.started", "provisioning.progress"],
    "provisioning.complete": ["provisioning.started", "provisioning.progress"],
    "provisioning.error": ["nothing", "provisioning.started", "provisioning.progress"],
    "provisioning.aborted": ["provisioning.started", "provisioning.progress", "provisioning.error"]
  }

/** A program that could not be kept or brought back says nothing of its transfer, which was complete. */
const isAfterwards = (event: ProvisioningEvent): boolean =>
  event.type === "provisioning.error" && (event.data.where === "persist" || event.data.where === "rollback")

/** Why a run of events of one transfer breaks the promises, or none. Used by tests and by whoever records such events. */
export const orderFault = (events: ReadonlyArray<ProvisioningEvent>): string | undefined => {
  let before: ProvisioningEventType | "nothing" = "nothing"
  let bytes = 0
  for (const event of events) {
    const allowed = predecessors[event.type]
    if (allowed === undefined || isAfterwards(event)) continue
    if (!allowed.includes(before)) return `${event.type} after ${before}`
    before = event.type
    if (!("bytes_written" in event.data)) continue
    if (event.data.bytes_written < bytes) return `bytes_written decreased from ${bytes} to ${event.data.bytes_written}`
    bytes = event.data.bytes_written
  }
  return undefined
}
