/** Calls of module 14: functions on halves. */
import { f16Bits, f16Value } from "../../../../src/protocol/hxe/F16.ts"
import { answer, type ServiceModule } from "./ServiceCall.ts"

const functions = [Math.sin, Math.cos, Math.exp]

/** Module 14. */
export const mathServices: ServiceModule = (fn, { machine }) => {
  const compute = functions[fn]
  return compute === undefined ? "unknown" : answer(machine, f16Bits(compute(f16Value(machine.register(1)))))
}
