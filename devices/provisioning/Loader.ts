/**
 * The provisioning service of one board: images come in chunks or whole, are checked on the way, become programs, and may be
 * kept over a restart. It never picks an image by itself. Time comes from outside; nothing here throws or waits.
 */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../Refused.ts"
import { AccessGuard, type Operation } from "./Access.ts"
import { refusal } from "./ErrorCodes.ts"
import { EventHub, type ServiceClock, type Subscription, type SubscriptionOptions } from "./EventHub.ts"
import { Generations } from "./Generations.ts"
import type { ImageKeeper, Kept, RolledBackTo } from "./ImageKeeper.ts"
import { Intake, written } from "./Intake.ts"
import type {
  AbortReply,
  AbortRequest,
  BeginReply,
  BeginRequest,
  Caller,
  EndRequest,
  LoadRequest,
  PersistRequest,
  StatusReply,
  TransferName,
  WriteReply,
  WriteRequest
} from "./LoaderCalls.ts"
import { type LoaderSettings, loaderDefaults } from "./LoaderSettings.ts"
import type { ProgramHost, RegisteredProgram } from "./ProgramHost.ts"
import type { ProvisioningEvent, Unnumbered, Where } from "./ProvisioningEvents.ts"
import type { Transfer } from "./Transfer.ts"
import { completeEvent, progressEvent, refusedEvent, restoredEvent } from "./TransferEvents.ts"
import { type EndAnswer, type StateChanged, Transfers } from "./Transfers.ts"
import { Verification } from "./Verification.ts"

/** What a service is made of. */
export interface LoaderParts {
  readonly clock: ServiceClock
  readonly programs: ProgramHost
  /** Absent on a board that keeps nothing: persist, activate and rollback answer ENOTSUP. */
  readonly keeper?: ImageKeeper
  readonly settings?: Partial<LoaderSettings>
  readonly stateChanged?: StateChanged
}

/** The service. One per board. */
export class Loader {
  readonly settings: LoaderSettings
  /** Counts what was refused for want of a level. */
  readonly access: AccessGuard
  readonly #clock: ServiceClock
  readonly #programs: ProgramHost
  readonly #events: EventHub
  readonly #transfers: Transfers
  readonly #intake: Intake
  readonly #verification: Verification
  readonly #generations: Generations

  constructor({ clock, keeper, programs, settings, stateChanged = () => {} }: LoaderParts) {
    this.settings = { ...loaderDefaults, ...settings }
    this.access = new AccessGuard(clock.board)
    this.#clock = clock
    this.#programs = programs
    this.#events = new EventHub(clock)
    this.#transfers = new Transfers(programs, this.settings, clock, this.#events, stateChanged)
    this.#intake = new Intake(programs, this.settings, clock, this.#events, this.#transfers)
    this.#generations = new Generations(programs, keeper, this.#events, this.settings.strict)
    this.#verification = new Verification(programs, this.settings, this.#generations)
  }

  /** Hears all events of this service from now on. */
  subscribe(listener: (event: ProvisioningEvent) => void, options?: SubscriptionOptions): Subscription {
    return this.#events.subscribe(listener, options)
  }

  /** Passes on an event that another part of the board makes, such as wear or boot. */
  tell(event: Unnumbered): void {
    this.#events.emit(event)
  }

  /** All transfers that are on their way or still answer. */
  get transfers(): ReadonlyArray<StatusReply> {
    return this.#transfers.all.map((transfer) => this.#transfers.statusOf(transfer))
  }

  /** Reserves a transfer and a pid. EBUSY, ENOSPC, EINVAL, EPERM; then nothing is reserved, and only an error event tells. */
  begin(request: BeginRequest, caller: Caller): Result.Result<BeginReply, Refused> {
    const denied = this.access.check(caller.id, caller.level, "begin") ?? this.#intake.refusalOf(request)
    const begun = denied === undefined ? this.#intake.start(request, caller, "streaming") : Result.fail(denied)
    if (Result.isFailure(begun)) {
      this.#events.emit(refusedEvent(request, "begin", begun.failure))
      return Result.fail(begun.failure)
    }
    const transfer = begun.success
    this.#transfers.restartWriteTimer(transfer)
    return Result.succeed({ ...transfer.reply, nextSeq: 0, chunkBytesMax: transfer.start.chunkBytesMax })
  }

  /** Takes one chunk. EILSEQ says which one is expected; EPROTO asks for the same one again. */
  write(name: TransferName, request: WriteRequest, caller: Caller): Result.Result<WriteReply, Refused> {
    const found = this.#allowed(name, caller, "write")
    if (Result.isFailure(found)) return Result.fail(found.failure)
    const transfer = found.success
    if (transfer.state !== "LOADING") return Result.fail(refusal("EBUSY", `state:${transfer.state}`))
    const { data, seq } = request
    if (!Number.isInteger(seq) || seq < 0) return Result.fail(refusal("EINVAL", "seq"))
    if (data.length > transfer.start.chunkBytesMax) return Result.fail(refusal("EINVAL", "chunk_too_large"))
    if (request.crc32 !== undefined && crc32(data) !== request.crc32) return Result.fail(refusal("EPROTO", "chunk_crc"))
    if (data.length === 0) {
      this.#transfers.restartWriteTimer(transfer)
      return Result.succeed(written(transfer, 0, false))
    }
    const arrival = transfer.arrival(seq)
    if (arrival === "later") return this.#intake.gap(transfer)
    if (arrival === "next") return this.#intake.accept(transfer, data)
    transfer.duplicates += 1
    // Its sender lives, and only missed the answer: it may soon ask where this board is.
    this.#transfers.restartWriteTimer(transfer)
    return Result.succeed(written(transfer, 0, true))
  }

  /** Checks the whole image and makes a program of it. `answered` is called once, maybe before this returns. */
  end(name: TransferName, request: EndRequest, caller: Caller, answered: EndAnswer): void {
    const found = this.#allowed(name, caller, "end")
    if (Result.isFailure(found)) return answered(Result.fail(found.failure))
    const moved = this.#transfers.move(found.success, "end")
    if (Result.isFailure(moved)) return answered(Result.fail(moved.failure))
    this.#verify(found.success, request, answered)
  }

  /** Frees everything. A repeat while the record is kept gets the same answer. READY is EBUSY: end the program instead. */
  abort(name: TransferName, request: AbortRequest, caller: Caller): Result.Result<AbortReply, Refused> {
    const transfer = this.#transfers.find(name)
    if (transfer === undefined) return Result.fail(refusal("ESRCH", "transfer"))
    const operation = transfer.start.owner === caller.id ? "abort" : "abortOther"
    const denied = this.access.check(caller.id, caller.level, operation)
    if (denied !== undefined) return Result.fail(denied)
    const refused = transfer.state === "IDLE" ? undefined : this.#transfers.abort(transfer, request.reason ?? "user")
    if (refused !== undefined) return Result.fail(refused)
    const { pid, xfer } = transfer.start
    return Result.succeed({ xfer, state: "IDLE", freed: { bytes: transfer.bytesWritten, pid } })
  }

  /** Answers while the record is kept, also after the end. ESRCH. */
  status(name: TransferName): Result.Result<StatusReply, Refused> {
    const transfer = this.#transfers.find(name)
    if (transfer === undefined) return Result.fail(refusal("ESRCH", "transfer"))
    return Result.succeed(this.#transfers.statusOf(transfer))
  }

  /** Loads a whole file. What needs no pid is checked before one is reserved. `answered` is called once, as for `end`. */
  load(request: LoadRequest, caller: Caller, answered: EndAnswer): void {
    const { bytes, detachedSignature, mode = "monolithic", sha256, ...rest } = request
    const begin: BeginRequest = { ...rest, totalBytes: bytes.length }
    const end: EndRequest = {
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(detachedSignature === undefined ? {} : { detachedSignature })
    }
    const refuse = (refused: Refused, where: Where): void => {
      this.#events.emit(refusedEvent(begin, where, refused))
      answered(Result.fail(refused))
    }
    const denied = this.access.check(caller.id, caller.level, "load") ?? this.#intake.refusalOf(begin)
    if (denied !== undefined) return refuse(denied, "begin")
    const unfit = this.#verification.beforehand(bytes, begin, end, caller.level)
    if (unfit !== undefined) return refuse(unfit, "verify")
    const begun = this.#intake.start(begin, caller, mode)
    if (Result.isFailure(begun)) return refuse(begun.failure, "begin")
    const accepted = this.#intake.accept(begun.success, bytes)
    if (Result.isFailure(accepted)) return answered(Result.fail(accepted.failure))
    this.#transfers.move(begun.success, "end")
    this.#verify(begun.success, end, answered)
  }

  /** Keeps the image of a program over a restart. ESRCH, ENOTSUP, ENOSPC, EIO, EPERM. */
  persist(request: PersistRequest, caller: Caller): Result.Result<Kept, Refused> {
    const denied = this.access.check(caller.id, caller.level, "persist")
    return denied === undefined ? this.#generations.persist(request.pid, request.target) : Result.fail(denied)
  }

  /** Confirms the generation that is on trial. */
  activate(pid: number, caller: Caller): Result.Result<void, Refused> {
    const denied = this.access.check(caller.id, caller.level, "activate")
    return denied === undefined ? this.#generations.activate(pid) : Result.fail(denied)
  }

  /** Lets an older generation rule again and runs its programs in place of those on the board. None: the previous one. */
  rollback(generation: number | undefined, caller: Caller): Result.Result<RolledBackTo, Refused> {
    const denied = this.access.check(caller.id, caller.level, "rollback")
    return denied === undefined ? this.#generations.rollback(generation, "manual") : Result.fail(denied)
  }

  /** Gives up all that is on its way and lets go of the clock. Programs live on. */
  shutdown(): void {
    for (const transfer of this.#transfers.live) this.#transfers.abort(transfer, "shutdown")
    for (const transfer of this.#transfers.all) transfer.stopTimers()
  }

  #allowed(name: TransferName, caller: Caller, operation: Operation): Result.Result<Transfer, Refused> {
    const transfer = this.#transfers.find(name)
    const denied = this.access.check(caller.id, caller.level, operation)
    if (denied !== undefined) return Result.fail(denied)
    if (transfer === undefined) return Result.fail(refusal("ESRCH", "transfer"))
    if (transfer.start.owner !== caller.id) return Result.fail(refusal("EPERM", "owner"))
    return Result.succeed(transfer)
  }

  #verify(transfer: Transfer, request: EndRequest, answered: EndAnswer): void {
    transfer.phase = "verify"
    this.#transfers.startVerifyTimer(transfer, answered)
    const checked = this.#verification.check(transfer, request)
    if (Result.isFailure(checked)) {
      this.#transfers.fail(transfer, "verifyFailed", checked.failure.where, checked.failure.refused)
      return
    }
    const image = checked.success
    const prepared = (refused: Refused | undefined): void => {
      // Given up, or out of time, while something else prepared the image: that was answered already.
      if (transfer.state !== "VERIFY") return
      if (refused !== undefined) this.#transfers.fail(transfer, "verifyFailed", "verify", refused)
      else this.#register(transfer, image, request)
    }
    if (this.#programs.prepare === undefined) prepared(undefined)
    else this.#programs.prepare(transfer.start.pid, image, prepared)
  }

  #register(transfer: Transfer, image: HxeImage, request: EndRequest): void {
    const registered = this.#verification.register(transfer, image, request)
    if (Result.isFailure(registered)) {
      this.#transfers.fail(transfer, "verifyFailed", "verify", registered.failure.refused)
      return registered.failure.fallBack()
    }
    const program = registered.success
    this.#tellReady(transfer, image, program)
    const persists = request.persist ?? transfer.start.request.persist ?? false
    const persisted = persists ? this.#generations.persist(transfer.start.pid, "FLASH") : undefined
    this.#transfers.answer(
      transfer,
      Result.succeed({
        ...transfer.reply,
        hxeCrc32: image.header.crc32,
        header: image.header,
        sections: image.metadata.sections,
        program,
        persisted: persisted === undefined ? undefined : Result.merge(persisted)
      })
    )
  }

  #tellReady(transfer: Transfer, image: HxeImage, program: RegisteredProgram): void {
    const now = this.#clock.board()
    const restored = restoredEvent(transfer, program)
    if (restored !== undefined) this.#events.emit(restored)
    this.#events.emit(progressEvent(transfer, transfer.pace.tell(now, transfer.bytesWritten), false), true)
    const durationMillis = now - transfer.createdMillis
    transfer.phase = "complete"
    this.#transfers.ready(transfer)
    this.#events.emit(
      completeEvent(transfer, program, {
        hxeCrc32: image.header.crc32,
        isSigned: image.signature !== undefined,
        durationMillis
      })
    )
  }
}
