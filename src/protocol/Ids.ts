/** Identifiers: UUIDv7 (RFC 9562, section 5.7), which carry the time they were made, and device ids. */
import { Schema } from "effect"

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Canonical lower-case text of 16 bytes. */
export const uuidFromBytes = (bytes: Uint8Array): string => {
  let text = ""
  for (let at = 0; at < 16; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += "-"
    text += hex[bytes[at] ?? 0]
  }
  return text
}

/** The 16 bytes of a UUID's text; `undefined` when it is none. */
export const uuidToBytes = (text: string): Uint8Array | undefined => {
  if (!uuid.test(text)) return undefined
  const digits = text.replaceAll("-", "")
  const bytes = new Uint8Array(16)
  for (let at = 0; at < 16; at++) bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  return bytes
}

/** Whether the text is a UUIDv7 in canonical lower case. */
export const isUuidV7 = (text: string): boolean => uuidV7.test(text)

/** When a UUIDv7 was made, ms since 1970; `undefined` for other text. */
export const millisOf = (text: string): number | undefined =>
  isUuidV7(text) ? Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16) : undefined

/** A UUIDv7 made at `nowMillis`; `random` gives numbers in [0, 1). */
export const makeUuidV7 = (nowMillis: number, random: () => number): string => {
  const bytes = new Uint8Array(16)
  for (let at = 6; at < 16; at++) bytes[at] = Math.floor(random() * 256)
  let rest = Math.max(0, Math.floor(nowMillis))
  for (let at = 5; at >= 0; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return uuidFromBytes(bytes)
}

/** The id of a device, which is also the id of the unit it is. A key on boards, in topics and in storage. */
export const DeviceId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    message: "a device id is 1 to 63 lower-case letters, digits and hyphens, and does not begin with a hyphen"
  })
).pipe(Schema.brand("DeviceId"))
export type DeviceId = typeof DeviceId.Type
