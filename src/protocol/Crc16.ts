/** CRC-16/CCITT-FALSE: polynomial 0x1021, begins at 0xFFFF, not reflected. Over "123456789" it is 0x29B1. */

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  return crc & 0xffff
})

/** Of these bytes, one after the other; `before` goes on where another call ended. */
export const crc16 = (bytes: Uint8Array, before = 0xffff): number => {
  let crc = before
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (table[(crc >> 8) ^ byte] ?? 0)
  return crc
}
