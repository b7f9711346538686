/** Answers to frames about images, programs, values and mail of a board that has none of them. */
import { codes } from "../../src/protocol/Codes.ts"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { sync } from "../../src/protocol/frame/LinkFrames.ts"
import type { Letter } from "./Letter.ts"

/** An answer: a letter of its own, or a frame that is sent and forgotten. */
export type Decline =
  | { readonly numbered: Letter }
  | { readonly numbered?: never; readonly frame: UpFrame; readonly qos: 0 | 1 }

/** The request is answered in its own way, so that nobody waits for it. */
export const declineOf = (frame: DownFrame): Decline => {
  switch (frame.type) {
    case "image-offer":
      return {
        frame: { type: "image-ack", seq: 0, xfer: frame.xfer, next: 0, state: 0, code: codes.ENOTSUP },
        qos: 0
      }
    case "chunk":
      return { frame: { type: "image-ack", seq: 0, xfer: frame.xfer, next: 0, state: 0, code: codes.ESRCH }, qos: 0 }
    case "image-op":
      return {
        numbered: { type: "image-status", xfer: frame.xfer ?? 0, state: 0, code: codes.ENOTSUP, req: frame.req }
      }
    case "program-ctl":
    case "value-get":
    case "value-set":
    case "value-watch":
    case "mail-send":
    case "mail-tap":
      return { frame: { type: "answer", seq: 0, req: frame.req, code: codes.ENOTSUP }, qos: 1 }
    default:
      return {
        frame: { type: "error", seq: 0, code: codes.ENOTSUP, detail: `${frame.type} is not supported` },
        qos: 1
      }
  }
}

/** What such a board says of its images and programs when it is asked by the bits of a welcome: there are none. */
export const nothingKept = (bits: number): ReadonlyArray<Letter> => [
  ...(bits & sync.imageStatus ? [{ type: "image-status", xfer: 0, state: 0 } as const] : []),
  ...(bits & sync.programStatus ? [{ type: "program-status", programs: [], all: true } as const] : [])
]
