/**
 * The one transfer of an image a board takes at a time: chunks in a window, in any order, put together and checked while
 * they arrive. What is refused reserves nothing, and what is not finished is forgotten after ten silent minutes.
 */

import { createHash, type Hash } from "node:crypto"
import { codes } from "../../src/protocol/Codes.ts"
import { crc16 } from "../../src/protocol/Crc16.ts"
import type { Chunk, ImageOffer } from "../../src/protocol/frame/ImageFrames.ts"
import type { Clock } from "../agent/Clock.ts"
import type { Held } from "../agent/Programs.ts"
import { Silence } from "../agent/Silence.ts"
import type { Refused } from "../Refused.ts"
import { isSameBytes } from "../SameBytes.ts"

/** An unfinished transfer is forgotten this long after its last chunk or offer, ms. */
const keptMillis = 600_000

/** Missing chunks one acknowledgement names. */
const missingMax = 16

/** Numbers of the states a transfer is in, as the link names them. */
export const transferStates = { idle: 0, loading: 1, verify: 2, ready: 3, failed: 4, committed: 7, trial: 8 } as const

/** What looks at an image while it arrives. */
export interface ImageSink {
  /** The next bytes, in order. A refusal ends the transfer. */
  readonly push: (bytes: Uint8Array) => Refused | undefined
  /** Gives back what was set aside for it and became no program: the transfer is over. Called once or more. */
  readonly release?: () => void
}

/** A transfer that is known. */
export interface Transfer {
  readonly offer: ImageOffer
  readonly state: number
  readonly refused: Refused | undefined
}

/** What an intake gets from its board. */
export interface IntakePorts<S extends ImageSink> {
  readonly clock: Clock
  /** Largest chunk and most chunks under way the board takes. */
  readonly chunkBytesMax: number
  readonly windowMax: number
  /** Checks an offer before anything is reserved for it. */
  readonly admit: (offer: ImageOffer) => S | Refused
  readonly acknowledge: (held: Held) => void
  /** A transfer ended in state 4 by a chunk. */
  readonly failed: (xfer: number, refused: Refused) => void
}

interface Open<S> {
  readonly offer: ImageOffer
  readonly window: number
  readonly chunks: number
  readonly sink: S
  bytes: Uint8Array
  readonly hash: Hash
  state: number
  refused: Refused | undefined
  /** First index that is not held. */
  next: number
  /** Held beyond the gap. */
  readonly early: Set<number>
  /** Chunks held since the last acknowledgement. */
  unsaid: number
}

/** The transfer of one board. */
export class ImageIntake<S extends ImageSink> {
  readonly #ports: IntakePorts<S>
  readonly #silence: Silence
  #open: Open<S> | undefined
  /** The transfer aborted last: a repeated abort gets the same answer. */
  #aborted = 0

  constructor(ports: IntakePorts<S>) {
    this.#ports = ports
    this.#silence = new Silence(ports.clock, () => this.#forget())
  }

  /** The transfer under way, or the last one while it is remembered. */
  get transfer(): Transfer | undefined {
    return this.#open
  }

  /** Starts a transfer, or says what is held of one that is known. */
  offer(offer: ImageOffer): void {
    const known = this.#open
    if (known?.offer.xfer === offer.xfer && isSameBytes(known.offer.sha256, offer.sha256)) {
      this.#silence.broken()
      return this.#say(known)
    }
    if (known !== undefined && isUnfinished(known))
      return this.#refuse(offer.xfer, { code: codes.EBUSY, detail: "transfer" })
    const refused = this.#wrongShape(offer)
    if (refused !== undefined) return this.#refuse(offer.xfer, refused)
    const sink = this.#ports.admit(offer)
    if ("code" in sink) return this.#refuse(offer.xfer, sink)
    const open: Open<S> = {
      offer,
      window: Math.min(offer.window, this.#ports.windowMax),
      chunks: Math.ceil(offer.size / offer.chunk),
      sink,
      bytes: new Uint8Array(offer.size),
      hash: createHash("sha256"),
      state: transferStates.loading,
      refused: undefined,
      next: 0,
      early: new Set(),
      unsaid: 0
    }
    this.#open = open
    this.#silence.broken()
    this.#silence.watch(keptMillis)
    this.#say(open)
  }

  /** One piece arrived. */
  chunk(chunk: Chunk): void {
    const open = this.#open
    if (open === undefined || open.offer.xfer !== chunk.xfer) {
      return this.#ports.acknowledge({ xfer: chunk.xfer, next: 0, state: transferStates.idle, code: codes.ESRCH })
    }
    // Late copies of the last chunks are answered, so that a sender whose acknowledgement was lost goes on.
    if (open.state !== transferStates.loading) return this.#say(open)
    this.#silence.broken()
    if (chunk.index < open.next || open.early.has(chunk.index)) return this.#say(open)
    if (chunk.index >= open.chunks || chunk.data.length !== lengthOf(open, chunk.index)) {
      return this.#say(open, codes.EINVAL)
    }
    if (chunk.crc !== undefined && chunk.crc !== crc16(chunk.data)) return this.#say(open, codes.EPROTO)
    if (chunk.index >= open.next + open.window) return this.#say(open, codes.EILSEQ)
    open.bytes.set(chunk.data, chunk.index * open.offer.chunk)
    if (chunk.index > open.next) return this.#early(open, chunk.index)
    const hadHole = open.early.size > 0
    const refused = this.#advance(open)
    if (refused !== undefined) return this.#fail(open, refused)
    if (open.next === open.chunks || 2 * open.unsaid >= open.window || hadHole) this.#say(open)
  }

  /** The transfer of this number, where it is the one that is known. */
  known(xfer: number | undefined): Transfer | undefined {
    return xfer !== undefined && this.#open?.offer.xfer === xfer ? this.#open : undefined
  }

  /**
   * Checks the whole image, once all of it is held: length and hash here, the rest by `check`. Before that it is refused and
   * nothing changes; afterwards it answers what it answered the first time.
   */
  verify(xfer: number, check: (sink: S, bytes: Uint8Array) => Refused | undefined): Refused | undefined {
    const open = this.#open
    if (open === undefined || open.offer.xfer !== xfer) return { code: codes.ESRCH, detail: `xfer:${xfer}` }
    if (open.state !== transferStates.loading) return open.refused
    if (open.next < open.chunks) return { code: codes.EBUSY, detail: "not all of it is here" }
    open.state = transferStates.verify
    const isWhole = isSameBytes(open.hash.digest(), open.offer.sha256)
    const refused = isWhole ? check(open.sink, open.bytes) : { code: codes.EBADMSG, detail: "sha256" }
    open.state = refused === undefined ? transferStates.ready : transferStates.failed
    open.refused = refused
    if (refused !== undefined) this.#release(open)
    return refused
  }

  /** The image of a transfer that is ready. */
  image(xfer: number): { readonly sink: S; readonly bytes: Uint8Array } | undefined {
    const open = this.#open
    return open?.offer.xfer === xfer && open.state === transferStates.ready ? open : undefined
  }

  /** The image now belongs to the board, or was refused by it; only the fact is remembered. */
  settle(xfer: number, state: number, refused?: Refused): void {
    const open = this.#open
    if (open === undefined || open.offer.xfer !== xfer) return
    open.state = state
    open.refused = refused
    this.#release(open)
  }

  /** Frees all of a transfer. 3 where it is not known, 16 where its image is the board's already. */
  abort(xfer: number): number {
    const open = this.#open
    if (open === undefined || open.offer.xfer !== xfer) return this.#aborted === xfer ? codes.ok : codes.ESRCH
    if (open.state > transferStates.failed) return codes.EBUSY
    this.#aborted = xfer
    this.#forget()
    return codes.ok
  }

  /** The board stops. */
  stop(): void {
    this.#forget()
  }

  #wrongShape({ size, chunk, window, xfer }: ImageOffer): Refused | undefined {
    const { chunkBytesMax } = this.#ports
    if (xfer < 1 || size < 1 || window < 1 || chunk < 1 || (chunk & (chunk - 1)) !== 0)
      return { code: codes.EINVAL, detail: "offer" }
    if (chunk > chunkBytesMax) return { code: codes.EMSGSIZE, detail: `chunk: at most ${chunkBytesMax}` }
    return undefined
  }

  /** A hole is said when it shows, and again after half a window: each saying may bring its chunks once more. */
  #early(open: Open<S>, index: number): void {
    const isNewHole = index > Math.max(open.next - 1, ...open.early) + 1
    open.early.add(index)
    open.unsaid++
    if (isNewHole || 2 * open.unsaid >= open.window) this.#say(open)
  }

  /** Takes in what is now in order. */
  #advance(open: Open<S>): Refused | undefined {
    open.unsaid++
    do {
      open.early.delete(open.next)
      const start = open.next * open.offer.chunk
      const bytes = open.bytes.subarray(start, start + lengthOf(open, open.next))
      open.next++
      open.hash.update(bytes)
      const refused = open.sink.push(bytes)
      if (refused !== undefined) return refused
    } while (open.early.has(open.next))
    return undefined
  }

  #fail(open: Open<S>, refused: Refused): void {
    open.state = transferStates.failed
    open.refused = refused
    this.#release(open)
    this.#say(open)
    this.#ports.failed(open.offer.xfer, refused)
  }

  #release(open: Open<S>): void {
    open.sink.release?.()
    open.bytes = new Uint8Array(0)
    open.early.clear()
    this.#silence.stop()
  }

  #forget(): void {
    this.#silence.stop()
    this.#open?.sink.release?.()
    this.#open = undefined
  }

  #refuse(xfer: number, { code }: Refused): void {
    this.#ports.acknowledge({ xfer, next: 0, state: transferStates.idle, code })
  }

  #say(open: Open<S>, code = open.refused?.code): void {
    open.unsaid = 0
    const missing: Array<number> = []
    const last = Math.max(-1, ...open.early)
    for (let index = open.next; index < last && missing.length < missingMax; index++) {
      if (!open.early.has(index)) missing.push(index)
    }
    this.#ports.acknowledge({
      xfer: open.offer.xfer,
      next: open.next,
      state: open.state,
      have: Math.min(open.offer.size, open.next * open.offer.chunk),
      window: open.window,
      ...(code === undefined ? {} : { code }),
      ...(missing.length === 0 ? {} : { missing })
    })
  }
}

/** Another transfer waits for as long as this one may still become something. */
const isUnfinished = ({ state }: { readonly state: number }): boolean =>
  state === transferStates.loading || state === transferStates.verify || state === transferStates.ready

const lengthOf = ({ offer }: { readonly offer: ImageOffer }, index: number): number =>
  Math.min(offer.chunk, offer.size - index * offer.chunk)
