/** What a program must be granted to make a call, where its loader granted anything in particular. */
import { textAt } from "../TaskMemory.ts"
import type { ServiceCall } from "./ServiceCall.ts"

/** Where a program that may only tell and hear events does so. */
const eventTargets: ReadonlySet<string> = new Set(["app:out", "app:in"])

const opensMailbox = (fn: number): boolean => fn === 0 || fn === 1

/** Mailboxes: all of them for mail, the two of the cluster for events. A handle needs no right but the one to open it. */
const mailRights = (fn: number, { machine }: ServiceCall): ReadonlyArray<string> =>
  opensMailbox(fn) && !eventTargets.has(textAt(machine.memory, machine.register(1))) ? ["mail"] : ["mail", "event"]

/** Lamps and sensors are pins too. Where the board does not tell which is which, one is written and the other read. */
const gpioRights = (fn: number, { hal, machine }: ServiceCall): ReadonlyArray<string> => {
  if (hal.gpio?.rightsOf !== undefined) return hal.gpio.rightsOf(machine.register(1))
  if (fn === 0) return ["gpio", "sensor"]
  return fn === 1 ? ["gpio", "led"] : ["gpio"]
}

/** The gateway: the high half of the function is the group. */
const halRights = (fn: number, call: ServiceCall): ReadonlyArray<string> | undefined => {
  const part = fn & 15
  switch (fn >> 4) {
    case 0:
    case 1:
      return ["bus"]
    case 2:
      return part < 2 ? ["time"] : ["timer"]
    case 3:
      return ["store"]
    case 4:
      return ["file"]
    case 5:
      return gpioRights(part, call)
    case 7:
      return ["info"]
    default:
      return undefined
  }
}

/** Capabilities of which one suffices for a call; none for what every program may do. */
const rightsFor = (module: number, fn: number, call: ServiceCall): ReadonlyArray<string> | undefined => {
  switch (module) {
    case 0:
      return ["time"]
    case 1:
      return fn === 1 ? ["log"] : undefined
    case 2:
      return ["bus"]
    case 4:
      return fn === 2 && call.machine.register(1) <= 2 ? ["log"] : ["file"]
    case 5:
      return mailRights(fn, call)
    case 6:
      return ["sleep"]
    case 7:
      if (fn === 6) return ["store"]
      return fn === 3 ? ["value", "report"] : ["value"]
    case 8:
      return ["command"]
    case 14:
      return ["math"]
    case 15:
      return halRights(fn, call)
    default:
      return undefined
  }
}

/** Whether a program may make a call. One that was granted nothing in particular may make any. */
export const isGranted = (module: number, fn: number, call: ServiceCall): boolean => {
  const { grants } = call.task.rights
  const rights = grants && rightsFor(module, fn, call)
  return grants === undefined || rights === undefined || rights.some((right) => grants.has(right))
}
