/** Images as the reference linker wrote them, byte for byte. */

/** Bytes of a dump: hexadecimal digits, blanks and line ends between them. */
export const bytesOf = (dump: string): Uint8Array =>
  Uint8Array.from(dump.match(/[0-9a-fA-F]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16))

/** Digits of bytes, in lower case. */
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Version 1: `LDI R0,7; RET` and the rodata "AB". */
export const first = bytesOf(`
  48 53 58 45 00 01 00 00 00 00 00 00 00 00 00 08 00 00 00 02 00 00 00 00 00 00 00 00 B0 CC FE 54
  01 00 00 07 25 00 00 00 41 42`)

/** The smallest of version 2: `LDI R0,42; RET`, for a single instance, without sections. */
export const smallest = bytesOf(`
  48 53 58 45 00 02 00 00 00 00 00 00 00 00 00 08
  00 00 00 00 00 00 00 00 00 00 00 00 91 B1 7A 7E
  67 6F 6C 64 5F 6D 69 6E 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  01 00 00 2A 25 00 00 00`)

/** Version 2 with seven bytes of rodata, two values, a command and a mailbox: its table stands at an odd offset. */
export const full = bytesOf(`
  48 53 58 45 00 02 00 02 00 00 00 00 00 00 00 24
  00 00 00 07 00 00 00 00 00 00 00 43 5C 34 A3 6E
  67 6F 6C 64 20 66 75 6C 6C 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 8B 00 00 00 03 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  60 10 00 00 00 00 40 00 01 20 00 03 24 00 00 02
  25 00 00 00 10 02 20 00 25 00 00 00 01 00 00 00
  25 00 00 00 68 69 21 00 34 12 AA 00 00 00 01 00
  00 00 BB 00 00 00 37 00 00 00 02 00 00 00 02 00
  00 00 F2 00 00 00 27 00 00 00 01 00 00 00 03 00
  00 01 19 00 00 00 5F 00 00 00 01 01 09 11 00 3C
  00 00 28 00 00 00 00 00 00 00 00 00 00 00 00 02
  01 02 01 4A 40 00 2D 00 2D 2E 66 D1 00 57 D0 00
  11 00 31 6C 61 6D 70 00 72 70 6D 00 6D 6F 74 6F
  72 00 02 07 01 02 00 00 00 1C 00 10 00 16 00 00
  00 21 72 65 73 65 74 00 72 65 73 74 61 72 74 20
  69 74 00 6D 6F 74 6F 72 00 7B 22 6D 61 69 6C 62
  6F 78 65 73 22 3A 5B 7B 22 63 61 70 61 63 69 74
  79 22 3A 39 36 2C 22 6D 6F 64 65 22 3A 22 52 44
  57 52 7C 46 41 4E 4F 55 54 7C 46 41 4E 4F 55 54
  5F 44 52 4F 50 22 2C 22 74 61 72 67 65 74 22 3A
  22 61 70 70 3A 6C 6F 67 22 7D 5D 2C 22 76 65 72
  73 69 6F 6E 22 3A 31 7D`)

/** The manifest that makes {@link full} 467 bytes with the header CRC 933A054E. */
export const fullManifest = '{"image_name":"gold full","required_caps":67,"stack_size_bytes":1024,"version":"1.0.0"}'

/** {@link full} with its manifest. */
export const described = ((): Uint8Array => {
  const bytes = new Uint8Array(467)
  bytes.set(full)
  bytes[0x07] = 3
  bytes.set(bytesOf("93 3A 05 4E"), 0x1c)
  bytes.set(bytesOf("00 00 00 57"), 376)
  bytes.set(Buffer.from(fullManifest, "ascii"), 380)
  return bytes
})()
