/** The transfers of one board: how they move from state to state, what each move frees, and what it tells. */
import { Result } from "effect"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import type { EventHub, ServiceClock } from "./EventHub.ts"
import type { EndReply, StatusReply, TransferName } from "./LoaderCalls.ts"
import type { LoaderSettings } from "./LoaderSettings.ts"
import type { ProgramHost } from "./ProgramHost.ts"
import { percentOf } from "./Progress.ts"
import type { AbortReason, Where } from "./ProvisioningEvents.ts"
import type { Transfer } from "./Transfer.ts"
import { abortedEvent, errorEvent, progressEvent } from "./TransferEvents.ts"
import { nextTransferState, type TransferState, type TransferTrigger } from "./TransferStates.ts"

/** Told after each change of a transfer's state, in order. It cannot veto the change. */
export type StateChanged = (transfer: Transfer, from: TransferState, to: TransferState, cause: TransferTrigger) => void

/** Takes the one answer to an end. */
export type EndAnswer = (reply: Result.Result<EndReply, Refused>) => void

/** All transfers that are on their way, or may still be asked about. */
export class Transfers {
  readonly #programs: ProgramHost
  readonly #settings: LoaderSettings
  readonly #clock: ServiceClock
  readonly #events: EventHub
  readonly #stateChanged: StateChanged
  readonly #byXfer = new Map<number, Transfer>()
  readonly #answers = new Map<number, EndAnswer>()
  #notices: Array<() => void> = []
  #isNoticing = false

  constructor(
    programs: ProgramHost,
    settings: LoaderSettings,
    clock: ServiceClock,
    events: EventHub,
    stateChanged: StateChanged
  ) {
    this.#programs = programs
    this.#settings = settings
    this.#clock = clock
    this.#events = events
    this.#stateChanged = stateChanged
  }

  get all(): ReadonlyArray<Transfer> {
    return [...this.#byXfer.values()]
  }

  /** Those that occupy the service. */
  get live(): ReadonlyArray<Transfer> {
    return this.all.filter(({ state }) => state === "LOADING" || state === "VERIFY")
  }

  /** By its number, or by the pid it has or had: the latest one with it. */
  find(name: TransferName): Transfer | undefined {
    if ("xfer" in name) return this.#byXfer.get(name.xfer)
    return this.all.findLast(({ start }) => start.pid === name.pid)
  }

  add(transfer: Transfer): void {
    this.#byXfer.set(transfer.start.xfer, transfer)
    this.move(transfer, "begin")
    transfer.startTimer("total", this.#settings.totalTimeoutMillis, () => this.#timedOut(transfer, "total_timeout"))
  }

  /** EBUSY when the state does not know the trigger; then nothing changed. */
  move(transfer: Transfer, trigger: TransferTrigger): Result.Result<TransferState, Refused> {
    const from = transfer.state
    const next = nextTransferState(from, trigger)
    if (Result.isFailure(next)) return Result.fail(refusal("EBUSY", `state:${from}`))
    transfer.state = next.success
    this.#notices.push(() => this.#stateChanged(transfer, from, next.success, trigger))
    this.#notify()
    return Result.succeed(next.success)
  }

  /** What a listener does to a transfer is told after what it was told itself. */
  #notify(): void {
    if (this.#isNoticing) return
    this.#isNoticing = true
    try {
      for (let notice = this.#notices.shift(); notice !== undefined; notice = this.#notices.shift()) notice()
    } finally {
      this.#isNoticing = false
      this.#notices = []
    }
  }

  /** The chunk timer, and the warning before it. */
  restartWriteTimer(transfer: Transfer): void {
    // A listener may have given the transfer up meanwhile.
    if (transfer.state !== "LOADING") return
    const { stallWarnPercent, writeTimeoutMillis } = this.#settings
    transfer.startTimer("stall", (writeTimeoutMillis * stallWarnPercent) / 100, () => {
      const now = this.#clock.board()
      this.#events.emit(progressEvent(transfer, transfer.pace.tell(now, transfer.bytesWritten), true))
    })
    transfer.startTimer("write", writeTimeoutMillis, () => this.#timedOut(transfer, "write_timeout"))
  }

  startVerifyTimer(transfer: Transfer, answer: EndAnswer): void {
    transfer.stopTimer("write")
    transfer.stopTimer("stall")
    this.#answers.set(transfer.start.xfer, answer)
    transfer.startTimer("verify", this.#settings.verifyTimeoutMillis, () => this.#timedOut(transfer, "verify_timeout"))
  }

  /** Answers the end of a transfer, once. */
  answer(transfer: Transfer, reply: Result.Result<EndReply, Refused>): void {
    const answer = this.#answers.get(transfer.start.xfer)
    this.#answers.delete(transfer.start.xfer)
    answer?.(reply)
  }

  /** The program is registered; the record answers for a while. */
  ready(transfer: Transfer): void {
    this.move(transfer, "verified")
    transfer.stopTimers()
    transfer.drop()
    this.#forgetLater(transfer, this.#settings.recordMillis)
  }

  /** The transfer keeps what it reserved until it is purged, and tells why. */
  fail(transfer: Transfer, trigger: TransferTrigger, where: Where, refused: Refused): Result.Result<never, Refused> {
    const moved = this.move(transfer, trigger)
    if (Result.isFailure(moved)) return Result.fail(moved.failure)
    transfer.lastError = refused
    transfer.stopTimers()
    this.#forgetLater(transfer, this.#settings.failedLingerMillis)
    this.#events.emit(errorEvent(transfer, where, refused))
    this.answer(transfer, Result.fail(refused))
    return Result.fail(refused)
  }

  /** Frees everything; a refusal when the state does not allow it. */
  abort(transfer: Transfer, reason: AbortReason): Refused | undefined {
    const moved = this.move(transfer, "abort")
    if (Result.isFailure(moved)) return moved.failure
    transfer.stopTimers()
    this.#free(transfer)
    this.move(transfer, "cleaned")
    transfer.phase = "abort"
    this.#forgetLater(transfer, this.#settings.recordMillis)
    this.#events.emit(abortedEvent(transfer, reason))
    this.answer(transfer, Result.fail(refusal("ECANCELED", reason)))
    return undefined
  }

  /** Failed transfers linger only until somebody needs their room. Says whether there were any. */
  purgeFailed(): boolean {
    const failed = this.all.filter(({ state }) => state === "FAILED")
    for (const transfer of failed) this.#forget(transfer)
    return failed.length > 0
  }

  statusOf(transfer: Transfer): StatusReply {
    return {
      ...transfer.reply,
      phase: transfer.phase,
      bytesWritten: transfer.bytesWritten,
      totalBytes: transfer.totalBytes,
      percent: percentOf(transfer.bytesWritten, transfer.totalBytes),
      nextSeq: transfer.nextSeq,
      gaps: transfer.gaps,
      duplicates: transfer.duplicates,
      source: transfer.start.request.source,
      lastError: transfer.lastError,
      ageMillis: this.#clock.board() - transfer.createdMillis
    }
  }

  #timedOut(transfer: Transfer, detail: string): void {
    const where = transfer.state === "VERIFY" ? "verify" : "write"
    const failed = this.fail(transfer, "timeout", where, refusal("ETIMEDOUT", detail))
    if (Result.isFailure(failed)) this.abort(transfer, "timeout")
  }

  #free(transfer: Transfer): void {
    this.#programs.release(transfer.start.pid)
    transfer.drop()
  }

  #forgetLater(transfer: Transfer, delayMillis: number): void {
    transfer.startTimer("record", delayMillis, () => this.#forget(transfer))
  }

  #forget(transfer: Transfer): void {
    transfer.stopTimers()
    if (transfer.state === "FAILED") {
      this.#free(transfer)
      this.move(transfer, "purge")
    } else if (transfer.state === "READY") this.move(transfer, "close")
    this.#byXfer.delete(transfer.start.xfer)
  }
}
