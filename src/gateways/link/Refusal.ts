/** What becomes of bytes that are no frame of a board: an error frame, and an event in the place of a number. */

import type { FrameRefused } from "../../protocol/FrameCodec.ts"
import type { EventFrame } from "../../protocol/frame/CommandFrames.ts"
import type { ErrorDown } from "../../protocol/frame/LinkFrames.ts"

/** Beside it an error of the smallest frame has room for its other fields and a detail of ours. */
const pathBytesMax = 256

const encoder = new TextEncoder()

/** At most: an integer takes five bytes, a text as many beside its own. */
const pathBytes = (path: ReadonlyArray<number | string>): number =>
  path.reduce<number>((sum, step) => sum + 5 + (typeof step === "string" ? encoder.encode(step).length : 0), 0)

/** The error frame. A path of long keys is left out: a small board could not take it. */
export const errorOf = (
  { code, detail, seq = 0, frameType, field, request }: FrameRefused,
  epoch: number
): ErrorDown => ({
  type: "error",
  epoch,
  code,
  ...(detail === "" ? {} : { detail }),
  ...(frameType === undefined ? {} : { frameType }),
  ...(field === undefined || pathBytes(field) > pathBytesMax ? {} : { field }),
  ...(request === undefined ? {} : { req: request }),
  ...(seq > 0 ? { refusedSeq: seq } : {})
})

/** Takes the number of a refused frame: one that nothing consumes would hold up those after it. */
export const traceOf = ({ code, frameType = 0 }: FrameRefused, seq: number): EventFrame => ({
  type: "event",
  seq,
  name: "link.refused",
  level: 1,
  data: { code, frame: String(frameType) }
})
