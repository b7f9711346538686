/** The master's end of the load messages: pushes one image to one board over a line that may lose, repeat and damage. */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import {
  decodeReply,
  encodeRequest,
  type LoadOperation,
  type LoadReplyFields,
  type LoadReplyPdu,
  loadFlags
} from "./LoadPdu.ts"
import { type AskedRequest, LoadRequests, type LoadRequestsOptions } from "./LoadRequests.ts"
import { transferStateCodes } from "./TransferStates.ts"

/** How a line behaves. */
export interface LoadClientOptions extends LoadRequestsOptions {
  /** Data of a WRITE; the board may ask for less. */
  readonly chunkBytesMax: number
  /** What is tried on a line that seems dead: to ask where the board is and go on from there, or only to give up. */
  readonly whenSilent: "status" | "abort"
  /** Number of the first transfer, 1 to 255. Should differ after each start, so that old replies match nothing. */
  readonly firstXfer: number
}

/** What is pushed, and how. */
export interface PushOptions {
  readonly label?: string
  readonly autostart?: boolean
  readonly persist?: boolean
  readonly replace?: boolean
  /** Told with each acknowledgement: bytes of the image that the board has. */
  readonly acknowledged?: (bytes: number) => void
}

/** The board has the program. */
export interface Pushed {
  /** 0 when the reply that would have told it was lost. */
  readonly pid: number
  readonly chunks: number
  /** Messages sent more than once. */
  readonly resent: number
}

/** A board without buffers is asked again after this long. */
const busyMillis = 20

/** Times a board may be without buffers in a row. */
const busyMax = 100

/** Times a board that had fallen silent is asked where it is, per transfer. */
const rescuesMax = 3

type PushDone = (result: Result.Result<Pushed, Refused>) => void
type FieldsOf<Op extends LoadOperation> = Extract<LoadReplyFields, { readonly op: Op }>

interface Pushing {
  readonly xfer: number
  readonly image: Uint8Array
  readonly done: PushDone
  readonly acknowledged: (bytes: number) => void
  chunkBytes: number
  window: number
  /** Of the window, what the board has room for: one after it asked to wait, one more with each chunk it takes. */
  room: number
  pid: number
  /** First chunk that is not acknowledged, and the next one to send. */
  base: number
  next: number
  /** The base for which the sender went back already: one loss makes many complaints. */
  wentBackAt: number
  attempt: number
  busy: number
  rescues: number
  resent: number
  cancel: () => void
}

/** One transfer at a time; more requests wait for their own replies meanwhile. */
export class LoadClient {
  readonly #options: LoadClientOptions
  #lastXfer: number
  #pushing: Pushing | undefined
  readonly #requests: LoadRequests

  constructor(options: LoadClientOptions) {
    this.#options = options
    this.#lastXfer = options.firstXfer - 1
    this.#requests = new LoadRequests(options)
  }

  /**
   * Sends a request until it is answered; none after the last attempt. Several may be under way, also beside a push, but not
   * two of one operation and number: the later one counts. A WRITE is never asked for: its answers belong to a push.
   */
  ask(request: AskedRequest, done: (reply: LoadReplyPdu | undefined) => void): void {
    this.#requests.ask({ request, done })
  }

  /** A number for a transfer, or for requests without one. */
  nextXfer(): number {
    this.#lastXfer = (this.#lastXfer % 255) + 1
    return this.#lastXfer
  }

  /** Carries a whole image over and has it made a program. `done` is called once. EBUSY while another one is on its way. */
  push(image: Uint8Array, options: PushOptions, done: PushDone): void {
    if (this.#pushing !== undefined) return done(Result.fail(refusal("EBUSY", "pushing")))
    const pushing: Pushing = {
      xfer: this.nextXfer(),
      image,
      done,
      acknowledged: options.acknowledged ?? (() => {}),
      chunkBytes: this.#options.chunkBytesMax,
      window: 1,
      room: 1,
      pid: 0,
      base: 0,
      next: 0,
      wentBackAt: -1,
      attempt: 0,
      busy: 0,
      rescues: 0,
      resent: 0,
      cancel: () => {}
    }
    this.#pushing = pushing
    const flags =
      (options.autostart === false ? 0 : loadFlags.autostart) |
      (options.persist === true ? loadFlags.persist : 0) |
      (options.replace === true ? loadFlags.replace : 0)
    const begin = {
      op: "begin" as const,
      xfer: pushing.xfer,
      totalBytes: image.length,
      fileCrc32: crc32(image),
      chunkBytesMax: this.#options.chunkBytesMax,
      flags,
      label: options.label ?? ""
    }
    this.#askFor("begin", begin, pushing, (fields) => {
      pushing.chunkBytes = Math.max(1, Math.min(fields.chunkBytesMax, this.#options.chunkBytesMax))
      pushing.window = Math.max(1, fields.window)
      pushing.room = pushing.window
      pushing.pid = fields.pid
      this.#fill(pushing)
    })
  }

  /** Gives the push up; the board is told once. */
  cancel(): void {
    const pushing = this.#pushing
    if (pushing === undefined) return
    this.#abort(pushing, 0)
    this.#finish(pushing, Result.fail(refusal("ECANCELED", "cancelled")))
  }

  /** Takes one message from the line. */
  receive(bytes: Uint8Array): void {
    const decoded = decodeReply(bytes)
    if (Result.isFailure(decoded)) return
    const reply = decoded.success
    if (reply.op === "write") return this.#written(reply)
    this.#requests.answered(reply)
  }

  /** Asks on behalf of a push: its end ends the asking, too. */
  #askWithin(pushing: Pushing, request: AskedRequest, done: (reply: LoadReplyPdu | undefined) => void): void {
    const resent = (): void => {
      pushing.resent += 1
    }
    this.#requests.ask({ request, done, owner: pushing, resent })
  }

  /** Asks within a push: a refusal or a dead line ends it. */
  #askFor<Op extends LoadOperation>(
    op: Op,
    request: AskedRequest,
    pushing: Pushing,
    done: (fields: FieldsOf<Op>) => void
  ): void {
    this.#askWithin(pushing, request, (reply) => {
      if (reply === undefined) return this.#silent(pushing)
      if (reply.status !== codes.ok) return this.#refused(pushing, reply.status, op)
      const { fields } = reply
      if (fields === undefined || !isFieldsOf(fields, op)) return this.#refused(pushing, codes.EPROTO, op)
      done(fields)
    })
  }

  #chunks({ chunkBytes, image }: Pushing): number {
    return Math.ceil(image.length / chunkBytes)
  }

  #fill(pushing: Pushing): void {
    const chunks = this.#chunks(pushing)
    if (pushing.base >= chunks) return this.#end(pushing)
    while (pushing.next < chunks && pushing.next < pushing.base + pushing.room) {
      const at = pushing.next * pushing.chunkBytes
      const data = pushing.image.subarray(at, at + pushing.chunkBytes)
      const seq = pushing.next & 0xffff
      pushing.next += 1
      this.#options.send(encodeRequest({ op: "write", xfer: pushing.xfer, seq, data }))
    }
    this.#startTimer(pushing)
  }

  #startTimer(pushing: Pushing): void {
    pushing.cancel()
    const { attempts, clock, replyTimeoutMillis } = this.#options
    pushing.cancel = clock.schedule(replyTimeoutMillis * 2 ** pushing.attempt, () => {
      pushing.attempt += 1
      if (pushing.attempt >= attempts) return this.#silent(pushing)
      this.#goBack(pushing)
    })
  }

  #goBack(pushing: Pushing): void {
    pushing.resent += pushing.next - pushing.base
    pushing.next = pushing.base
    pushing.wentBackAt = pushing.base
    this.#fill(pushing)
  }

  #written({ fields, status, xfer }: LoadReplyPdu): void {
    const pushing = this.#pushing
    if (pushing === undefined || pushing.xfer !== xfer || fields?.op !== "write") return
    const ahead = (fields.nextSeq - pushing.base) & 0xffff
    // Chunks are acknowledged together; a number from before tells nothing new.
    if (ahead > 0 && ahead <= pushing.next - pushing.base) {
      pushing.base += ahead
      pushing.attempt = 0
      pushing.busy = 0
      pushing.room = Math.min(pushing.window, pushing.room + ahead)
      pushing.wentBackAt = -1
      pushing.acknowledged(Math.min(pushing.base * pushing.chunkBytes, pushing.image.length))
    }
    if (status === codes.ok) {
      if (ahead > 0) this.#fill(pushing)
    } else if (status === codes.EILSEQ || status === codes.EPROTO) {
      if (pushing.wentBackAt !== pushing.base) this.#goBack(pushing)
    } else if (status === codes.EBUSY && pushing.busy < busyMax) {
      pushing.busy += 1
      pushing.room = 1
      pushing.cancel()
      pushing.cancel = this.#options.clock.schedule(busyMillis, () => this.#goBack(pushing))
    } else this.#refused(pushing, status, "write")
  }

  #end(pushing: Pushing): void {
    pushing.cancel()
    this.#askFor("end", { op: "end", xfer: pushing.xfer, flags: 0 }, pushing, (fields) => {
      pushing.pid = fields.pid
      this.#succeed(pushing)
    })
  }

  #succeed(pushing: Pushing): void {
    const { pid, resent } = pushing
    this.#finish(pushing, Result.succeed({ pid, chunks: this.#chunks(pushing), resent }))
  }

  /** Nothing was answered, however often it was asked. */
  #silent(pushing: Pushing): void {
    const timedOut = refusal("ETIMEDOUT", "no_reply")
    if (this.#options.whenSilent === "abort" || pushing.rescues >= rescuesMax) {
      this.#abort(pushing, 1)
      return this.#finish(pushing, Result.fail(timedOut))
    }
    pushing.rescues += 1
    this.#askWithin(pushing, { op: "status", xfer: pushing.xfer }, (reply) => {
      const fields = reply?.fields
      if (fields?.op !== "status") return this.#finish(pushing, Result.fail(timedOut))
      if (fields.state === transferStateCodes.READY) return this.#succeed(pushing)
      if (fields.state === transferStateCodes.VERIFY) {
        // The board bounds this itself: it is busy, not silent.
        pushing.rescues -= 1
        pushing.cancel = this.#options.clock.schedule(this.#options.replyTimeoutMillis, () => this.#silent(pushing))
        return
      }
      if (fields.state !== transferStateCodes.LOADING) {
        return this.#refused(pushing, fields.lastError === 0 ? codes.ECANCELED : fields.lastError, "status")
      }
      const ahead = (fields.nextSeq - pushing.base) & 0xffff
      if (ahead <= pushing.next - pushing.base) pushing.base += ahead
      pushing.attempt = 0
      this.#goBack(pushing)
    })
  }

  #refused(pushing: Pushing, code: number, op: LoadOperation): void {
    if (op !== "begin") this.#abort(pushing, 2)
    this.#finish(pushing, Result.fail({ code, detail: op }))
  }

  /** Nobody waits for the answer: a board that does not hear it gives up by itself. */
  #abort(pushing: Pushing, reason: number): void {
    this.#options.send(encodeRequest({ op: "abort", xfer: pushing.xfer, reason }))
  }

  #finish(pushing: Pushing, result: Result.Result<Pushed, Refused>): void {
    pushing.cancel()
    this.#requests.forget(pushing)
    this.#pushing = undefined
    pushing.done(result)
  }
}

const isFieldsOf = <Op extends LoadOperation>(fields: LoadReplyFields, op: Op): fields is FieldsOf<Op> =>
  fields.op === op
