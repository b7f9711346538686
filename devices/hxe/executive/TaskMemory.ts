/** How services read and write a program's memory. Addresses are cut to 16 bits; nothing reaches past the end. */

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** A view of bytes, cut at the end of memory; not a copy. */
export const bytesAt = (memory: Uint8Array, address: number, length: number): Uint8Array => {
  const start = address & 0xffff
  return memory.subarray(start, Math.min(start + length, memory.length))
}

/** Writes bytes, cut at the end of memory. Answers how many fitted. */
export const writeAt = (memory: Uint8Array, address: number, bytes: Uint8Array): number => {
  const start = address & 0xffff
  const fitting = bytes.subarray(0, memory.length - start)
  memory.set(fitting, start)
  return fitting.length
}

/** A text up to its end byte, or to the end of memory. */
export const textAt = (memory: Uint8Array, address: number): string => {
  const start = address & 0xffff
  const end = memory.indexOf(0, start)
  return decoder.decode(memory.subarray(start, end < 0 ? memory.length : end))
}

/** Text as bytes. */
export const textBytes = (text: string): Uint8Array => encoder.encode(text)

/** Bytes as text, whatever they are. */
export const bytesText = (bytes: Uint8Array): string => decoder.decode(bytes)

/** A little-endian 16-bit number, whose second byte wraps to the start of memory. */
export const halfWordAt = (memory: Uint8Array, address: number): number =>
  (memory[address & 0xffff] ?? 0) | ((memory[(address + 1) & 0xffff] ?? 0) << 8)
