/** The programs that came through this service: what they were made of, so that they can be kept, replaced and brought back. */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../src/protocol/hxe/HxeReader.ts"
import type { Refused } from "../Refused.ts"
import { refusal, refusalName } from "./ErrorCodes.ts"
import type { EventHub } from "./EventHub.ts"
import type { ImageKeeper, Kept, PersistTarget, RolledBackTo } from "./ImageKeeper.ts"
import type { ProgramHost, RegisteredProgram } from "./ProgramHost.ts"
import type { RollbackReason, Where } from "./ProvisioningEvents.ts"
import { type Source, source } from "./Source.ts"

/** A program and the file it came from. */
export interface Installed {
  readonly pid: number
  /** The transfer that brought it, 0 for none. */
  readonly xfer: number
  readonly bytes: Uint8Array
  readonly image: HxeImage
  readonly source: Source
  readonly label: string | undefined
  readonly fileCrc32: number
  readonly autostart: boolean
}

/** Memory of what is installed, and the ways between it and the non-volatile memory. */
export class Generations {
  readonly #programs: ProgramHost
  readonly #keeper: ImageKeeper | undefined
  readonly #events: EventHub
  readonly #strict: boolean
  readonly #installed = new Map<number, Installed>()

  constructor(programs: ProgramHost, keeper: ImageKeeper | undefined, events: EventHub, strict: boolean) {
    this.#programs = programs
    this.#keeper = keeper
    this.#events = events
    this.#strict = strict
  }

  add(installed: Installed): void {
    for (const pid of this.#installed.keys()) if (!this.#programs.isAlive(pid)) this.#installed.delete(pid)
    this.#installed.set(installed.pid, installed)
  }

  of(pid: number): Installed | undefined {
    return this.#programs.isAlive(pid) ? this.#installed.get(pid) : undefined
  }

  /** Runs an image that ran before. */
  restore(old: Omit<Installed, "pid">): Result.Result<RegisteredProgram, Refused> {
    const reserved = this.#programs.reserve({
      label: old.label,
      source: old.source,
      pidHint: undefined,
      replaces: false
    })
    if (Result.isFailure(reserved)) return Result.fail(reserved.failure)
    const pid = reserved.success
    const unfit = this.#programs.admit(pid, old.image.header, false)
    const registered =
      unfit === undefined
        ? this.#programs.register(pid, old.image, {
            source: old.source,
            label: old.label,
            bytes: old.bytes.length,
            fileCrc32: old.fileCrc32,
            autostart: old.autostart,
            replaces: []
          })
        : Result.fail(unfit)
    if (Result.isSuccess(registered)) this.add({ ...old, pid })
    else this.#programs.release(pid)
    return registered
  }

  /** The new image could not be registered: its predecessors run on, or run again under new pids where they had been ended. */
  fallBack(xfer: number, replaced: ReadonlyArray<Installed>): void {
    for (const old of replaced) {
      const restored = this.#programs.isAlive(old.pid) ? Result.succeed(undefined) : this.restore(old)
      const data = { xfer, source: old.source, app_name: old.image.header.appName ?? null, phase: "rollback" } as const
      if (Result.isFailure(restored)) {
        this.#tellFailure(old, "rollback", restored.failure)
        continue
      }
      this.#events.emit({
        type: "provisioning.rollback",
        pid: null,
        data: { ...data, from_generation: null, to_generation: null, slot: null, reason: "verify" }
      })
    }
  }

  /** Durable when it answers. */
  persist(pid: number, target: PersistTarget): Result.Result<Kept, Refused> {
    const installed = this.of(pid)
    if (installed === undefined) return Result.fail(refusal("ESRCH", "program"))
    if (this.#keeper === undefined) return Result.fail(refusal("ENOTSUP", "persist"))
    const { bytes, image, source: from, autostart, xfer } = installed
    const kept = this.#keeper.persist({ bytes, image, source: from, pid, autostart }, target)
    if (Result.isFailure(kept)) {
      this.#tellFailure(installed, "persist", kept.failure)
      return kept
    }
    this.#events.emit({
      type: "provisioning.persisted",
      pid,
      data: {
        xfer,
        phase: "persist",
        source: from,
        app_name: image.header.appName ?? null,
        target,
        slot: kept.success.slot,
        generation: kept.success.generation,
        image_crc32: kept.success.imageCrc32,
        bytes: kept.success.bytes
      }
    })
    return kept
  }

  /** Confirms the generation on trial. */
  activate(pid: number): Result.Result<void, Refused> {
    if (!this.#programs.isAlive(pid)) return Result.fail(refusal("ESRCH", "program"))
    return this.#keeper === undefined ? Result.fail(refusal("ENOTSUP", "activate")) : this.#keeper.activate(pid)
  }

  /** The older generation rules first; then its programs run in place of those that are on the board. */
  rollback(generation: number | undefined, reason: RollbackReason): Result.Result<RolledBackTo, Refused> {
    if (this.#keeper === undefined) return Result.fail(refusal("ENOTSUP", "rollback"))
    const back = this.#keeper.rollback(generation)
    if (Result.isFailure(back)) return back
    const { concerned, fromGeneration, programs, slot, toGeneration } = back.success
    for (const appName of concerned) for (const pid of this.#programs.instancesOf(appName)) this.#programs.kill(pid)
    this.#events.emit({
      type: "provisioning.rollback",
      pid: null,
      data: {
        xfer: 0,
        phase: "rollback",
        source: source.nv(slot, toGeneration),
        app_name: concerned[0] ?? null,
        from_generation: fromGeneration,
        to_generation: toGeneration,
        slot,
        reason
      }
    })
    for (const program of programs) this.#run(program, toGeneration)
    return back
  }

  #run(program: RolledBackTo["programs"][number], generation: number): void {
    const from = source.nv(program.slot, generation)
    const read = readHxe(program.bytes, { strict: this.#strict })
    const restored = Result.isFailure(read)
      ? Result.fail(read.failure)
      : this.restore({
          xfer: 0,
          bytes: program.bytes,
          image: read.success,
          source: from,
          label: program.appName,
          fileCrc32: crc32(program.bytes),
          autostart: program.autostart
        })
    if (Result.isFailure(restored)) {
      this.#tellFailure({ source: from, xfer: 0, pid: null, appName: program.appName }, "rollback", restored.failure)
    }
  }

  #tellFailure(
    of: Installed | { readonly source: Source; readonly xfer: number; readonly pid: null; readonly appName: string },
    where: Extract<Where, "persist" | "rollback">,
    refused: Refused
  ): void {
    this.#events.emit({
      type: "provisioning.error",
      pid: of.pid,
      data: {
        xfer: of.xfer,
        phase: where,
        source: of.source,
        app_name: "appName" in of ? of.appName : (of.image.header.appName ?? null),
        where,
        code: refusalName(refused.code),
        errno: refused.code,
        detail: refused.detail,
        bytes_written: "bytes" in of ? of.bytes.length : 0
      }
    })
  }
}
