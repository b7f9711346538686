/** The code of an image as the machine executes it: one copy for all tasks of the image. */

/**
 * What a CALL without a base register holds: a signed distance in words from itself, or, in images from before October
 * 2025, the byte address it calls.
 */
export type CallMode = "relative" | "absolute"

/** Code of an image. Words are big-endian; the counter addresses bytes and need not be aligned. */
export class Code {
  readonly view: DataView
  readonly callMode: CallMode

  constructor(bytes: Uint8Array, callMode: CallMode = "relative") {
    // A copy: code is read-only to programs, and a loader may reuse its buffer.
    this.view = new DataView(bytes.slice().buffer)
    this.callMode = callMode
  }

  /** Bytes of code. */
  get length(): number {
    return this.view.byteLength
  }
}
