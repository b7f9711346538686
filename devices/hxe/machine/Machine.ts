/** The MVM: sixteen registers, four flags, separate code and 64 KiB of data memory. One machine runs one task. */
import type { Code } from "./Code.ts"
import { errorWords, type FaultReason } from "./ErrorWord.ts"
import { addHalves, divideHalves, halfOf, integerOf, multiplyHalves, subtractHalves } from "./Half.ts"
import type { MachineContext } from "./MachineContext.ts"
import { aloneStackTop, memoryBytes, registerCount, registerWindowBytes } from "./MemoryMap.ts"
import { opcodes } from "./Opcodes.ts"
import type { Services } from "./Services.ts"
import type { Stop } from "./Stop.ts"

/** Most instructions of one `run`. */
export const budgetMax = 0x7fff_ffff

/** Bits of the status word. */
export const flags = { zero: 1, carry: 2, negative: 4, overflow: 8 } as const

/** What a machine starts with. */
export interface MachineOptions {
  readonly code: Code
  /** First instruction, a byte offset into the code; 0 unless given. */
  readonly entry?: number
  /** Stack pointer at the start; {@link aloneStackTop} unless given. */
  readonly stackTop?: number
  /** Lowest address the stack may reach; 0 unless given. */
  readonly stackLimit?: number
  /** Address of the register window; 0, the default, keeps the registers outside memory. */
  readonly registerBase?: number
}

/** Whether the program finds the word of a fault in R0. A program that left its code has no use for it. */
const leavesWord: Readonly<Record<FaultReason, boolean>> = {
  stackUnderflow: true,
  stackOverflow: true,
  memoryFault: true,
  divisionByZero: true,
  illegalOpcode: false,
  programCounterRange: false
}

const statusWord = (zeroWord: number, signWord: number, carry: number, overflowWord: number): number =>
  (zeroWord === 0 ? flags.zero : 0) |
  (carry << 1) |
  (signWord < 0 ? flags.negative : 0) |
  (overflowWord < 0 ? flags.overflow : 0)

const budgetStop: Stop = { kind: "budget" }
const waitingStop: Stop = { kind: "waiting" }

/** One task's machine. `run` is the only thing that executes; everything else is its state. */
export class Machine {
  readonly code: Code
  /** Data memory, little-endian. */
  readonly memory: Uint8Array
  /** Program counter: the byte offset of the next instruction. */
  pc: number
  /** Stack pointer. R15 follows it, and never leads it. */
  sp: number
  /** Status word: see {@link flags}. */
  psw = 0
  /** Calls not yet returned from. */
  callDepth = 0
  /** Instructions retired since the machine was made. */
  steps = 0
  /** Lowest address the stack may reach; never negative. */
  stackLimit: number
  private readonly view: DataView
  private base = 0
  private window = memoryBytes

  constructor(options: MachineOptions) {
    this.code = options.code
    // The registers of a machine without a window lie behind the memory, where no address reaches.
    const buffer = new ArrayBuffer(memoryBytes + registerWindowBytes)
    this.memory = new Uint8Array(buffer, 0, memoryBytes)
    this.view = new DataView(buffer)
    this.pc = options.entry ?? 0
    this.sp = options.stackTop ?? aloneStackTop
    this.stackLimit = options.stackLimit ?? 0
    this.registerBase = options.registerBase ?? 0
  }

  /** Address of the register window; 0 when the registers lie outside memory. Moving it copies nothing. */
  get registerBase(): number {
    return this.base
  }

  set registerBase(address: number) {
    if (!Number.isInteger(address) || address < 0 || address > memoryBytes - registerWindowBytes)
      throw new RangeError(`no register window fits at ${address}`)
    this.base = address
    this.window = address === 0 ? memoryBytes : address
  }

  /** What a register holds, unsigned. */
  register(index: number): number {
    return this.view.getUint32(this.offsetOf(index), true)
  }

  /** Writes the low 32 bits of a value to a register. */
  setRegister(index: number, value: number): void {
    this.view.setInt32(this.offsetOf(index), value, true)
  }

  private offsetOf(index: number): number {
    if (!(index >= 0 && index < registerCount)) throw new RangeError(`there is no register R${index}`)
    return this.window + 4 * index
  }

  /** What a context switch saves. Registers stay in memory. */
  saveContext(): MachineContext {
    const { pc, sp, psw, callDepth, registerBase, stackLimit, steps } = this
    return { pc, sp, psw, callDepth, registerBase, stackLimit, steps }
  }

  /** Takes up a saved context. */
  restoreContext(context: MachineContext): void {
    this.pc = context.pc
    this.sp = context.sp
    this.psw = context.psw
    this.callDepth = context.callDepth
    this.registerBase = context.registerBase
    this.stackLimit = context.stackLimit
    this.steps = context.steps
  }

  /**
   * Executes until `budget` instructions are retired or the program stops; whatever the split into budgets, the outcome is
   * the same. A stop that is no instruction (a fault, the last return) is not counted.
   */
  run(budget: number, services: Services): Stop {
    if (!Number.isInteger(budget) || budget < 0 || budget > budgetMax) throw new RangeError(`no budget: ${budget}`)
    const code = this.code.view
    const lastPc = this.code.length - 4
    const callsAreRelative = this.code.callMode === "relative"
    const view = this.view
    let window = this.window
    let stackLimit = this.stackLimit
    let callDepth = this.callDepth
    let pc = this.pc | 0
    let sp = this.sp | 0
    // Z and N come from two words, so that an instruction need not compute them; carry is 0 or 1; V is the sign of a word.
    let zeroWord = ~this.psw & flags.zero
    let signWord = 0 - (this.psw & flags.negative)
    let carry = (this.psw & flags.carry) >> 1
    let overflowWord = 0 - (this.psw & flags.overflow)
    let left = budget
    let stepsBefore = this.steps
    let at = pc
    let fault: FaultReason | undefined
    let stop: Stop = budgetStop

    execution: while (left > 0) {
      at = pc
      left -= 1
      if (at < 0 || at > lastPc) {
        fault = "programCounterRange"
        break
      }
      const word = code.getInt32(at, false)
      pc = at + 4
      const rd = window + ((word >>> 18) & 0x3c)
      const rs1 = window + ((word >>> 14) & 0x3c)
      const rs2 = window + ((word >>> 10) & 0x3c)
      switch (word >>> 24) {
        case opcodes.LDI:
          view.setInt32(rd, (word << 20) >> 20, true)
          continue
        case opcodes.LDI32:
          if (at > lastPc - 4) {
            fault = "programCounterRange"
            break execution
          }
          view.setInt32(rd, code.getInt32(pc, false), true)
          pc = at + 8
          continue
        case opcodes.MOV:
          view.setInt32(rd, view.getInt32(rs1, true), true)
          continue

        case opcodes.LD: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          if (address > 0xfffc) {
            fault = "memoryFault"
            break execution
          }
          view.setInt32(rd, view.getInt32(address, true), true)
          continue
        }
        case opcodes.LDB: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          view.setInt32(rd, view.getUint8(address), true)
          continue
        }
        case opcodes.LDH: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          if (address > 0xfffe) {
            fault = "memoryFault"
            break execution
          }
          view.setInt32(rd, view.getUint16(address, true), true)
          continue
        }
        case opcodes.ST: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          if (address > 0xfffc) {
            fault = "memoryFault"
            break execution
          }
          view.setInt32(address, view.getInt32(rs2, true), true)
          continue
        }
        case opcodes.STB: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          view.setInt8(address, view.getInt32(rs2, true))
          continue
        }
        case opcodes.STH: {
          const address = (view.getInt32(rs1, true) + ((word << 20) >> 20)) & 0xffff
          if (address > 0xfffe) {
            fault = "memoryFault"
            break execution
          }
          view.setInt16(address, view.getInt32(rs2, true), true)
          continue
        }

        case opcodes.ADD: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          const result = (a + b) | 0
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = result >>> 0 < a >>> 0 ? 1 : 0
          overflowWord = (a ^ result) & (b ^ result)
          continue
        }
        case opcodes.SUB: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          const result = (a - b) | 0
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = a >>> 0 >= b >>> 0 ? 1 : 0
          overflowWord = (a ^ b) & (a ^ result)
          continue
        }
        case opcodes.CMP: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          const result = (a - b) | 0
          zeroWord = signWord = result
          carry = a >>> 0 >= b >>> 0 ? 1 : 0
          overflowWord = (a ^ b) & (a ^ result)
          continue
        }
        case opcodes.ADC: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          // Overflow is judged from the second operand with the carry already in it, even where that wraps its sign.
          const addend = (b + carry) | 0
          const result = (a + addend) | 0
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = (a >>> 0) + (b >>> 0) + carry > 0xffff_ffff ? 1 : 0
          overflowWord = (a ^ result) & (addend ^ result)
          continue
        }
        case opcodes.SBC: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          const borrow = 1 - carry
          const subtrahend = (b + borrow) | 0
          const result = (a - subtrahend) | 0
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = a >>> 0 >= (b >>> 0) + borrow ? 1 : 0
          overflowWord = (a ^ subtrahend) & (a ^ result)
          continue
        }
        case opcodes.MUL: {
          const a = view.getInt32(rs1, true)
          const b = view.getInt32(rs2, true)
          const result = Math.imul(a, b)
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          // Rounding cannot carry the product across 2^32, a power of two.
          carry = (a >>> 0) * (b >>> 0) > 0xffff_ffff ? 1 : 0
          overflowWord = 0 - carry
          continue
        }
        case opcodes.DIV: {
          const divisor = view.getInt32(rs2, true)
          if (divisor === 0) {
            fault = "divisionByZero"
            break execution
          }
          const result = (view.getInt32(rs1, true) / divisor) | 0
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = 0
          overflowWord = 0
          continue
        }
        case opcodes.AND: {
          const result = view.getInt32(rs1, true) & view.getInt32(rs2, true)
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = 0
          overflowWord = 0
          continue
        }
        case opcodes.OR: {
          const result = view.getInt32(rs1, true) | view.getInt32(rs2, true)
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = 0
          overflowWord = 0
          continue
        }
        case opcodes.XOR: {
          const result = view.getInt32(rs1, true) ^ view.getInt32(rs2, true)
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = 0
          overflowWord = 0
          continue
        }
        case opcodes.NOT: {
          const result = ~view.getInt32(rs1, true)
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          carry = 0
          overflowWord = 0
          continue
        }
        case opcodes.LSL: {
          const value = view.getInt32(rs1, true)
          const count = view.getInt32(rs2, true) & 31
          const result = value << count
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          if (count !== 0) {
            carry = (value >>> (32 - count)) & 1
            overflowWord = 0
          }
          continue
        }
        case opcodes.LSR: {
          const value = view.getInt32(rs1, true)
          const count = view.getInt32(rs2, true) & 31
          const result = value >>> count
          view.setInt32(rd, result, true)
          zeroWord = signWord = result | 0
          if (count !== 0) {
            carry = (value >>> (count - 1)) & 1
            overflowWord = 0
          }
          continue
        }
        case opcodes.ASR: {
          const value = view.getInt32(rs1, true)
          const count = view.getInt32(rs2, true) & 31
          const result = value >> count
          view.setInt32(rd, result, true)
          zeroWord = signWord = result
          if (count !== 0) {
            carry = (value >>> (count - 1)) & 1
            overflowWord = 0
          }
          continue
        }

        case opcodes.JMP:
          pc = word & 0xfff
          continue
        case opcodes.JZ:
          if (zeroWord === 0) pc = word & 0xfff
          continue
        case opcodes.JNZ:
          if (zeroWord !== 0) pc = word & 0xfff
          continue

        case opcodes.CALL: {
          const lower = sp - 4
          if (lower < stackLimit || lower > 0xfffc) {
            fault = "stackOverflow"
            break execution
          }
          const from = (word & 0xf_0000) === 0 ? at : view.getInt32(rs1, true)
          view.setInt32(lower, pc, true)
          sp = lower
          view.setInt32(window + 60, sp, true)
          callDepth += 1
          pc = callsAreRelative ? (from + ((word << 20) >> 18)) & 0xffff : word & 0xfff
          continue
        }
        case opcodes.RET:
          if (callDepth === 0) {
            stop = { kind: "returned", status: view.getUint32(window, true) }
            pc = at
            left += 1
            break execution
          }
          if (sp < 0 || sp > 0xffff) {
            fault = "stackUnderflow"
            break execution
          }
          if (sp > 0xfffc) {
            fault = "memoryFault"
            break execution
          }
          pc = view.getInt32(sp, true)
          sp += 4
          view.setInt32(window + 60, sp, true)
          callDepth -= 1
          continue
        case opcodes.PUSH: {
          const lower = sp - 4
          if (lower < stackLimit || lower > 0xfffc) {
            fault = "stackOverflow"
            break execution
          }
          view.setInt32(lower, view.getInt32(rs1, true), true)
          sp = lower
          view.setInt32(window + 60, sp, true)
          continue
        }
        case opcodes.POP: {
          if (sp < 0 || sp > 0xffff) {
            fault = "stackUnderflow"
            break execution
          }
          if (sp > 0xfffc) {
            fault = "memoryFault"
            break execution
          }
          const value = view.getInt32(sp, true)
          sp += 4
          view.setInt32(window + 60, sp, true)
          view.setInt32(rd, value, true)
          continue
        }

        case opcodes.FADD:
          view.setUint16(rd, addHalves(view.getUint16(rs1, true), view.getUint16(rs2, true)), true)
          continue
        case opcodes.FSUB:
          view.setUint16(rd, subtractHalves(view.getUint16(rs1, true), view.getUint16(rs2, true)), true)
          continue
        case opcodes.FMUL:
          view.setUint16(rd, multiplyHalves(view.getUint16(rs1, true), view.getUint16(rs2, true)), true)
          continue
        case opcodes.FDIV:
          view.setUint16(rd, divideHalves(view.getUint16(rs1, true), view.getUint16(rs2, true)), true)
          continue
        case opcodes.I2F:
          view.setUint16(rd, halfOf(view.getInt32(rs1, true)), true)
          continue
        case opcodes.F2I:
          view.setInt32(rd, integerOf(view.getUint16(rs1, true)), true)
          continue

        case opcodes.SVC: {
          // The service sees the machine as the call finds it and may change any of it, or run a handler on it.
          this.pc = pc
          this.sp = sp >>> 0
          this.psw = statusWord(zeroWord, signWord, carry, overflowWord)
          this.callDepth = callDepth
          this.steps = stepsBefore + (budget - left - 1)
          const result = services.call((word >>> 8) & 0xf, word & 0xff, this)
          window = this.window
          stackLimit = this.stackLimit
          callDepth = this.callDepth
          pc = this.pc | 0
          sp = this.sp | 0
          zeroWord = ~this.psw & flags.zero
          signWord = 0 - (this.psw & flags.negative)
          carry = (this.psw & flags.carry) >> 1
          overflowWord = 0 - (this.psw & flags.overflow)
          stepsBefore = this.steps - (budget - left - 1)
          if (result === "done") continue
          if (result === "unknown") {
            view.setInt32(window, errorWords.unknownCall, true)
            continue
          }
          stop = result === "waiting" ? waitingStop : { kind: "exited", status: view.getUint32(window, true) }
          break execution
        }
        case opcodes.BRK:
          stop = { kind: "break", code: word & 0xff, pc: at }
          break execution
        default:
          fault = "illegalOpcode"
          break execution
      }
    }

    if (fault !== undefined) {
      // A fault undoes the instruction: it is not counted and nothing but R0 has changed.
      pc = at
      left += 1
      if (leavesWord[fault]) view.setInt32(window, errorWords[fault], true)
      stop = { kind: "fault", reason: fault, status: errorWords[fault], pc: pc >>> 0 }
    }
    this.pc = pc >>> 0
    this.sp = sp >>> 0
    this.psw = statusWord(zeroWord, signWord, carry, overflowWord)
    this.callDepth = callDepth
    this.steps = stepsBefore + (budget - left)
    return stop
  }
}
