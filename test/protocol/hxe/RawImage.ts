/** Images laid by hand, also those no writer would make; apart from the code that is tested. */

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let rest = index
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ ((rest & 1) * 0xedb8_8320)
  return rest
})

/** CRC-32 by its definition. */
export const crcOf = (...pieces: ReadonlyArray<Uint8Array>): number => {
  let rest = 0xffff_ffff
  for (const bytes of pieces) for (const byte of bytes) rest = (rest >>> 8) ^ (crcTable[(rest ^ byte) & 0xff] ?? 0)
  return (rest ^ 0xffff_ffff) >>> 0
}

export const u16 = (value: number): ReadonlyArray<number> => [(value >>> 8) & 0xff, value & 0xff]
export const u32 = (value: number): ReadonlyArray<number> => [...u16(value >>> 16), ...u16(value)]

/** Bytes of a text in UTF-8. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The CRC that the header must hold, from the bytes it covers. */
export const headerCrc = (bytes: Uint8Array): number =>
  crcOf(bytes.subarray(0, 0x1c), bytes.subarray(bytes[5] === 1 ? 32 : 96))

/** A copy with its CRC made right. */
export const sealed = (bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice()
  copy.set(u32(headerCrc(copy)), 0x1c)
  return copy
}

/** Bytes put at an offset. */
export type Edit = readonly [offset: number, bytes: Iterable<number>]

/** A copy with some bytes replaced; its CRC stays as it was. */
export const edited = (bytes: Uint8Array, ...edits: ReadonlyArray<Edit>): Uint8Array => {
  const copy = bytes.slice()
  for (const [offset, replacement] of edits) copy.set([...replacement], offset)
  return copy
}

/** A section to lay: its entries and strings as bytes. */
export interface RawSection {
  readonly type: number
  readonly payload: Uint8Array
  readonly count: number
}

/** An image of version 2 with these sections, with right lengths and CRC. */
export const withSections = (
  sections: ReadonlyArray<RawSection>,
  options: {
    readonly flags?: number
    readonly code?: ReadonlyArray<number>
    readonly rodata?: ReadonlyArray<number>
    readonly gap?: number
    readonly trailer?: Uint8Array
  } = {}
): Uint8Array => {
  const { flags = 2, code = [1, 0, 0, 42, 0x25, 0, 0, 0], rodata = [], gap = 0, trailer = new Uint8Array() } = options
  const tableAt = 96 + code.length + rodata.length + gap
  const rows: Array<number> = []
  const payloads: Array<number> = []
  for (const { type, payload, count } of sections) {
    const offset = tableAt + 16 * sections.length + payloads.length
    rows.push(...u32(type), ...u32(offset), ...u32(payload.length), ...u32(count))
    payloads.push(...payload)
  }
  const lengths = [...u32(0), ...u32(code.length), ...u32(rodata.length), ...u32(0), ...u32(0), ...u32(0)]
  const name = [...utf8("laid by hand"), ...new Array<number>(20).fill(0)]
  const place = sections.length === 0 ? [0, 0] : [tableAt, sections.length]
  const header = [...utf8("HSXE"), ...u16(2), ...u16(flags), ...lengths, ...name, ...place.flatMap(u32)]
  const body = [...code, ...rodata, ...new Array<number>(gap).fill(0), ...rows, ...payloads, ...trailer]
  return sealed(Uint8Array.from([...header, ...new Array<number>(24).fill(0), ...body]))
}

/** A section of mailboxes from its text. */
export const mailboxSection = (text: string, count = 1): RawSection => ({ type: 3, payload: utf8(text), count })
