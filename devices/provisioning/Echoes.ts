/** Requests a board has had and what it answered: a copy gets the same answer, and nothing is done twice. */
import { isSameBytes } from "../SameBytes.ts"
import type { ServiceClock } from "./EventHub.ts"

/** What became of a request. Without `isKept` it did nothing, and a copy of it counts as a new one. */
export interface Answered {
  readonly reply: Uint8Array
  readonly isKept: boolean
}

interface Last {
  readonly request: Uint8Array
  readonly at: number
  reply: Uint8Array | undefined
}

/** The last request of each of a master's numbers. */
export class Echoes {
  readonly #clock: ServiceClock
  readonly #send: (reply: Uint8Array) => void
  readonly #keptMillis: number
  readonly #lasts = new Map<number, Last>()

  /** A repeat within `keptMillis` is a copy; later it is a new request. */
  constructor(clock: ServiceClock, keptMillis: number, send: (reply: Uint8Array) => void) {
    this.#clock = clock
    this.#keptMillis = keptMillis
    this.#send = send
  }

  /** Handles a request once. `isUnderWay` says that it is a copy all the same, however late. */
  once(
    xfer: number,
    request: Uint8Array,
    isUnderWay: () => boolean,
    handle: (answered: (answer: Answered) => void) => void
  ): void {
    const now = this.#clock.board()
    const last = this.#lasts.get(xfer)
    if (last !== undefined && isSameBytes(last.request, request)) {
      if (now - last.at <= this.#keptMillis || isUnderWay()) {
        // Without a reply it is being worked on, and the answer will serve for both.
        if (last.reply !== undefined) this.#send(last.reply)
        return
      }
    }
    const entry: Last = { request, at: now, reply: undefined }
    this.#lasts.set(xfer, entry)
    handle(({ reply, isKept }) => {
      entry.reply = reply
      if (!isKept && this.#lasts.get(xfer) === entry) this.#lasts.delete(xfer)
    })
  }

  /** The next request of this number is a new one. */
  forget(xfer: number): void {
    this.#lasts.delete(xfer)
  }
}
