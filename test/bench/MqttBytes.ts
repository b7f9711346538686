/** The few bytes of MQTT 3.1.1 that the bench's own boards write and read. */

/** A text with its length before it. */
export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

/** A packet with its fixed header. */
export const packet = (head: number, body: Buffer): Buffer => {
  const length: Array<number> = []
  let rest = body.length
  do {
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from([head, ...length]), body])
}

/** Where the packet's variable header begins. */
export const bodyStart = (bytes: Buffer): number => {
  let at = 1
  while (((bytes[at++] ?? 0) & 128) !== 0);
  return at
}

/** Size of the packet that begins there; `undefined` while that cannot be told. */
export const packetSize = (bytes: Buffer, start: number): number | undefined => {
  let length = 0
  for (let at = start + 1, shift = 0; at < bytes.length; at++, shift += 7) {
    const byte = bytes[at] ?? 0
    length += (byte & 127) << shift
    if ((byte & 128) === 0) return at + 1 - start + length
  }
  return undefined
}
