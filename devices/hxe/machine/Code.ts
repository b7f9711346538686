/** The code of an image as the machine executes it: one copy for all tasks of the image. */
import type { CallMode } from "../../../src/protocol/hxe/CallMode.ts"

/** Code of an image. Words are big-endian; the counter addresses bytes and need not be aligned. */
export class Code {
  readonly view: DataView
  readonly callMode: CallMode

  constructor(bytes: Uint8Array, callMode: CallMode = "relative") {
    // A copy: code is read-only to programs, and a loader may reuse its buffer. `slice` of a Buffer would be a view.
    this.view = new DataView(new Uint8Array(bytes).buffer)
    this.callMode = callMode
  }

  /** Bytes of code. */
  get length(): number {
    return this.view.byteLength
  }
}
