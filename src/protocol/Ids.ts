/** Ids: UUIDs of version 7 (RFC 9562) for what is made, names for devices. */
import { Schema } from "effect"

/** A device's id, which is also its unit's: part of topics, paths and certificates, so small and plain. */
export const DeviceId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    expected: "lower-case letters, digits and hyphens, at most 63, no hyphen first"
  })
).pipe(Schema.brand("DeviceId"))
export type DeviceId = typeof DeviceId.Type

/** Whether text is a {@link DeviceId}. */
export const isDeviceId = Schema.is(DeviceId)

const hexOf: ReadonlyArray<string> = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** Canonical lower-case text of the 16 bytes of a UUID from `offset` on. */
export const uuidText = (bytes: Uint8Array, offset = 0): string => {
  let text = ""
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += "-"
    text += hexOf[bytes[offset + index] ?? 0] ?? ""
  }
  return text
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether text is a UUID of any version in canonical lower case. */
export const isUuid = (text: string): boolean => uuidPattern.test(text)

const nibble = (character: number): number => (character < 58 ? character - 48 : character - 87)

/** The 16 bytes of a UUID, or nothing when it is not one in canonical lower case. */
export const uuidBytes = (text: string): Uint8Array | undefined => {
  if (!isUuid(text)) return undefined
  const bytes = new Uint8Array(16)
  let at = 0
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) at++
    bytes[index] = (nibble(text.charCodeAt(at)) << 4) | nibble(text.charCodeAt(at + 1))
    at += 2
  }
  return bytes
}

/** The greatest time a UUIDv7 can carry, ms. */
const millisMax = 2 ** 48 - 1

/** A UUIDv7 of the given time (ms since 1970) and of 10 bytes from a source that cannot be guessed. */
export const uuidV7 = (now: number, randomBytes: (count: number) => Uint8Array): string => {
  if (!Number.isSafeInteger(now) || now < 0 || now > millisMax) throw new RangeError(`time of a UUIDv7: ${now}`)
  const random = randomBytes(10)
  if (random.length !== 10) throw new RangeError(`random bytes of a UUIDv7: ${random.length}, not 10`)
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(now / 2 ** 32))
  view.setUint32(2, now % 2 ** 32)
  bytes.set(random, 6)
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70)
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80)
  return uuidText(bytes)
}

/** Whether text is a UUIDv7 in canonical lower case. */
export const isUuidV7 = (text: string): boolean =>
  text.length === 36 && text[14] === "7" && "89ab".includes(text[19] ?? "-") && isUuid(text)

/** When a UUIDv7 was made, ms since 1970; nothing when the text is not one. */
export const millisOf = (uuid: string): number | undefined =>
  isUuidV7(uuid) ? Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16) : undefined

const wordCount = 3
const seeds = [0x811c9dc5, 0x9e3779b1, 0x85ebca6b] as const

/**
 * A UUIDv7 as old as another one, the same for the same name: for what follows from something that has an id, so that whoever
 * does it again does it under the same id. Not secret.
 */
export const derivedId = (from: string, name: string): string => {
  const bytes = uuidBytes(from)
  if (bytes === undefined || !isUuidV7(from)) throw new RangeError(`not a UUIDv7: ${from}`)
  const view = new DataView(bytes.buffer)
  const text = `${from} ${name}`
  for (let word = 0; word < wordCount; word++) {
    // FNV-1a over UTF-16 units, then the finaliser of MurmurHash3: one bit more or less changes half of all.
    let hash = seeds[word] ?? 0
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
    if (word === 0) view.setUint16(6, 0x7000 | (hash & 0x0fff))
    else view.setUint32(4 + word * 4, word === 1 ? (0x8000_0000 | (hash & 0x3fff_ffff)) >>> 0 : hash >>> 0)
  }
  return uuidText(bytes)
}
