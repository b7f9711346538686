/** Whether a program may come onto the board, judged before anything of it is kept, and the places of those that may. */
import { Result } from "effect"
import { capabilities, type HxeHeader, type HxeImage } from "../../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../../Refused.ts"
import type { BudgetProfile } from "./BudgetProfile.ts"
import { capabilityRefusal, neededCapabilities } from "./Capabilities.ts"
import type { ExecutiveOptions, ReserveRequest } from "./ExecutiveTypes.ts"
import { baseName, instanceName } from "./InstanceName.ts"
import type { Parts } from "./Parts.ts"
import { type Need, type Place, Placement, type PlacementCounts } from "./Placement.ts"
import { checkRoom, mailboxNeed } from "./Registration.ts"
import { Task } from "./Task.ts"
import type { Tasks } from "./Tasks.ts"

/** A program that is still coming asks for a stack and nothing else. */
const emptyNeed: Need = { codeBytes: 0, rodataBytes: 0, bssBytes: 0, stackBytes: undefined }

const needOf = (header: HxeHeader, stackBytes: number | undefined): Need => ({
  codeBytes: header.codeLength,
  rodataBytes: header.rodataLength,
  bssBytes: header.bssSize,
  stackBytes
})

/** Bits of `capabilities` that a board with these parts has. */
const offeredBy = ({ hal, files }: ExecutiveOptions): number =>
  capabilities.mailbox |
  capabilities.valueCommand |
  capabilities.f16 |
  (hal === undefined ? 0 : capabilities.hal) |
  (hal?.fram === undefined ? 0 : capabilities.nv) |
  (hal?.can === undefined ? 0 : capabilities.can) |
  (hal?.uart === undefined ? 0 : capabilities.uart) |
  (files === undefined ? 0 : capabilities.files)

/** Names, places and room. Tasks named by `replaces` count as gone. */
export class Admission {
  readonly #options: ExecutiveOptions
  readonly #profile: BudgetProfile
  readonly #capabilities: number
  readonly #placement: Placement
  readonly #parts: Parts
  readonly #tasks: Tasks

  constructor(options: ExecutiveOptions, profile: BudgetProfile, parts: Parts, tasks: Tasks) {
    this.#options = options
    this.#profile = profile
    this.#capabilities = options.capabilities ?? offeredBy(options)
    this.#placement = new Placement(profile)
    this.#parts = parts
    this.#tasks = tasks
  }

  counts(): PlacementCounts {
    return this.#placement.counts()
  }

  /** Makes a task without machine: for an image that is there, or one that is still coming. Fails with 28. */
  reserve(request: ReserveRequest, replaces: ReadonlyArray<number>, image?: HxeImage): Result.Result<Task, Refused> {
    const need = image === undefined ? emptyNeed : needOf(image.header, image.manifest?.stackSizeBytes)
    const place = this.#placement.reserve(need, this.#places(replaces))
    if (Result.isFailure(place)) return Result.fail(place.failure)
    const { pidHint, label, source } = request
    const pid = pidHint !== undefined && pidHint >= this.#tasks.nextPid ? pidHint : this.#tasks.nextPid
    const origin = { label, source, madeAt: this.#options.now() }
    const task = new Task(pid, origin, baseName(undefined, label, pid), place.success)
    this.#tasks.add(task)
    return Result.succeed(task)
  }

  /** Gives the place of a task back. */
  release(task: Task): void {
    this.#placement.release(task.place)
  }

  /** By the header alone: 95 for what the board lacks, 28 for what does not fit. For a task that much is set aside. */
  admit(header: HxeHeader, task: Task | undefined, replaces: ReadonlyArray<number>): Refused | undefined {
    const needed = neededCapabilities(header.requiredCaps, undefined, undefined)
    return (
      capabilityRefusal(needed, this.#capabilities, this.#mailboxesFree(replaces)) ??
      this.#fit(needOf(header, undefined), task, replaces)
    )
  }

  /** By the whole image: as by its header, and that the tables have room for what it declares. */
  check(image: HxeImage, task: Task | undefined, replaces: ReadonlyArray<number>): Refused | undefined {
    const needed = neededCapabilities(image.header.requiredCaps, image.manifest?.requiredCaps, image.metadata)
    this.#makeRoom(mailboxNeed(image), replaces)
    return (
      capabilityRefusal(needed, this.#capabilities, this.#mailboxesFree(replaces)) ??
      this.#fit(needOf(image.header, image.manifest?.stackSizeBytes), task, replaces) ??
      checkRoom(this.#parts, this.#profile, image, new Set(replaces))
    )
  }

  /** The name an instance of this program gets. Fails with 17. */
  instanceName(base: string, allowsMultiple: boolean, replaces: ReadonlyArray<number>): Result.Result<string, Refused> {
    const isTaken = (name: string): boolean => {
      const holder = this.#tasks.named(name)
      return holder !== undefined && !replaces.includes(holder.pid)
    }
    return instanceName(base, isTaken, allowsMultiple)
  }

  #places(pids: ReadonlyArray<number>): ReadonlySet<Place> {
    return new Set(pids.flatMap((pid) => this.#tasks.get(pid)?.place ?? []))
  }

  #mailboxesFree(replaces: ReadonlyArray<number>): number {
    const { mailboxes } = this.#parts
    return mailboxes.free() + (replaces.length === 0 ? 0 : mailboxes.freedBy(new Set(replaces)))
  }

  /** Tries a place, and keeps it if it is for a task; a task that does not fit keeps the place it had. */
  #fit(need: Need, task: Task | undefined, replaces: ReadonlyArray<number>): Refused | undefined {
    const fitted = this.#placement.reserve(need, this.#places(replaces), task?.place)
    if (Result.isFailure(fitted)) return fitted.failure
    if (task === undefined) this.#placement.release(fitted.success)
    else task.place = fitted.success
    return undefined
  }

  /** What ended tasks left in their mailboxes gives way to a new program, the oldest first. */
  #makeRoom(mailboxes: number, replaces: ReadonlyArray<number>): void {
    for (const task of this.#tasks.ended()) {
      if (this.#mailboxesFree(replaces) >= mailboxes) return
      this.#parts.mailboxes.purgeTask(task.pid)
    }
  }
}
