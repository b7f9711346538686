/** All supervisor calls by module. */
import type { ServiceResult } from "../../machine/Services.ts"
import { registryStatus } from "../RegistryStatus.ts"
import { commandServices } from "./CommandServices.ts"
import { canServices, coreServices, sleepServices, taskServices } from "./CoreServices.ts"
import { fileServices } from "./FileServices.ts"
import { isGranted } from "./Grants.ts"
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

/** What a refused call leaves in R0. */
const refused = -1

/** Serves one call of a program. A call it may not make fails and the program goes on. */
export const serve = (module: number, fn: number, call: ServiceCall): ServiceResult => {
  if (!isGranted(module, fn, call)) {
    return answer(call.machine, module === 7 || module === 8 ? registryStatus.notPermitted : refused)
  }
  return modules.get(module)?.(fn, call) ?? "unknown"
}
