/** A store that is open, over the faults of its memories: after one it is read anew, because RAM may not be what is there. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type Refused, refuse } from "../Refused.ts"
import { type Mounted, mount } from "./Mount.ts"
import { type NvDevices, NvFault } from "./NvDevice.ts"

const refusedBy = (cause: unknown): Result.Result<never, Refused> => {
  if (!(cause instanceof NvFault)) throw cause
  return refuse(codes.EIO, "memory")
}

/** Opens memories; a fault of them is EIO. */
export const opening = <A>(open: () => Result.Result<A, Refused>): Result.Result<A, Refused> => {
  try {
    return open()
  } catch (cause) {
    return refusedBy(cause)
  }
}

/** See the file. */
export class LiveMount {
  readonly #devices: NvDevices
  #mounted: Mounted
  /** A memory failed, and opening it again did too. */
  #isDown = false

  constructor(devices: NvDevices, mounted: Mounted) {
    this.#devices = devices
    this.#mounted = mounted
  }

  /** The last that could be opened. */
  get now(): Mounted {
    return this.#mounted
  }

  /** Does something with the store. A memory that fails refuses it with EIO; what is there then was read anew. */
  run<A>(what: (mounted: Mounted) => Result.Result<A, Refused>): Result.Result<A, Refused> {
    if (this.#isDown) this.#remount()
    if (this.#isDown) return refuse(codes.EIO, "memory")
    try {
      return what(this.#mounted)
    } catch (cause) {
      const refused = refusedBy(cause)
      this.#remount()
      return refused
    }
  }

  /** What follows a commit point is done anew by the next mount: a fault in it does not undo the commit. */
  tidy(what: () => void): void {
    try {
      what()
    } catch (cause) {
      if (!(cause instanceof NvFault)) throw cause
      this.#remount()
    }
  }

  #remount(): void {
    try {
      const mounted = mount(this.#devices)
      this.#isDown = Result.isFailure(mounted)
      if (Result.isSuccess(mounted)) this.#mounted = mounted.success
    } catch (cause) {
      if (!(cause instanceof NvFault)) throw cause
      this.#isDown = true
    }
  }
}
