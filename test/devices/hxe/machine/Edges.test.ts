import { assert, describe, it } from "@effect/vitest"
import { Code } from "../../../../devices/hxe/machine/Code.ts"
import { errorWords } from "../../../../devices/hxe/machine/ErrorWord.ts"
import { budgetMax, flags, Machine, type MachineOptions } from "../../../../devices/hxe/machine/Machine.ts"
import { noServices, type Services } from "../../../../devices/hxe/machine/Services.ts"
import { codeOf, word } from "./Assemble.ts"

const machineOf = (words: ReadonlyArray<number>, options: Omit<MachineOptions, "code"> = {}): Machine =>
  new Machine({ code: new Code(codeOf(words)), ...options })

const ret = word("RET")
const pushR1 = word("PUSH", { rs1: 1 })
const popR2 = word("POP", { rd: 2 })

describe("code", () => {
  it("is a copy, whatever array of bytes it comes in", () => {
    const pooled = Buffer.from(codeOf([word("LDI", { rd: 0, imm: 7 }), ret]))
    const machine = new Machine({ code: new Code(pooled) })
    pooled.fill(0)
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "returned", status: 7 })
  })
})

describe("the stack", () => {
  it("may be filled to its limit and not one word further", () => {
    const machine = machineOf([pushR1, pushR1, ret], { stackTop: 0x1008, stackLimit: 0x1004 })
    machine.setRegister(1, 0xcafe)
    const stop = machine.run(10, noServices)
    assert.deepStrictEqual(stop, { kind: "fault", reason: "stackOverflow", status: errorWords.stackOverflow, pc: 4 })
    assert.strictEqual(machine.register(0), 0xffffff03)
    assert.deepStrictEqual([machine.pc, machine.sp, machine.steps, machine.register(15)], [4, 0x1004, 1, 0x1004])
    assert.strictEqual(machine.memory[0x1004], 0xfe)
    assert.strictEqual(machine.memory[0x1000], 0)
  })

  it("may stand anywhere, and is told as it stands", () => {
    const machine = machineOf([word("LDI", { rd: 0, imm: 1 }), popR2], { stackTop: 0xffff_fff0 })
    const seen: Array<number> = []
    machine.run(1, noServices)
    seen.push(machine.sp)
    assert.include(machine.run(1, noServices), { kind: "fault", reason: "stackUnderflow" })
    assert.deepStrictEqual([...seen, machine.sp], [0xffff_fff0, 0xffff_fff0])
    const caller = machineOf([word("SVC")], { stackTop: 0xffff_fff0 })
    const services: Services = { call: (_module, _fn, { sp }) => (sp === 0xffff_fff0 ? "waiting" : "done") }
    assert.deepStrictEqual(caller.run(1, services), { kind: "waiting" })
  })

  it("of depth nothing refuses a call and leaves its depth", () => {
    const machine = machineOf([word("CALL", { imm: 1 }), ret], { stackTop: 0 })
    assert.strictEqual(machine.run(10, noServices).kind, "fault")
    assert.deepStrictEqual([machine.pc, machine.callDepth, machine.steps], [0, 0, 0])
    assert.strictEqual(machine.register(0), 0xffffff03)
  })

  it("that stands beyond memory cannot be pushed to, popped from or returned through", () => {
    const push = machineOf([pushR1], { stackTop: 0x1_0004 })
    assert.include(push.run(1, noServices), { kind: "fault", reason: "stackOverflow" })
    const pop = machineOf([popR2], { stackTop: 0x1_0000 })
    assert.include(pop.run(1, noServices), { kind: "fault", reason: "stackUnderflow", status: 0xffffff02 })
    assert.strictEqual(pop.register(0), 0xffffff02)
    const nested = machineOf([ret], { stackTop: 0x1_0000 })
    nested.callDepth = 1
    assert.include(nested.run(1, noServices), { kind: "fault", reason: "stackUnderflow" })
    assert.strictEqual(nested.callDepth, 1)
  })

  it("ends with the last word of memory", () => {
    const machine = machineOf([pushR1, popR2, popR2], { stackTop: 0x1_0000 })
    machine.setRegister(1, 0x0102_0304)
    assert.include(machine.run(3, noServices), { kind: "fault", reason: "stackUnderflow", pc: 8 })
    assert.strictEqual(machine.register(2), 0x0102_0304)
    assert.deepStrictEqual([...machine.memory.subarray(0xfffc)], [4, 3, 2, 1])
  })

  it("crossing the end of memory is a memory fault", () => {
    const machine = machineOf([popR2], { stackTop: 0xfffe })
    assert.include(machine.run(1, noServices), { kind: "fault", reason: "memoryFault", status: 0xffffff04 })
    assert.strictEqual(machine.sp, 0xfffe)
  })

  it("moves R15 along, and R15 does not move it", () => {
    const machine = machineOf([word("LDI", { rd: 15, imm: 5 }), pushR1, word("LDI", { rd: 15, imm: 5 }), ret])
    assert.strictEqual(machine.run(1, noServices).kind, "budget")
    assert.deepStrictEqual([machine.sp, machine.register(15)], [0x8000, 5])
    machine.run(1, noServices)
    assert.deepStrictEqual([machine.sp, machine.register(15)], [0x7ffc, 0x7ffc])
    machine.run(1, noServices)
    assert.deepStrictEqual([machine.sp, machine.register(15)], [0x7ffc, 5])
  })
})

describe("memory", () => {
  for (const { load, store, bytes } of [
    { load: "LD", store: "ST", bytes: 4 },
    { load: "LDH", store: "STH", bytes: 2 },
    { load: "LDB", store: "STB", bytes: 1 }
  ] as const)
    it(`holds ${bytes} bytes at its end and not one further`, () => {
      const last = 0x1_0000 - bytes
      const words = [word(store, { rs1: 1, rs2: 2 }), word(load, { rd: 3, rs1: 1 }), ret]
      const machine = machineOf(words)
      machine.setRegister(1, last)
      machine.setRegister(2, 0xffff_ffff)
      assert.strictEqual(machine.run(3, noServices).kind, "returned")
      assert.strictEqual(machine.register(3), 2 ** (8 * bytes) - 1)
      assert.strictEqual(machine.memory[last - 1], 0)

      for (const access of bytes === 1 ? [] : ([store, load] as const)) {
        const beyond = machineOf([word(access, { rd: 3, rs1: 1, rs2: 2 })])
        beyond.setRegister(1, last + 1)
        beyond.setRegister(2, 0xffff_ffff)
        assert.include(beyond.run(1, noServices), { kind: "fault", reason: "memoryFault", status: 0xffffff04 })
        assert.isTrue(beyond.memory.every((byte) => byte === 0))
        assert.strictEqual(beyond.register(3), 0)
      }
    })

  it("of one machine is not that of another", () => {
    const code = new Code(codeOf([word("ST", { rs1: 1, rs2: 2 }), ret]))
    const [one, other] = [new Machine({ code }), new Machine({ code })]
    one.setRegister(2, 9)
    one.run(5, noServices)
    assert.strictEqual(one.memory[0], 9)
    assert.strictEqual(other.memory[0], 0)
  })

  it("is 64 KiB, whatever lies behind it", () => {
    assert.strictEqual(machineOf([ret]).memory.length, 65536)
  })

  it("shows the registers of a task, which a program may write there", () => {
    const words = [
      word("LDI32", { rd: 1 }),
      0x1040,
      word("LDI", { rd: 2, imm: 77 }),
      word("ST", { rs1: 1, rs2: 2, imm: 20 }),
      word("MOV", { rd: 6, rs1: 5 }),
      ret
    ]
    const machine = machineOf(words, { registerBase: 0x1040 })
    assert.strictEqual(machine.run(10, noServices).kind, "returned")
    assert.strictEqual(machine.register(5), 77)
    assert.strictEqual(machine.register(6), 77)
    assert.deepStrictEqual([...machine.memory.subarray(0x1040 + 24, 0x1040 + 28)], [77, 0, 0, 0])
    assert.isTrue(machine.memory.subarray(0x1000, 0x1040).every((byte) => byte === 0))
  })
})

describe("the program counter", () => {
  it("behind the code is a fault of its own that leaves R0 alone", () => {
    const machine = machineOf([word("LDI", { rd: 0, imm: 3 })])
    const stop = machine.run(10, noServices)
    assert.deepStrictEqual(stop, { kind: "fault", reason: "programCounterRange", status: 0xffffff07, pc: 4 })
    assert.deepStrictEqual([machine.register(0), machine.pc, machine.steps], [3, 4, 1])
  })

  it("is not behind the code until it is used", () => {
    const machine = machineOf([word("LDI", { rd: 0, imm: 3 })])
    assert.deepStrictEqual(machine.run(1, noServices), { kind: "budget" })
    assert.strictEqual(machine.pc, 4)
  })

  it("may be returned anywhere, and a wild one stays to be seen", () => {
    const machine = machineOf([ret], { stackTop: 0x8000 })
    machine.callDepth = 1
    machine.memory.set([0xf0, 0xff, 0xff, 0xff], 0x8000)
    assert.deepStrictEqual(machine.run(5, noServices), {
      kind: "fault",
      reason: "programCounterRange",
      status: 0xffffff07,
      pc: 0xffff_fff0
    })
    assert.deepStrictEqual([machine.pc, machine.sp, machine.callDepth, machine.steps], [0xffff_fff0, 0x8004, 0, 1])
  })

  it("need not be aligned", () => {
    // From byte 2 on, the same bytes read as LDI R1, 5 and a return.
    const machine = machineOf([0x2100_0110, 0x0005_2500, 0x0000_0000], { entry: 2 })
    assert.deepStrictEqual(machine.run(5, noServices), { kind: "returned", status: 0 })
    assert.deepStrictEqual([machine.register(1), machine.pc], [5, 6])
  })

  it("may not find a long load without its literal", () => {
    const machine = machineOf([word("LDI32", { rd: 3 })])
    assert.include(machine.run(5, noServices), { kind: "fault", reason: "programCounterRange", pc: 0 })
    assert.deepStrictEqual([machine.steps, machine.register(3), machine.pc], [0, 0, 0])
  })

  it("of code without a word is a fault at once", () => {
    assert.include(machineOf([]).run(1, noServices), { kind: "fault", reason: "programCounterRange", pc: 0 })
  })
})

describe("a call", () => {
  const words = [word("CALL", { imm: 8 }), ret, word("LDI", { rd: 0, imm: 6 }), ret]

  it("in old images holds the byte address it calls", () => {
    const machine = new Machine({ code: new Code(codeOf(words), "absolute") })
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "returned", status: 6 })
    assert.deepStrictEqual([machine.steps, machine.pc], [3, 4])
  })

  it("in new images holds a distance, and this one leaves the code", () => {
    const machine = machineOf(words)
    assert.include(machine.run(10, noServices), { kind: "fault", reason: "programCounterRange", pc: 32 })
    assert.deepStrictEqual([machine.steps, machine.callDepth], [1, 1])
  })

  it("to itself ends with its stack, 8192 calls deep", () => {
    const machine = machineOf([word("CALL")])
    assert.include(machine.run(10_000, noServices), { kind: "fault", reason: "stackOverflow" })
    assert.deepStrictEqual([machine.steps, machine.callDepth, machine.sp], [8192, 8192, 0])
  })
})

describe("a fault", () => {
  it("comes again for whoever does not heed it, with nothing counted", () => {
    const machine = machineOf([word("DIV", { rd: 1, rs1: 2, rs2: 3 })])
    machine.psw = flags.carry | flags.negative
    const first = machine.run(5, noServices)
    assert.deepStrictEqual(first, { kind: "fault", reason: "divisionByZero", status: 0xffffff05, pc: 0 })
    assert.deepStrictEqual(machine.run(5, noServices), first)
    assert.deepStrictEqual([machine.steps, machine.psw], [0, flags.carry | flags.negative])
  })

  it("of an illegal word leaves R0 alone", () => {
    const machine = machineOf([0])
    machine.setRegister(0, 4)
    assert.deepStrictEqual(machine.run(5, noServices), {
      kind: "fault",
      reason: "illegalOpcode",
      status: 0xffffff06,
      pc: 0
    })
    assert.deepStrictEqual([machine.register(0), machine.pc, machine.steps], [4, 0, 0])
  })
})

describe("the highest number of 32 bits", () => {
  for (const { mnemonic, a, b } of [
    { mnemonic: "ADD", a: 0x8000_0000, b: 0x7fff_ffff },
    { mnemonic: "ADC", a: 0xf000_0000, b: 0x0fff_ffff },
    { mnemonic: "MUL", a: 0x0001_0001, b: 0x0000_ffff }
  ] as const)
    it(`is reached by ${mnemonic} without a carry`, () => {
      const machine = machineOf([word(mnemonic, { rd: 1, rs1: 2, rs2: 3 })])
      machine.setRegister(2, a)
      machine.setRegister(3, b)
      machine.run(1, noServices)
      assert.strictEqual(machine.register(1), 0xffff_ffff)
      assert.strictEqual(machine.psw, flags.negative)
    })
})

describe("a shift by nothing", () => {
  it("keeps carry and overflow and tells zero and sign", () => {
    const machine = machineOf([word("LSL", { rd: 1, rs1: 2, rs2: 3 })])
    machine.psw = flags.carry | flags.overflow | flags.zero
    machine.setRegister(2, 0x8000_0000)
    machine.setRegister(3, 32)
    machine.run(1, noServices)
    assert.strictEqual(machine.psw, flags.carry | flags.overflow | flags.negative)
    assert.strictEqual(machine.register(1), 0x8000_0000)
  })
})

describe("a breakpoint", () => {
  it("stops behind itself, and the program can go on", () => {
    const machine = machineOf([word("BRK", { imm: 0x105 }), word("LDI", { rd: 0, imm: 2 }), ret])
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "break", code: 5, pc: 0 })
    assert.deepStrictEqual([machine.pc, machine.steps], [4, 1])
    assert.deepStrictEqual(machine.run(10, noServices), { kind: "returned", status: 2 })
  })
})

describe("a machine", () => {
  it("executes nothing on a budget of nothing", () => {
    const machine = machineOf([ret])
    assert.deepStrictEqual(machine.run(0, noServices), { kind: "budget" })
    assert.deepStrictEqual(machine.run(1, noServices), { kind: "returned", status: 0 })
    assert.strictEqual(machine.steps, 0)
  })

  it("refuses budgets, windows and registers that are none", () => {
    const machine = machineOf([ret])
    for (const budget of [-1, 0.5, budgetMax + 1, Number.NaN])
      assert.throws(() => machine.run(budget, noServices), RangeError)
    for (const base of [-4, 0xffc1, 1.5]) assert.throws(() => machineOf([ret], { registerBase: base }), RangeError)
    for (const index of [-1, 16, Number.NaN]) assert.throws(() => machine.register(index), RangeError)
  })

  it("does not follow its image when a loader reuses the bytes", () => {
    const bytes = codeOf([word("LDI", { rd: 0, imm: 1 }), ret])
    const machine = new Machine({ code: new Code(bytes) })
    bytes.fill(0)
    assert.deepStrictEqual(machine.run(5, noServices), { kind: "returned", status: 1 })
  })
})
