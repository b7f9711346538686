/** The machine beside its naive twin: both from one start, and everything of one compared with everything of the other. */
import { assert } from "@effect/vitest"
import { Code } from "../../../../devices/hxe/machine/Code.ts"
import { Machine } from "../../../../devices/hxe/machine/Machine.ts"
import { type Answer, NaiveMachine, type Start } from "./NaiveMachine.ts"

/** A machine that stands as the start says. */
export const machineAt = (start: Start): Machine => {
  const machine = new Machine({
    code: new Code(start.code, start.callMode),
    entry: start.pc,
    stackTop: start.sp,
    stackLimit: start.stackLimit,
    registerBase: start.registerBase
  })
  machine.memory.set(start.memory)
  machine.psw = start.psw
  machine.callDepth = start.callDepth
  for (const [index, value] of start.registers.entries()) machine.setRegister(index, value)
  return machine
}

/** Everything a program or a scheduler can see, memory apart. */
export const seenOf = (machine: Machine | NaiveMachine) => ({
  pc: machine.pc,
  sp: machine.sp,
  psw: machine.psw,
  callDepth: machine.callDepth,
  steps: machine.steps,
  registers: Array.from({ length: 16 }, (_, index) => machine.register(index).toString(16))
})

/** Fails unless both show the same. */
export const assertAlike = (machine: Machine, other: Machine | NaiveMachine, what: string): void => {
  assert.deepStrictEqual(seenOf(machine), seenOf(other), what)
  assert.isTrue(Buffer.from(machine.memory.buffer, 0, 65536).equals(other.memory.subarray(0, 65536)), `memory: ${what}`)
}

/** Runs both and fails unless they end alike. */
export const runTwins = (start: Start, budget: number, answer: Answer, what: string): Machine => {
  const machine = machineAt(start)
  const naive = new NaiveMachine(start)
  const stop = machine.run(budget, { call: answer })
  assert.deepStrictEqual(stop, naive.run(budget, answer), what)
  assertAlike(machine, naive, what)
  return machine
}
