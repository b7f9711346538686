/** Requests of a master that wait for their answers: sent again until one comes, or the line counts as dead. */
import type { ServiceClock } from "./EventHub.ts"
import { encodeRequest, type LoadOperation, type LoadReplyPdu, type LoadRequestPdu } from "./LoadPdu.ts"

/** A request with one answer; those of WRITEs belong to a push. */
export type AskedRequest = Exclude<LoadRequestPdu, { readonly op: "write" }>

/** How a line behaves, for requests. */
export interface LoadRequestsOptions {
  readonly clock: ServiceClock
  readonly send: (request: Uint8Array) => void
  /** Without a reply for this long the request is sent again; doubled each time. */
  readonly replyTimeoutMillis: number
  /** Times a request is sent before the line counts as dead. */
  readonly attempts: number
}

/** One request, on behalf of somebody. */
export interface Asking {
  readonly request: AskedRequest
  /** Called once, with nothing after the last attempt; not at all once it is forgotten. */
  readonly done: (reply: LoadReplyPdu | undefined) => void
  /** What it is part of, and ends with. */
  readonly owner?: object
  /** It goes out once more. */
  readonly resent?: () => void
}

interface Waiting extends Asking {
  attempt: number
  cancel: () => void
}

const keyOf = ({ op, xfer }: { readonly op: LoadOperation; readonly xfer: number }): string => `${op}:${xfer}`

/** All of one line, by operation and number of their transfer. */
export class LoadRequests {
  readonly #options: LoadRequestsOptions
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: LoadRequestsOptions) {
    this.#options = options
  }

  /** Sends a request until it is answered. Of two with the same operation and number the later one counts. */
  ask(asking: Asking): void {
    const key = keyOf(asking.request)
    this.#waiting.get(key)?.cancel()
    const waiting: Waiting = { ...asking, attempt: 0, cancel: () => {} }
    this.#waiting.set(key, waiting)
    this.#send(waiting)
  }

  /** Hands an answer to whoever waits for it. */
  answered(reply: LoadReplyPdu): void {
    const waiting = this.#waiting.get(keyOf(reply))
    if (waiting === undefined) return
    waiting.cancel()
    this.#waiting.delete(keyOf(reply))
    waiting.done(reply)
  }

  /** Nobody waits for the answers to these any more. */
  forget(owner: object): void {
    for (const [key, waiting] of this.#waiting) {
      if (waiting.owner !== owner) continue
      waiting.cancel()
      this.#waiting.delete(key)
    }
  }

  #send(waiting: Waiting): void {
    const { attempts, clock, replyTimeoutMillis, send } = this.#options
    if (waiting.attempt >= attempts) {
      this.#waiting.delete(keyOf(waiting.request))
      return waiting.done(undefined)
    }
    if (waiting.attempt > 0) waiting.resent?.()
    waiting.cancel = clock.schedule(replyTimeoutMillis * 2 ** waiting.attempt, () => this.#send(waiting))
    waiting.attempt += 1
    send(encodeRequest(waiting.request))
  }
}
