/** The record of one transfer: its bytes, its counters, its timers. It decides nothing. */
import { crc32 } from "node:zlib"
import type { HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import type { Refused } from "../Refused.ts"
import type { ServiceClock } from "./EventHub.ts"
import type { BeginRequest, TransferReply } from "./LoaderCalls.ts"
import { type ProgressLimits, ProgressPace } from "./Progress.ts"
import type { Phase } from "./ProvisioningEvents.ts"
import type { TransferState } from "./TransferStates.ts"

/** Timers of a transfer. */
export type TimerName = "stall" | "write" | "total" | "verify" | "record"

/** What is settled when a transfer begins. */
export interface TransferStart {
  readonly xfer: number
  readonly pid: number
  readonly owner: string
  /** Level of the client that began it: decides on signatures. */
  readonly level: number
  readonly request: BeginRequest
  readonly mode: "streaming" | "monolithic" | "boot"
  readonly chunkBytesMax: number
  readonly stream: HxeStream
  readonly progress: ProgressLimits
}

const bufferBytesFirst = 4096

/** How two sequence numbers stand to each other, also where the numbers wrap. */
export type Arrival = "next" | "earlier" | "later"

/** One image on its way to this board. */
export class Transfer {
  readonly start: TransferStart
  readonly pace: ProgressPace
  readonly createdMillis: number
  state: TransferState = "IDLE"
  phase: Phase = "begin"
  lastMillis: number
  bytesWritten = 0
  fileCrc32 = 0
  nextSeq = 0
  gaps = 0
  duplicates = 0
  lastError: Refused | undefined
  appName: string | undefined
  /** The header is in, and its needs are set aside. */
  isAdmitted = false
  readonly #clock: ServiceClock
  readonly #timers = new Map<TimerName, () => void>()
  #buffer: Uint8Array

  constructor(start: TransferStart, clock: ServiceClock) {
    this.start = start
    this.#clock = clock
    this.createdMillis = clock.board()
    this.lastMillis = this.createdMillis
    this.pace = new ProgressPace(start.progress, start.request.totalBytes)
    this.#buffer = new Uint8Array(start.request.totalBytes ?? bufferBytesFirst)
  }

  /** What every reply says. */
  get reply(): TransferReply {
    return { xfer: this.start.xfer, pid: this.start.pid, state: this.state }
  }

  get totalBytes(): number | undefined {
    return this.start.request.totalBytes
  }

  /** The file as far as it is in. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.bytesWritten)
  }

  /** Mean since the transfer began. */
  get bytesPerSecond(): number {
    const elapsed = this.lastMillis - this.createdMillis
    return elapsed <= 0 ? 0 : Math.round((1000 * this.bytesWritten) / elapsed)
  }

  /** Where this sequence number stands; wire transports count in 16 bits and wrap. */
  arrival(seq: number): Arrival {
    if (this.start.request.sequenceBits !== 16) {
      if (seq === this.nextSeq) return "next"
      return seq < this.nextSeq ? "earlier" : "later"
    }
    const ahead = (seq - this.nextSeq) & 0xffff
    if (ahead === 0) return "next"
    return ahead < 0x8000 ? "later" : "earlier"
  }

  /** The next number as this transport counts. */
  get expectedSeq(): number {
    return this.start.request.sequenceBits === 16 ? this.nextSeq & 0xffff : this.nextSeq
  }

  append(data: Uint8Array): void {
    const end = this.bytesWritten + data.length
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#buffer.length))
      larger.set(this.bytes)
      this.#buffer = larger
    }
    this.#buffer.set(data, this.bytesWritten)
    this.fileCrc32 = crc32(data, this.fileCrc32)
    this.bytesWritten = end
    this.nextSeq += 1
  }

  /** Frees the bytes; the counters stay, because status still answers. */
  drop(): void {
    this.#buffer = new Uint8Array(0)
  }

  /** Starts a timer anew. */
  startTimer(name: TimerName, delayMillis: number, run: () => void): void {
    this.stopTimer(name)
    this.#timers.set(
      name,
      this.#clock.schedule(delayMillis, () => {
        this.#timers.delete(name)
        run()
      })
    )
  }

  stopTimer(name: TimerName): void {
    this.#timers.get(name)?.()
    this.#timers.delete(name)
  }

  stopTimers(): void {
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
  }
}
