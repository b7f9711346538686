/**
 * Which of two encodings an image's CALL instructions have. Before version 2 the compiler changed from absolute byte
 * addresses to signed offsets in words, and left no mark in the file.
 */
import type { HxeImage } from "./Hxe.ts"

/** What a CALL's immediate is: words from the instruction, or a byte address. */
export type CallMode = "relative" | "absolute"

/** What was asked for. */
export type CallModeOption = CallMode | "auto"

const opcodes = { call: 0x24, ldi32: 0x60 } as const

const guess = (code: Uint8Array): CallMode => {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const isInCode = (target: number): boolean => target >= 0 && target < code.length
  let isRelativeWrong = false
  for (let at = 0; at + 4 <= code.length; at += 4) {
    const word = view.getUint32(at)
    const opcode = word >>> 24
    if (opcode === opcodes.ldi32) at += 4
    // A register as base says nothing before the program runs.
    if (opcode !== opcodes.call || ((word >>> 16) & 15) !== 0) continue
    const absolute = word & 0xfff
    if (!isInCode(absolute) || absolute % 4 !== 0) return "relative"
    const relative = at + 4 * ((word << 20) >> 20)
    if (!isInCode(relative) || relative === at) isRelativeWrong = true
  }
  return isRelativeWrong ? "absolute" : "relative"
}

/**
 * The encoding to run an image with. Version 2 is always relative. For version 1, `auto` takes absolute only where a relative
 * reading leaves the code or calls itself, and an absolute one fits everywhere.
 */
export const callModeOf = (image: Pick<HxeImage, "header" | "code">, option: CallModeOption = "auto"): CallMode => {
  if (image.header.version === 2) return "relative"
  return option === "auto" ? guess(image.code) : option
}
