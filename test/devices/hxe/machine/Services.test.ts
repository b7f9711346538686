import { assert, describe, it } from "@effect/vitest"
import { Code } from "../../../../devices/hxe/machine/Code.ts"
import { runHandler } from "../../../../devices/hxe/machine/Handler.ts"
import { flags, Machine } from "../../../../devices/hxe/machine/Machine.ts"
import { noServices, type Services } from "../../../../devices/hxe/machine/Services.ts"
import { codeOf, word } from "./Assemble.ts"
import { seenOf } from "./Twins.ts"

const ret = word("RET")
const call = word("SVC", { imm: 0x5a7 })

const machineOf = (words: ReadonlyArray<number>): Machine =>
  new Machine({ code: new Code(codeOf(words)), registerBase: 0x1000, stackTop: 0xfffc, stackLimit: 0xeffc })

describe("a supervisor call", () => {
  it("shows its service the machine behind the call, with the call not yet counted", () => {
    const machine = machineOf([word("LDI", { rd: 1, imm: 9 }), word("CMP", { rs1: 1, rs2: 1 }), call, ret])
    const seen: Array<unknown> = []
    machine.run(10, {
      call: (module, fn, { pc, sp, psw, steps }) => {
        seen.push({ module, fn, pc, sp, psw, steps })
        return "done"
      }
    })
    assert.deepStrictEqual(seen, [{ module: 5, fn: 0xa7, pc: 12, sp: 0xfffc, psw: flags.zero | flags.carry, steps: 2 }])
    assert.strictEqual(machine.steps, 3)
  })

  it("may move counter, stack, flags and depth", () => {
    const machine = machineOf([call, word("LDI", { rd: 2, imm: 1 }), word("PUSH", { rs1: 1 }), ret])
    machine.run(3, {
      call: (_module, _fn, caller) => {
        caller.pc = 8
        caller.sp = 0xf000
        caller.psw = flags.overflow | flags.negative | flags.zero
        caller.callDepth = 4
        return "done"
      }
    })
    assert.deepStrictEqual([machine.sp, machine.register(2)], [0xeffc + 4, 0])
    assert.strictEqual(machine.psw, flags.overflow | flags.negative | flags.zero)
    assert.strictEqual(machine.callDepth, 3)
  })

  it("that nobody knows leaves a word in R0 and lets the program go on", () => {
    const machine = machineOf([call, word("LDI", { rd: 1, imm: 1 }), ret])
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "returned", status: 0xffffff01 })
    assert.strictEqual(machine.register(1), 1)
    assert.strictEqual(machine.steps, 2)
  })

  it("that waits has been executed, and its results are written when it wakes", () => {
    const machine = machineOf([call, word("MOV", { rd: 4, rs1: 1 }), ret])
    assert.deepStrictEqual(machine.run(10, { call: () => "waiting" }), { kind: "waiting" })
    assert.deepStrictEqual([machine.pc, machine.steps], [4, 1])
    machine.setRegister(0, 7)
    machine.setRegister(1, 0xffff_fffe)
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "returned", status: 7 })
    assert.strictEqual(machine.register(4), 0xffff_fffe)
  })

  it("that ends the program is counted, and R0 is its status", () => {
    const machine = machineOf([call, ret])
    machine.setRegister(0, 0xffff_fff0)
    assert.deepStrictEqual(machine.run(10, { call: () => "exit" }), { kind: "exited", status: 0xffff_fff0 })
    assert.deepStrictEqual([machine.pc, machine.steps], [4, 1])
  })
})

/** At 0 a program that adds 5 to R3 and returns; at 16 a handler that calls a subroutine, spoils registers and stores R0. */
const withHandler = [
  word("LDI", { rd: 2, imm: 5 }),
  word("ADD", { rd: 3, rs1: 3, rs2: 2 }),
  call,
  ret,
  word("LDI", { rd: 2, imm: -1 }),
  word("CALL", { imm: 2 }),
  ret,
  word("PUSH", { rs1: 0 }),
  word("ADD", { rd: 0, rs1: 0, rs2: 2 }),
  word("ST", { rs1: 1, rs2: 0, imm: 0x20 }),
  word("POP", { rd: 3 }),
  ret
]
const handlerSteps = 7

describe("a command handler", () => {
  const call0104 = { entry: 16, argument: 0x104, budget: 100 }

  it("returns R0 and leaves the program as it was, but for memory and steps", () => {
    const machine = machineOf(withHandler)
    machine.setRegister(1, 0x500)
    machine.setRegister(3, 1)
    machine.run(2, noServices)
    machine.callDepth = 2
    const before = seenOf(machine)
    assert.deepStrictEqual(runHandler(machine, call0104, noServices), { kind: "returned", result: 0x103 })
    assert.deepStrictEqual(seenOf(machine), { ...before, steps: before.steps + handlerSteps })
    assert.deepStrictEqual([...machine.memory.subarray(0x20, 0x24)], [3, 1, 0, 0])
  })

  it("may run while a call of the same machine is being served", () => {
    const machine = machineOf(withHandler)
    const results: Array<unknown> = []
    const services: Services = {
      call: (_module, _fn, caller) => {
        results.push(runHandler(caller, call0104, noServices))
        return "done"
      }
    }
    assert.deepStrictEqual(machine.run(3, services), { kind: "budget" })
    assert.deepStrictEqual(results, [{ kind: "returned", result: 0x103 }])
    assert.deepStrictEqual([machine.pc, machine.register(3), machine.register(2)], [12, 5, 5])
    assert.strictEqual(machine.steps, 3 + handlerSteps)
  })

  it("that uses up its budget before it returns fails, and the program is as it was", () => {
    const machine = machineOf(withHandler)
    const before = seenOf(machine)
    const result = runHandler(machine, { ...call0104, budget: handlerSteps }, noServices)
    assert.deepStrictEqual(result, { kind: "failed", stop: { kind: "budget" } })
    assert.deepStrictEqual(seenOf(machine), { ...before, steps: handlerSteps })
  })

  it("may return with the last instruction of its budget", () => {
    const machine = machineOf(withHandler)
    const result = runHandler(machine, { ...call0104, budget: handlerSteps + 1 }, noServices)
    assert.deepStrictEqual(result, { kind: "returned", result: 0x103 })
  })

  for (const { how, words, services, kind } of [
    { how: "faults", words: [ret, 0], services: noServices, kind: "fault" },
    { how: "waits", words: [ret, call], services: { call: () => "waiting" as const }, kind: "waiting" },
    { how: "exits", words: [ret, call], services: { call: () => "exit" as const }, kind: "exited" },
    { how: "breaks", words: [ret, word("BRK")], services: noServices, kind: "break" }
  ])
    it(`that ${how} fails, and the program is as it was`, () => {
      const machine = machineOf(words)
      machine.setRegister(0, 8)
      const result = runHandler(machine, { entry: 4, argument: 1, budget: 10 }, services)
      assert.strictEqual(result.kind, "failed")
      if (result.kind === "failed") assert.strictEqual(result.stop.kind, kind)
      assert.deepStrictEqual([machine.register(0), machine.pc, machine.callDepth], [8, 0, 0])
      assert.deepStrictEqual(machine.run(1, noServices), { kind: "returned", status: 8 })
    })
})

describe("a context", () => {
  it("saved and taken up again goes on where it was, with the registers that lie in memory", () => {
    const machine = machineOf([
      word("LDI", { rd: 1, imm: 3 }),
      word("PUSH", { rs1: 1 }),
      word("CMP", { rs1: 1, rs2: 1 }),
      ret
    ])
    machine.run(3, noServices)
    const context = machine.saveContext()
    const before = seenOf(machine)
    machine.registerBase = 0x1040
    machine.pc = 0
    machine.sp = 0xeffc
    machine.stackLimit = 0xdffc
    machine.psw = 0
    machine.callDepth = 1
    machine.steps = 0
    machine.setRegister(1, 99)
    machine.restoreContext(context)
    assert.deepStrictEqual(seenOf(machine), before)
    assert.strictEqual(machine.stackLimit, 0xeffc)
    assert.strictEqual(machine.memory[0x1044], 99)
  })
})
