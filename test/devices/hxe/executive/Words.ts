/** Instructions by hand: each one is its words in hexadecimal, so that a program is a list of them. */

const word = (op: number, rd = 0, rs1 = 0, rs2 = 0, imm = 0): string =>
  (((op << 24) | (rd << 20) | (rs1 << 16) | (rs2 << 12) | (imm & 0xfff)) >>> 0).toString(16).padStart(8, "0")

/** rd ← signed 12 bits. */
export const ldi = (rd: number, value: number): string => word(0x01, rd, 0, 0, value)
/** rd ← 32 bits; two words. */
export const ldi32 = (rd: number, value: number): string =>
  `${word(0x60, rd)}${(value >>> 0).toString(16).padStart(8, "0")}`
export const mov = (rd: number, rs: number): string => word(0x04, rd, rs)
export const ld = (rd: number, rs: number, offset = 0): string => word(0x02, rd, rs, 0, offset)
export const st = (rs: number, offset: number, value: number): string => word(0x03, 0, rs, value, offset)
export const add = (rd: number, a: number, b: number): string => word(0x10, rd, a, b)
export const div = (rd: number, a: number, b: number): string => word(0x13, rd, a, b)
export const jmp = (address: number): string => word(0x21, 0, 0, 0, address)
export const call = (words: number): string => word(0x24, 0, 0, 0, words)
export const push = (rs: number): string => word(0x40, 0, rs)
export const pop = (rd: number): string => word(0x41, rd)
export const ret = word(0x25)
export const brk = (code: number): string => word(0x7f, 0, 0, 0, code)
export const svc = (module: number, fn: number): string => word(0x30, 0, 0, 0, (module << 8) | fn)

/** A program of these instructions. */
export const program = (...instructions: ReadonlyArray<string>): string => instructions.join("")

/** Counts for ever; three instructions a round. */
export const busyLoop = program(ldi(8, 1), add(9, 9, 8), jmp(4))

/** Texts in rodata: each one with its end, at these offsets. */
export const texts = (size: number, entries: Readonly<Record<number, string>>): Uint8Array => {
  const rodata = new Uint8Array(size)
  for (const [offset, text] of Object.entries(entries)) rodata.set(new TextEncoder().encode(text), Number(offset))
  return rodata
}
