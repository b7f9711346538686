/** What the start of a board and its store tell, as events of the provisioning service. */
import type { BootEvent } from "../nv/Boot.ts"
import type { NvEvent } from "../nv/NvEvents.ts"
import { wearEvent } from "./NvImages.ts"
import type { Unnumbered } from "./ProvisioningEvents.ts"

const nothing = { xfer: 0, source: null, app_name: null }

/** A program that was tried, or an alert. */
export const bootEvent = (event: Exclude<BootEvent, { type: "confirmed" }>): Unnumbered => {
  if (event.type === "alert") {
    const { failCount, generation, reason } = event
    return {
      type: "provisioning.alert",
      pid: null,
      data: { ...nothing, phase: "boot", reason, fail_count: failCount, generation }
    }
  }
  const { attempt, detail, entry, result } = event
  const said = result === "loaded" ? "OK" : detail === "" ? result : `${result}: ${detail}`
  return {
    type: "provisioning.boot",
    pid: null,
    data: { ...nothing, phase: "boot", app_name: entry === "" ? null : entry, entry, result: said, attempt }
  }
}

/** None for what the service has told itself. */
export const storeEvent = (event: NvEvent): Unnumbered | undefined => {
  if (event.type === "wear") return wearEvent(event.wear)
  if (event.type === "persisted" || event.reason === "manual") return undefined
  const { fromGeneration, reason, toGeneration } = event
  return {
    type: "provisioning.rollback",
    pid: null,
    data: {
      ...nothing,
      phase: "rollback",
      from_generation: fromGeneration,
      to_generation: toGeneration,
      slot: null,
      reason
    }
  }
}
