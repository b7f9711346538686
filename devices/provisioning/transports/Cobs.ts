/** Consistent overhead byte stuffing: bytes without a zero, so that a zero can end each frame. */

/** Longest run between two code bytes. */
const runMax = 254

/** Stuffed bytes, without the zero that ends the frame. */
export const cobsEncode = (bytes: Uint8Array): Uint8Array => {
  const to: Array<number> = [0]
  let codeAt = 0
  let run = 0
  for (const [index, byte] of bytes.entries()) {
    if (byte !== 0) {
      to.push(byte)
      run += 1
    }
    const isFull = run === runMax && index + 1 < bytes.length
    if (byte !== 0 && !isFull) continue
    to[codeAt] = run + 1
    codeAt = to.length
    to.push(0)
    run = 0
  }
  to[codeAt] = run + 1
  return Uint8Array.from(to)
}

/** The bytes that were stuffed, or none when these cannot come from an encoder. */
export const cobsDecode = (bytes: Uint8Array): Uint8Array | undefined => {
  const to: Array<number> = []
  let at = 0
  while (at < bytes.length) {
    const code = bytes[at] ?? 0
    const end = at + code
    if (code === 0 || end > bytes.length) return undefined
    for (const byte of bytes.subarray(at + 1, end)) {
      if (byte === 0) return undefined
      to.push(byte)
    }
    at = end
    if (code <= runMax && at < bytes.length) to.push(0)
  }
  return Uint8Array.from(to)
}
