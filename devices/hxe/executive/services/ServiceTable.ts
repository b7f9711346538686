/** All supervisor calls by module, and what a program must be granted to use them. */
import type { ServiceResult } from "../../machine/Services.ts"
import { registryStatus } from "../RegistryStatus.ts"
import { commandServices } from "./CommandServices.ts"
import { canServices, coreServices, sleepServices, taskServices } from "./CoreServices.ts"
import { fileServices } from "./FileServices.ts"
import { halServices } from "./HalServices.ts"
import { mailboxServices } from "./MailboxServices.ts"
import { mathServices } from "./MathServices.ts"
import { answer, type ServiceCall, type ServiceModule } from "./ServiceCall.ts"
import { valueServices } from "./ValueServices.ts"

const modules: ReadonlyMap<number, ServiceModule> = new Map([
  [0, coreServices],
  [1, taskServices],
  [2, canServices],
  [4, fileServices],
  [5, mailboxServices],
  [6, sleepServices],
  [7, valueServices],
  [8, commandServices],
  [14, mathServices],
  [15, halServices]
])

const halCapabilities: ReadonlyMap<number, string> = new Map([
  [0, "bus"],
  [1, "bus"],
  [3, "store"],
  [4, "file"],
  [5, "gpio"],
  [7, "info"]
])

/** The capability a call needs; none for what every program may do. */
const capabilityOf = (module: number, fn: number, call: ServiceCall): string | undefined => {
  switch (module) {
    case 0:
      return "time"
    case 1:
      return fn === 1 ? "log" : undefined
    case 2:
      return "bus"
    case 4:
      return fn === 2 && call.machine.register(1) <= 2 ? "log" : "file"
    case 5:
      return "mail"
    case 6:
      return "sleep"
    case 7:
      return fn === 6 ? "store" : "value"
    case 8:
      return "command"
    case 14:
      return "math"
    case 15:
      return fn >> 4 === 2 ? ((fn & 15) < 2 ? "time" : "timer") : halCapabilities.get(fn >> 4)
    default:
      return undefined
  }
}

/** What a refused call leaves in R0. */
const refused = -1

/** Serves one call of a program. A call it may not make fails and the program goes on. */
export const serve = (module: number, fn: number, call: ServiceCall): ServiceResult => {
  const capability = capabilityOf(module, fn, call)
  const { grants } = call.task.rights
  if (capability !== undefined && grants !== undefined && !grants.has(capability)) {
    return answer(call.machine, module === 7 || module === 8 ? registryStatus.notPermitted : refused)
  }
  return modules.get(module)?.(fn, call) ?? "unknown"
}
