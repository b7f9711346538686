/** Code for the tests, word by word. */
import { type Mnemonic, opcodes } from "../../../../devices/hxe/machine/Opcodes.ts"

/** The bytes of instruction words. */
export const codeOf = (words: ReadonlyArray<number>): Uint8Array => {
  const bytes = new Uint8Array(4 * words.length)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word)
  return bytes
}

/** Fields of an instruction word; what is left out is 0. */
export interface Operands {
  readonly rd?: number
  readonly rs1?: number
  readonly rs2?: number
  readonly imm?: number
}

/** An instruction word. */
export const word = (mnemonic: Mnemonic, { rd = 0, rs1 = 0, rs2 = 0, imm = 0 }: Operands = {}): number =>
  ((opcodes[mnemonic] << 24) | (rd << 20) | (rs1 << 16) | (rs2 << 12) | (imm & 0xfff)) >>> 0

/** Words written as eight hexadecimal digits each. */
export const wordsOf = (text: string): ReadonlyArray<number> =>
  text.split(" ").map((digits) => Number.parseInt(digits, 16))
