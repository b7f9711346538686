/** The instructions of the machine: mnemonic, opcode, and what is written behind it. */
import { type Mnemonic, opcodes } from "../machine/Opcodes.ts"

/**
 * What an operand is, and which field of the word it fills: `rd`, `rs1`, `rs2` registers; `imm` a signed 12-bit number; `memory`
 * a base register in rs1 and a signed 12-bit offset, in brackets; `literal` the second word; `target` an absolute byte address
 * in the unsigned 12-bit field; `call` a signed distance in words; `service` module and function; `code` of a break.
 */
export type OperandKind = "rd" | "rs1" | "rs2" | "imm" | "memory" | "literal" | "target" | "call" | "service" | "code"

/** One instruction. */
export interface Instruction {
  readonly mnemonic: Mnemonic
  readonly opcode: number
  readonly operands: ReadonlyArray<OperandKind>
}

/** What stands behind each mnemonic. */
const operands: Readonly<Record<Mnemonic, ReadonlyArray<OperandKind>>> = {
  LDI: ["rd", "imm"],
  LD: ["rd", "memory"],
  ST: ["memory", "rs2"],
  MOV: ["rd", "rs1"],
  LDB: ["rd", "memory"],
  LDH: ["rd", "memory"],
  STB: ["memory", "rs2"],
  STH: ["memory", "rs2"],
  ADD: ["rd", "rs1", "rs2"],
  SUB: ["rd", "rs1", "rs2"],
  MUL: ["rd", "rs1", "rs2"],
  DIV: ["rd", "rs1", "rs2"],
  AND: ["rd", "rs1", "rs2"],
  OR: ["rd", "rs1", "rs2"],
  XOR: ["rd", "rs1", "rs2"],
  NOT: ["rd", "rs1"],
  CMP: ["rs1", "rs2"],
  JMP: ["target"],
  JZ: ["target"],
  JNZ: ["target"],
  CALL: ["call"],
  RET: [],
  SVC: ["service"],
  LSL: ["rd", "rs1", "rs2"],
  LSR: ["rd", "rs1", "rs2"],
  ASR: ["rd", "rs1", "rs2"],
  ADC: ["rd", "rs1", "rs2"],
  SBC: ["rd", "rs1", "rs2"],
  PUSH: ["rs1"],
  POP: ["rd"],
  FADD: ["rd", "rs1", "rs2"],
  FSUB: ["rd", "rs1", "rs2"],
  FMUL: ["rd", "rs1", "rs2"],
  FDIV: ["rd", "rs1", "rs2"],
  I2F: ["rd", "rs1"],
  F2I: ["rd", "rs1"],
  LDI32: ["rd", "literal"],
  BRK: ["code"]
}

const isMnemonic = (name: string): name is Mnemonic => Object.hasOwn(opcodes, name)

/** All of them. */
export const instructions: ReadonlyArray<Instruction> = Object.keys(opcodes)
  .filter(isMnemonic)
  .map((mnemonic) => ({ mnemonic, opcode: opcodes[mnemonic], operands: operands[mnemonic] }))

/** By mnemonic in capital letters. */
export const byMnemonic: ReadonlyMap<string, Instruction> = new Map(
  instructions.map((one): [string, Instruction] => [one.mnemonic, one])
)

/** By opcode. */
export const byOpcode: ReadonlyMap<number, Instruction> = new Map(instructions.map((one) => [one.opcode, one]))

/** The fields of an instruction word. */
export interface Fields {
  readonly rd?: number
  readonly rs1?: number
  readonly rs2?: number
  /** The low twelve bits, as they are written. */
  readonly low?: number
}

/** `op[31:24] rd[23:20] rs1[19:16] rs2[15:12] low[11:0]`. */
export const wordOf = (opcode: number, { rd = 0, rs1 = 0, rs2 = 0, low = 0 }: Fields): number =>
  ((opcode << 24) | ((rd & 15) << 20) | ((rs1 & 15) << 16) | ((rs2 & 15) << 12) | (low & 0xfff)) >>> 0

/** The twelve bits as a signed number. */
export const signed12 = (low: number): number => (low << 20) >> 20
