/** Begins transfers and takes their chunks: what each is checked for before it is stored. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import type { EventHub, ServiceClock } from "./EventHub.ts"
import type { BeginRequest, Caller, WriteReply } from "./LoaderCalls.ts"
import type { LoaderSettings } from "./LoaderSettings.ts"
import type { ProgramHost } from "./ProgramHost.ts"
import { sourceText } from "./Source.ts"
import { Transfer, type TransferStart } from "./Transfer.ts"
import { progressEvent, startedEvent } from "./TransferEvents.ts"
import type { Transfers } from "./Transfers.ts"

/** The first half of the service. */
export class Intake {
  readonly #programs: ProgramHost
  readonly #settings: LoaderSettings
  readonly #clock: ServiceClock
  readonly #events: EventHub
  readonly #transfers: Transfers
  #lastXfer = 0

  constructor(
    programs: ProgramHost,
    settings: LoaderSettings,
    clock: ServiceClock,
    events: EventHub,
    transfers: Transfers
  ) {
    this.#programs = programs
    this.#settings = settings
    this.#clock = clock
    this.#events = events
    this.#transfers = transfers
  }

  /** Why a transfer cannot begin now, before anything is reserved. */
  refusalOf({ chunkBytesMax, source, totalBytes }: BeginRequest): Refused | undefined {
    const { imageBytesMax, transfersMax } = this.#settings
    if (totalBytes !== undefined && (!Number.isInteger(totalBytes) || totalBytes < 0)) return refusal("EINVAL", "total")
    if (chunkBytesMax !== undefined && (!Number.isInteger(chunkBytesMax) || chunkBytesMax < 1)) {
      return refusal("EINVAL", "chunk_max")
    }
    const live = this.#transfers.live
    if (live.length >= transfersMax) return refusal("EBUSY", "max_transfers")
    const text = sourceText(source)
    if (live.some(({ start }) => sourceText(start.request.source) === text)) return refusal("EBUSY", "source_active")
    if (totalBytes !== undefined && totalBytes > imageBytesMax) {
      return refusal("ENOSPC", `image_too_large:${totalBytes}/${imageBytesMax}`)
    }
    return undefined
  }

  /** Reserves a pid and tells that the image may come. */
  start(request: BeginRequest, caller: Caller, mode: TransferStart["mode"]): Result.Result<Transfer, Refused> {
    const { chunkBytesMax, imageBytesMax, progressHertz, progressPercentMin, strict } = this.#settings
    const { label, pidHint, source, totalBytes } = request
    const reservation = { label, source, pidHint, replaces: request.replace === true }
    let pid = this.#programs.reserve(reservation)
    if (Result.isFailure(pid) && this.#transfers.purgeFailed()) pid = this.#programs.reserve(reservation)
    if (Result.isFailure(pid)) return Result.fail(pid.failure)
    this.#lastXfer += 1
    const transfer = new Transfer(
      {
        xfer: this.#lastXfer,
        pid: pid.success,
        owner: caller.id,
        level: caller.level,
        request,
        mode,
        chunkBytesMax: Math.min(request.chunkBytesMax ?? chunkBytesMax, chunkBytesMax),
        stream: new HxeStream({ strict, bytesMax: imageBytesMax, totalBytes }),
        progress: { hertz: progressHertz, percentMin: progressPercentMin }
      },
      this.#clock
    )
    this.#transfers.add(transfer)
    this.#events.emit(startedEvent(transfer))
    transfer.phase = "transfer"
    return Result.succeed(transfer)
  }

  /** Takes the next chunk: checked, stored, told. */
  accept(transfer: Transfer, data: Uint8Array): Result.Result<WriteReply, Refused> {
    const { imageBytesMax } = this.#settings
    const end = transfer.bytesWritten + data.length
    const { totalBytes } = transfer
    const overflow =
      totalBytes !== undefined && end > totalBytes
        ? refusal("EBADMSG", `length_mismatch:${end}/${totalBytes}`)
        : end > imageBytesMax
          ? refusal("ENOSPC", `image_too_large:${end}/${imageBytesMax}`)
          : undefined
    if (overflow !== undefined) return this.#transfers.fail(transfer, "overflow", "write", overflow)
    const unfit = transfer.start.stream.push(data) ?? this.#admit(transfer)
    if (unfit !== undefined) return this.#transfers.fail(transfer, "writeRejected", "write", unfit)
    transfer.append(data)
    transfer.lastMillis = this.#clock.board()
    this.#transfers.move(transfer, "write")
    this.#transfers.restartWriteTimer(transfer)
    // A whole file is one step: its one progress is the last one.
    if (transfer.start.mode === "streaming") {
      const coalesced = transfer.pace.offer(transfer.lastMillis, transfer.bytesWritten, this.#events.pressure)
      if (coalesced !== undefined) this.#events.emit(progressEvent(transfer, coalesced, false))
    }
    return Result.succeed(written(transfer, data.length, false))
  }

  /** What the header asks for is set aside before the first byte of code is stored. */
  #admit(transfer: Transfer): Refused | undefined {
    const { pid, request, stream } = transfer.start
    const { header } = stream
    if (header === undefined || transfer.isAdmitted) return undefined
    transfer.appName = header.appName
    if (request.appName !== undefined && header.appName !== request.appName) {
      return refusal("EBADMSG", `app_name_mismatch:${header.appName ?? ""}`)
    }
    const replaces = request.replace === true
    let unfit = this.#programs.admit(pid, header, replaces)
    if (unfit?.code === codes.ENOSPC && this.#transfers.purgeFailed()) {
      unfit = this.#programs.admit(pid, header, replaces)
    }
    unfit ??= this.#programs.checkName(header, replaces)
    transfer.isAdmitted = unfit === undefined
    return unfit
  }

  /** A chunk is missing before this one. */
  gap(transfer: Transfer): Result.Result<never, Refused> {
    transfer.gaps += 1
    const refused = refusal("EILSEQ", `expected:${transfer.expectedSeq}`)
    if (transfer.gaps <= this.#settings.gapsMax) return Result.fail(refused)
    return this.#transfers.fail(transfer, "gapsExceeded", "write", refused)
  }
}

/** Where a transfer stands after a chunk. */
export const written = (transfer: Transfer, bytes: number, isDuplicate: boolean): WriteReply => ({
  ...transfer.reply,
  bytes,
  nextSeq: transfer.expectedSeq,
  totalWritten: transfer.bytesWritten,
  isDuplicate
})
