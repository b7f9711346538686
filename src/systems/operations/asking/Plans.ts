/** What each capability is: by which messages it is done, or how it is answered. */
import type { CapabilityName } from "../../../protocol/intent/Capabilities.ts"
import { listing, listingPrograms, readingField, readingState } from "./DeviceAnswers.ts"
import * as Devices from "./DevicePlans.ts"
import {
  listingRollouts,
  listingUnits,
  readingProgram,
  readingRollout,
  readingTree,
  readingVsm
} from "./OtherAnswers.ts"
import type { Planner } from "./Planner.ts"
import * as Programs from "./ProgramPlans.ts"
import * as Vsms from "./VsmPlans.ts"

/** See the file. */
export const planners: Readonly<Record<CapabilityName, Planner>> = {
  "device.output.switch@1": Devices.switching,
  "device.field.set@1": Devices.setting,
  "device.field.change@1": Devices.changing,
  "device.field.read@1": readingField,
  "device.state.read@1": readingState,
  "device.list.read@1": listing,
  "device.command.invoke@1": Devices.invoking,
  "device.zone.set@1": Devices.zoning,
  "device.board.retire@1": Devices.retiring,
  "device.program.list@1": listingPrograms,
  "program.run.control@1": Programs.controlling,
  "program.state.read@1": readingProgram,
  "program.value.set@1": Programs.settingValue,
  "program.value.read@1": Programs.readingValue,
  "program.image.install@1": Programs.installing,
  "rollout.run.start@1": Programs.rollingOut,
  "rollout.run.control@1": Programs.controllingRollout,
  "rollout.state.read@1": readingRollout,
  "rollout.list.read@1": listingRollouts,
  "vsm.child.spawn@1": Vsms.spawning,
  "vsm.unit.adopt@1": Vsms.adopting,
  "vsm.self.retire@1": Vsms.retiring,
  "vsm.self.quarantine@1": Vsms.quarantining,
  "vsm.self.release@1": Vsms.releasing,
  "vsm.state.read@1": readingVsm,
  "vsm.tree.read@1": readingTree,
  "vsm.unit.list@1": listingUnits
}
