/** Calls of the board itself: steps, exit, console, CAN and sleep. */
import { bytesAt, bytesText } from "../TaskMemory.ts"
import { answer, chargeBytes, type ServiceModule } from "./ServiceCall.ts"

/** Module 0: how many instructions the program has retired. */
export const coreServices: ServiceModule = (fn, { machine }) => (fn === 0 ? answer(machine, machine.steps) : "unknown")

/** Module 1: end of the task, and output to the console. */
export const taskServices: ServiceModule = (fn, { machine, task, emit }) => {
  if (fn === 0) return "exit"
  if (fn !== 1) return "unknown"
  const length = machine.register(2) & 0xffff
  chargeBytes(task, length)
  const text = bytesText(bytesAt(machine.memory, machine.register(1), length))
  emit("stdout", task.pid, { source: "uart", text })
  return answer(machine, length)
}

/** Module 2: a frame on the CAN bus; on a board without one it is only told. */
export const canServices: ServiceModule = (fn, { machine, task, emit, hal }) => {
  if (fn !== 0) return "unknown"
  const id = machine.register(1) & 0x7ff
  const data = bytesAt(machine.memory, machine.register(2), machine.register(3) & 0xff).slice()
  const hex = Buffer.from(data).toString("hex")
  emit("stdout", task.pid, {
    source: "can",
    text: `id=0x${id.toString(16).toUpperCase().padStart(3, "0")} data=${hex}`
  })
  hal.can?.transmit(id, data, 0)
  return answer(machine, 0)
}

/** Module 6: sleep. */
export const sleepServices: ServiceModule = (fn, { machine, task, emit, now, park, isHandler }) => {
  if (fn !== 0) return "unknown"
  const millis = machine.register(0)
  machine.setRegister(0, 0)
  if (millis === 0) return "done"
  if (isHandler) return "waiting"
  const deadline = now() + millis
  emit("sleep_request", task.pid, { ms: millis, deadline })
  park(task, { kind: "sleep", millis, deadline })
  return "waiting"
}
