/** Calls of module 15: the gateway to hardware. The high half of the function says which group, the low half what of it. */
import type { ServiceResult } from "../../machine/Services.ts"
import { halErrors } from "../ProgramHal.ts"
import { bytesAt, textAt, textBytes, writeAt } from "../TaskMemory.ts"
import { fileServices } from "./FileServices.ts"
import { answer, type ServiceCall, type ServiceModule } from "./ServiceCall.ts"

/** Level from which a program may load and abort others. */
const provisioningLevel = 1

type Group = (fn: number, call: ServiceCall) => number | "unknown"

/** Writes what a device gave to the program's memory; an error stays one. */
const stored = ({ machine }: ServiceCall, address: number, got: Uint8Array | number, bytesMax: number): number =>
  typeof got === "number" ? got : writeAt(machine.memory, address, got.subarray(0, bytesMax))

const uart: Group = (fn, call) => {
  const { machine, hal } = call
  if (fn > 3) return "unknown"
  if (hal.uart === undefined) return halErrors.unsupported
  const [port, second, third] = [machine.register(1), machine.register(2), machine.register(3)]
  const length = third & 0xffff
  if (fn === 0) return hal.uart.write(port, bytesAt(machine.memory, second, length).slice())
  if (fn === 1) return stored(call, second, hal.uart.poll(port, length), length)
  return fn === 2 ? hal.uart.configure(port, second, third, machine.register(4)) : hal.uart.status(port)
}

const can: Group = (fn, { machine, hal }) => {
  if (fn > 3) return "unknown"
  if (hal.can === undefined) return halErrors.unsupported
  const [first, second, third] = [machine.register(1), machine.register(2), machine.register(3)]
  if (fn === 0) {
    if (third > 8) return halErrors.invalid
    return hal.can.transmit(first, bytesAt(machine.memory, second, third).slice(), machine.register(4))
  }
  if (fn === 1) return hal.can.configure(first, second)
  return fn === 2 ? hal.can.filter(first, second, third) : hal.can.status()
}

const timer: Group = (fn, { machine, now, timers, task }) => {
  const [first, second] = [machine.register(1), machine.register(2)]
  switch (fn) {
    case 0:
      return Math.floor(now() * 1000) | 0
    case 1:
      return 1_000_000
    case 2:
      return timers.create(task.pid, first, second !== 0)
    case 3:
      return timers.cancel(task.pid, first)
    default:
      return "unknown"
  }
}

const fram: Group = (fn, call) => {
  const { machine, hal } = call
  if (fn > 3) return "unknown"
  if (hal.fram === undefined) return halErrors.unsupported
  const [address, buffer, length] = [machine.register(1), machine.register(2), machine.register(3) & 0xffff]
  if (fn === 0) return stored(call, buffer, hal.fram.read(address, length), length)
  if (fn === 1) return hal.fram.write(address, bytesAt(machine.memory, buffer, length).slice())
  return fn === 2 ? hal.fram.size() : hal.fram.wear(address)
}

const gpio: Group = (fn, { machine, hal }) => {
  if (fn > 3) return "unknown"
  if (hal.gpio === undefined) return halErrors.unsupported
  const [pin, second, third] = [machine.register(1), machine.register(2), machine.register(3)]
  if (fn === 0) return hal.gpio.read(pin)
  if (fn === 1) return hal.gpio.write(pin, second)
  return fn === 2 ? hal.gpio.configure(pin, second, third) : hal.gpio.interrupt(pin, second, third !== 0)
}

const provisioning: Group = (fn, call) => {
  const { machine, hal, task } = call
  if (fn > 3) return "unknown"
  if (hal.provisioning === undefined) return halErrors.unsupported
  if ((fn === 1 || fn === 2) && task.rights.level < provisioningLevel) return halErrors.failed
  const [first, second, third] = [machine.register(1), machine.register(2), machine.register(3) & 0xffff]
  if (fn === 0) {
    const info = hal.provisioning.info(first)
    return info === undefined ? halErrors.invalid : stored(call, second, textBytes(info), third)
  }
  if (fn === 1) return hal.provisioning.load(textAt(machine.memory, first), second)
  if (fn === 2) return hal.provisioning.abort(first, second)
  return stored(call, second, hal.provisioning.map(first) ?? halErrors.invalid, 0xffff)
}

const groups: ReadonlyMap<number, Group> = new Map([
  [0, uart],
  [1, can],
  [2, timer],
  [3, fram],
  [5, gpio],
  [7, provisioning]
])

/** Module 15. R0 is a count or 0, or a negative error. */
export const halServices: ServiceModule = (fn, call): ServiceResult => {
  const group = fn >> 4
  if (group === 4) return fileServices(fn & 15, call)
  const result = groups.get(group)?.(fn & 15, call) ?? "unknown"
  return result === "unknown" ? "unknown" : answer(call.machine, result)
}
