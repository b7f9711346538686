/** What a gateway must know of an encoded frame, read without a full decode. */
import { Result } from "effect"
import { decodeDown } from "../../protocol/FrameCodec.ts"

/** Number of the type of an encoded frame: the first element of its array, after one byte of array head. */
export const frameTypeOf = (bytes: Uint8Array): number => {
  const first = bytes[1] ?? 0
  return first === 0x18 ? (bytes[2] ?? 0) : first
}

const heartbeat = 3
const ack = 4
const invoke = 11
const chunk = 17

/** Frames that the next one of their kind replaces, or whose loss their own protocol repairs, go out once. */
export const qosOf = (type: number): 0 | 1 => (type === heartbeat || type === ack || type === chunk ? 0 : 1)

/** Life left of a command, in ms; nothing for other frames. */
export const lifeOf = (bytes: Uint8Array): number | undefined => {
  if (frameTypeOf(bytes) !== invoke) return undefined
  const decoded = decodeDown(bytes, bytes.length)
  return Result.isSuccess(decoded) && decoded.success.type === "invoke" ? decoded.success.ttl : undefined
}
