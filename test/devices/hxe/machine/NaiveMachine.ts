/** The machine once more, as slow and plain as the instruction table reads: one step at a time, on big integers. */

import type { Machine } from "../../../../devices/hxe/machine/Machine.ts"
import type { ServiceResult } from "../../../../devices/hxe/machine/Services.ts"
import type { Stop } from "../../../../devices/hxe/machine/Stop.ts"
import type { CallMode } from "../../../../src/protocol/hxe/CallMode.ts"
import { naiveHalves } from "./NaiveHalf.ts"

/** What a service of the tests sees of either machine. */
export type Caller = Pick<Machine, "register" | "setRegister" | "steps" | "memory">

/** A service of the tests. */
export type Answer = (module: number, fn: number, caller: Caller) => ServiceResult

/** What both machines start with. */
export interface Start {
  readonly code: Uint8Array
  readonly callMode: CallMode
  readonly pc: number
  readonly sp: number
  readonly psw: number
  readonly callDepth: number
  readonly stackLimit: number
  readonly registerBase: number
  readonly registers: ReadonlyArray<number>
  readonly memory: Uint8Array
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(32, value)
const signed = (value: bigint): bigint => BigInt.asIntN(32, value)

type Fault = Extract<Stop, { kind: "fault" }>["reason"]
const wordOf: Record<Fault, number> = {
  stackUnderflow: 0xffffff02,
  stackOverflow: 0xffffff03,
  memoryFault: 0xffffff04,
  divisionByZero: 0xffffff05,
  illegalOpcode: 0xffffff06,
  programCounterRange: 0xffffff07
}

class Trap {
  readonly reason: Fault
  constructor(reason: Fault) {
    this.reason = reason
  }
}

export class NaiveMachine {
  pc: number
  sp: number
  z: boolean
  c: boolean
  n: boolean
  v: boolean
  callDepth: number
  steps = 0
  readonly memory: Uint8Array
  private readonly start: Start
  private readonly outside: Array<bigint> = Array.from({ length: 16 }, () => 0n)

  constructor(start: Start) {
    this.start = start
    this.memory = start.memory.slice()
    this.pc = start.pc
    this.sp = start.sp
    this.z = (start.psw & 1) !== 0
    this.c = (start.psw & 2) !== 0
    this.n = (start.psw & 4) !== 0
    this.v = (start.psw & 8) !== 0
    this.callDepth = start.callDepth
    for (const [index, value] of start.registers.entries()) this.setRegister(index, value)
  }

  get psw(): number {
    return (this.z ? 1 : 0) + (this.c ? 2 : 0) + (this.n ? 4 : 0) + (this.v ? 8 : 0)
  }

  register(index: number): number {
    return Number(this.get(index))
  }

  setRegister(index: number, value: number): void {
    this.set(index, BigInt(value))
  }

  private get(index: number): bigint {
    const base = this.start.registerBase
    return base === 0 ? (this.outside[index] ?? 0n) : this.load(base + 4 * index, 4)
  }

  private set(index: number, value: bigint): void {
    const base = this.start.registerBase
    if (base === 0) this.outside[index] = unsigned(value)
    else this.store(base + 4 * index, 4, unsigned(value))
  }

  private load(address: number, bytes: number): bigint {
    if (address + bytes > 65536) throw new Trap("memoryFault")
    let value = 0n
    for (let index = bytes - 1; index >= 0; index--) value = value * 256n + BigInt(this.memory[address + index] ?? 0)
    return value
  }

  private store(address: number, bytes: number, value: bigint): void {
    if (address + bytes > 65536) throw new Trap("memoryFault")
    for (let index = 0; index < bytes; index++)
      this.memory[address + index] = Number((value >> BigInt(8 * index)) & 255n)
  }

  private fetch(at: number): number {
    if (at + 4 > this.start.code.length) throw new Trap("programCounterRange")
    let word = 0
    for (let index = 0; index < 4; index++) word = word * 256 + (this.start.code[at + index] ?? 0)
    return word
  }

  private push(value: bigint): void {
    const lower = this.sp - 4
    if (lower < 0 || lower < this.start.stackLimit || lower + 4 > 65536) throw new Trap("stackOverflow")
    this.store(lower, 4, value)
    this.sp = lower
    this.setRegister(15, this.sp)
  }

  private pop(): bigint {
    if (this.sp >= 65536) throw new Trap("stackUnderflow")
    const value = this.load(this.sp, 4)
    this.sp += 4
    this.setRegister(15, this.sp)
    return value
  }

  /** Z and N from the result, C and V as given. */
  private flag(result: bigint, c: boolean, v: boolean): void {
    this.z = unsigned(result) === 0n
    this.n = signed(result) < 0n
    this.c = c
    this.v = v
  }

  private put(index: number, result: bigint, c: boolean, v: boolean): void {
    this.set(index, result)
    this.flag(result, c, v)
  }

  run(budget: number, answer: Answer): Stop {
    for (let done = 0; done < budget; done++) {
      const stop = this.step(answer)
      if (stop !== undefined) return stop
    }
    return { kind: "budget" }
  }

  private step(answer: Answer): Stop | undefined {
    const at = this.pc
    try {
      return this.execute(at, answer)
    } catch (trap) {
      if (!(trap instanceof Trap)) throw trap
      const status = wordOf[trap.reason]
      this.pc = at
      if (status <= 0xffffff05) this.setRegister(0, status)
      return { kind: "fault", reason: trap.reason, status, pc: at }
    }
  }

  private execute(at: number, answer: Answer): Stop | undefined {
    const word = this.fetch(at)
    const opcode = Math.floor(word / 2 ** 24)
    const rd = (word >> 20) & 15
    const rs1 = (word >> 16) & 15
    const rs2 = (word >> 12) & 15
    const low12 = word & 0xfff
    const immediate = low12 >= 0x800 ? low12 - 0x1000 : low12
    const a = this.get(rs1)
    const b = this.get(rs2)
    const half = (value: bigint): number => Number(value % 65536n)
    const address = Number((a + BigInt(immediate)) & 0xffffn)
    const c = this.c ? 1n : 0n
    const limit = 2n ** 32n
    let next = at + 4
    let stop: Stop | undefined

    if (opcode === 0x01) this.set(rd, BigInt(immediate))
    else if (opcode === 0x02) this.set(rd, this.load(address, 4))
    else if (opcode === 0x03) this.store(address, 4, b)
    else if (opcode === 0x04) this.set(rd, a)
    else if (opcode === 0x06) this.set(rd, this.load(address, 1))
    else if (opcode === 0x07) this.set(rd, this.load(address, 2))
    else if (opcode === 0x08) this.store(address, 1, b)
    else if (opcode === 0x09) this.store(address, 2, b)
    else if (opcode === 0x10) {
      const sum = signed(a) + signed(b)
      this.put(rd, sum, a + b >= limit, sum !== signed(sum))
    } else if (opcode === 0x11 || opcode === 0x20) {
      const difference = signed(a) - signed(b)
      if (opcode === 0x11) this.set(rd, difference)
      this.flag(difference, a >= b, difference !== signed(difference))
    } else if (opcode === 0x12) this.put(rd, a * b, a * b >= limit, a * b >= limit)
    else if (opcode === 0x13) {
      if (b === 0n) throw new Trap("divisionByZero")
      this.put(rd, signed(a) / signed(b), false, false)
    } else if (opcode === 0x14) this.put(rd, a & b, false, false)
    else if (opcode === 0x15) this.put(rd, a | b, false, false)
    else if (opcode === 0x16) this.put(rd, a ^ b, false, false)
    else if (opcode === 0x17) this.put(rd, limit - 1n - a, false, false)
    else if (opcode === 0x21) next = low12
    else if (opcode === 0x22) next = this.z ? low12 : next
    else if (opcode === 0x23) next = this.z ? next : low12
    else if (opcode === 0x24) {
      const base = rs1 === 0 ? BigInt(at) : a
      const target = this.start.callMode === "absolute" ? low12 : Number((base + 4n * BigInt(immediate)) & 0xffffn)
      this.push(BigInt(at + 4))
      this.callDepth += 1
      next = target
    } else if (opcode === 0x25) {
      if (this.callDepth === 0) return { kind: "returned", status: this.register(0) }
      next = Number(this.pop())
      this.callDepth -= 1
    } else if (opcode === 0x30) {
      this.pc = next
      const result = answer((word >> 8) & 15, word & 255, this)
      if (result === "unknown") this.setRegister(0, 0xffffff01)
      if (result === "waiting") stop = { kind: "waiting" }
      if (result === "exit") stop = { kind: "exited", status: this.register(0) }
    } else if (opcode >= 0x31 && opcode <= 0x33) {
      // One place at a time, so that the bit that leaves is plain to see. No place moved, no bit left: C and V stay.
      let value = opcode === 0x33 ? signed(a) : a
      for (let place = 0n; place < b % 32n; place++) {
        this.c = opcode === 0x31 ? (value & 0x80000000n) !== 0n : (value & 1n) !== 0n
        this.v = false
        value = opcode === 0x31 ? unsigned(value * 2n) : value >> 1n
      }
      this.put(rd, value, this.c, this.v)
    } else if (opcode === 0x34) {
      const addend = signed(b + c)
      const result = signed(a + b + c)
      const overflows =
        (signed(a) >= 0n && addend >= 0n && result < 0n) || (signed(a) < 0n && addend < 0n && result >= 0n)
      this.put(rd, result, a + b + c >= limit, overflows)
    } else if (opcode === 0x35) {
      const subtrahend = signed(b + 1n - c)
      const result = signed(a - b - 1n + c)
      const overflows =
        (signed(a) >= 0n && subtrahend < 0n && result < 0n) || (signed(a) < 0n && subtrahend >= 0n && result >= 0n)
      this.put(rd, result, a - (b + 1n - c) >= 0n, overflows)
    } else if (opcode === 0x40) this.push(a)
    else if (opcode === 0x41) this.set(rd, this.pop())
    else if (opcode >= 0x50 && opcode <= 0x54) {
      const bits =
        opcode === 0x50
          ? naiveHalves.add(half(a), half(b))
          : opcode === 0x51
            ? naiveHalves.subtract(half(a), half(b))
            : opcode === 0x52
              ? naiveHalves.multiply(half(a), half(b))
              : opcode === 0x53
                ? naiveHalves.divide(half(a), half(b))
                : naiveHalves.fromInteger(signed(a))
      this.set(rd, (this.get(rd) / 65536n) * 65536n + BigInt(bits))
    } else if (opcode === 0x55) this.set(rd, naiveHalves.toInteger(half(a)))
    else if (opcode === 0x60) {
      this.set(rd, BigInt(this.fetch(at + 4)))
      next = at + 8
    } else if (opcode === 0x7f) stop = { kind: "break", code: low12 & 255, pc: at }
    else throw new Trap("illegalOpcode")

    this.pc = next
    this.steps += 1
    return stop
  }
}
