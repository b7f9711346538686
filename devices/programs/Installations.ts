/**
 * How images become programs of a board, and how it goes back: a new one takes its place, proves itself for a while, and is
 * confirmed; or it fails too often, and what was before it runs again. A board that restarts goes on where it was.
 */

import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type ImageOffer, imageFlags } from "../../src/protocol/Frame.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ImageState } from "../agent/Programs.ts"
import { instanceName } from "../hxe/executive/InstanceName.ts"
import type { Trial as StoreTrial } from "../nv/Trial.ts"
import type { Refused } from "../Refused.ts"
import { isSameBytes } from "../SameBytes.ts"
import type { Admitted } from "./ImageChecks.ts"
import type { Image, Program } from "./Program.ts"
import type { Ending } from "./Restarts.ts"
import { programStates } from "./Runtime.ts"
import type { Kept, Shelf } from "./Shelf.ts"

/** Numbers of the states an installed image is in, as the link names them. */
export const installedStates = {
  ready: 3,
  failed: 4,
  committed: 7,
  trial: 8,
  confirmed: 9,
  rolledBack: 10
} as const

/** How long a program must stay healthy before it is confirmed, ms, where its manifest says nothing. */
const confirmMillisDefault = 30_000

/** Before a program on trial is started again, ms; doubled each time. */
const againMillis = 500

/** An image that was verified, and what came with it. */
export interface Staged extends Admitted {
  readonly offer: ImageOffer
  readonly image: Image
}

/** What installations get from their board. */
export interface InstallationPorts {
  readonly clock: Clock
  readonly shelf: Shelf
  /** All programs by name. Shared: what is installed is put here. */
  readonly programs: Map<string, Program>
  readonly make: (name: string, image: Image, isKept: boolean) => Program
  /** A program is no longer on the board. */
  readonly gone: (name: string) => void
  /** How a program stands at this moment must be told before it stands otherwise. */
  readonly standsNow: (program: Program) => void
  /** An image stands elsewhere, unasked. */
  readonly tell: (state: ImageState) => void
}

/** How starts of what is on trial are counted. */
type Tries = Pick<StoreTrial, "attempt" | "attempts" | "failed" | "isExhausted">

/** The tries of what is in no store, and is gone with the power. */
class VolatileTries implements Tries {
  readonly #attemptsMax: number
  attempts = 0

  constructor(attemptsMax: number) {
    this.#attemptsMax = attemptsMax
  }

  get isExhausted(): boolean {
    return this.attempts >= this.#attemptsMax
  }

  attempt(): Result.Result<void> {
    this.attempts++
    return Result.succeed(undefined)
  }

  failed(): void {}
}

/** Programs that have to prove themselves. */
interface Trial {
  /** 0 when the board has restarted since. */
  readonly xfer: number
  readonly names: ReadonlySet<string>
  readonly sha256: Uint8Array
  readonly isKept: boolean
  /** How its starts are counted: in the store where it is kept. */
  readonly tries: Tries
  readonly slot: number | undefined
  readonly confirmMillis: number
  /** What ran in its place and is in no store. */
  readonly before: Program | undefined
  /** The one before ran when it was replaced. */
  readonly wasRunning: boolean
  /** It is about to be left. */
  isOver: boolean
  cancel: (() => void) | undefined
}

/** Where a new program goes, and in whose place. */
export interface Placement {
  readonly name: string
  readonly replaces: Program | undefined
}

/** The installations of one boot. */
export class Installations {
  readonly #ports: InstallationPorts
  #trial: Trial | undefined
  #last: ImageState | undefined

  constructor(ports: InstallationPorts) {
    this.#ports = ports
  }

  /** Something has to prove itself: nothing else is installed until it has. */
  get isOnTrial(): boolean {
    return this.#trial !== undefined
  }

  /** Where the image that was installed last stands. */
  get standing(): ImageState | undefined {
    return this.#last
  }

  /** Loads what is kept and starts what is to be started; counts the start of what is on trial, or gives it up. */
  boot(): void {
    const { shelf } = this.#ports
    shelf.trial.begin()
    const given = shelf.trial.isExhausted ? this.#giveUpAtBoot() : undefined
    const kept = shelf.programs()
    // With nothing to go back to, what failed too often is left alone until somebody decides.
    const isSafe = shelf.trial.isStopped || shelf.trial.isExhausted
    const onTrial = kept.filter(({ isNew }) => isNew)
    const [first] = onTrial
    if (shelf.trial.isOn && !isSafe) {
      shelf.trial.attempt()
      this.#trial = {
        xfer: 0,
        names: new Set(onTrial.map(({ name }) => name)),
        sha256: first?.image.sha256 ?? new Uint8Array(0),
        isKept: true,
        tries: shelf.trial,
        slot: undefined,
        confirmMillis: Math.max(...onTrial.map(({ image }) => confirmMillisOf(image)), 0),
        before: undefined,
        wasRunning: false,
        isOver: false,
        cancel: undefined
      }
    }
    if (given !== undefined) this.#tell(given)
    else if (!isSafe) this.#tellKept(kept)
    for (const { name, image, isStarted } of kept) {
      const program = this.#put(name, image, true)
      if (isSafe) program.leave({ state: programStates.failed, code: codes.EPERM, detail: "it failed too often" })
      else if (program.load() !== undefined) this.ended(program, "failed")
      else if (isStarted) program.run()
    }
    this.#awaitHealth()
  }

  /** Whoever waited for the end of a trial when the power went hears of it; what is on trial is told last. */
  #tellKept(kept: ReadonlyArray<Kept>): void {
    const { generation } = this.#ports.shelf
    for (const { image, isNew } of [...kept].sort((left, right) => Number(left.isNew) - Number(right.isNew))) {
      if (image.sha256.length === 0) continue
      const state = isNew ? installedStates.trial : installedStates.confirmed
      this.#tell({ xfer: 0, state, generation, sha256: image.sha256 })
    }
  }

  /** Where an image would go; 17 where its name is taken and it may neither replace that program nor run beside it. */
  placeOf({ instance, flags = 0 }: ImageOffer, { manifest }: Admitted): Placement | Refused {
    const { programs } = this.#ports
    const isTaken = (name: string): boolean => isThere(programs.get(name))
    const name = instance ?? manifest.name
    if (!isTaken(name)) return { name, replaces: undefined }
    if ((flags & imageFlags.replace) !== 0) return { name, replaces: programs.get(name) }
    const beside = instanceName(name, isTaken, instance === undefined && manifest.start?.multiple === true)
    return Result.isSuccess(beside) ? { name: beside.success, replaces: undefined } : beside.failure
  }

  /** Makes a verified image a program of the board. State 3 means that nothing was tried; 4 that what was before still is. */
  install(staged: Staged): ImageState {
    const { offer, image, isSigned } = staged
    const { xfer, flags = 0 } = offer
    const failed = (refused: Refused): ImageState =>
      this.#keepInMind({ xfer, state: installedStates.failed, ...refused })
    if (this.isOnTrial) return { xfer, state: installedStates.ready, code: codes.EBUSY, detail: "trial" }
    const placement = this.placeOf(offer, staged)
    if ("code" in placement) return failed(placement)
    const { shelf } = this.#ports
    const { name, replaces } = placement
    const isKept = (flags & imageFlags.persist) !== 0
    const isStarted = (flags & imageFlags.autostart) !== 0
    const kept = isKept
      ? shelf.keep({ name, image, travelled: offer.manifest, isSigned, isStarted })
      : Result.succeed(undefined)
    if (Result.isFailure(kept)) return failed(kept.failure)
    const wasRunning = replaces?.isMeantToRun ?? false
    const program = this.#ports.make(name, image, isKept)
    const refused = program.load(replaces?.task)
    if (refused !== undefined) {
      program.remove()
      if (isKept) shelf.takeBack()
      return failed(refused)
    }
    replaces?.remove()
    this.#ports.programs.set(name, program)
    const mayGoBack = (flags & imageFlags.keepOld) !== 0
    const place = {
      ...(kept.success === undefined ? {} : { generation: kept.success.generation, slot: String(kept.success.slot) })
    }
    if (mayGoBack) this.#try(staged, program, kept.success?.slot, replaces, wasRunning)
    else if (isKept) shelf.confirm()
    if (isStarted) program.run()
    this.#awaitHealth()
    const state = mayGoBack ? installedStates.trial : installedStates.committed
    return this.#keepInMind({ xfer, state, sha256: image.sha256, ...place })
  }

  /** Somebody has seen that it is healthy. */
  confirm(): ImageState {
    const trial = this.#trial
    if (trial === undefined) {
      const last = this.#last
      if (last?.state === installedStates.confirmed) return last
      return { xfer: last?.xfer ?? 0, state: last?.state ?? 0, code: codes.EBUSY, detail: "nothing is on trial" }
    }
    const refused = trial.isKept ? this.#ports.shelf.confirm() : undefined
    if (refused !== undefined) return { ...this.#stateOf(trial, installedStates.trial), ...refused }
    this.#end(trial)
    return this.#keepInMind(this.#stateOf(trial, installedStates.confirmed))
  }

  /** Somebody wants what was before; `generation` 0 is the one before, whichever that is. */
  rollback(generation: number): ImageState {
    const { shelf, programs } = this.#ports
    const trial = this.#trial
    if (trial !== undefined && generation === 0) {
      const refused = this.#goBack(trial, { code: codes.ok }, "manual")
      if (refused !== undefined) return { ...this.#stateOf(trial, installedStates.trial), ...refused }
      return this.#last ?? { xfer: 0, state: installedStates.rolledBack }
    }
    const running = namesOf(programs, (program) => program.isMeantToRun)
    const refused = shelf.rollback(generation)
    if (refused !== undefined) return { xfer: 0, state: 0, ...refused }
    if (trial !== undefined) this.#end(trial)
    this.#reconcile(running)
    return this.#keepInMind({ xfer: 0, state: installedStates.rolledBack, generation: shelf.generation })
  }

  /** Takes a program off the board. 16 while it is on trial, or while another one is and both are kept. */
  remove(program: Program): Refused | undefined {
    const trial = this.#trial
    if (trial?.names.has(program.name) || (trial?.isKept && program.isKept)) {
      return { code: codes.EBUSY, detail: "trial" }
    }
    const refused = program.isKept ? this.#ports.shelf.drop(program.name) : undefined
    if (refused !== undefined) return refused
    program.remove()
    this.#ports.programs.delete(program.name)
    this.#ports.gone(program.name)
    return undefined
  }

  /** A program ended by itself. True where that is the trial's affair. */
  ended(program: Program, ending: Ending): boolean {
    const trial = this.#trial
    if (trial === undefined || !trial.names.has(program.name) || ending === "completed") return false
    const { clock } = this.#ports
    const { tries } = trial
    tries.failed("fault")
    if (tries.isExhausted) {
      const { code = codes.Trap, detail } = program.standing
      trial.cancel?.()
      trial.isOver = true
      // Its runtime is in the middle of telling: what ran must not vanish under it.
      trial.cancel = clock.schedule(0, () => {
        this.#goBack(trial, { code, ...(detail === undefined ? {} : { detail }) }, "boot_failure")
      })
      return true
    }
    program.runLater(againMillis * 2 ** (tries.attempts - 1), () => {
      tries.attempt()
      this.#awaitHealth()
    })
    return true
  }

  /** No timer of it runs any more. */
  stop(): void {
    this.#trial?.cancel?.()
  }

  #put(name: string, image: Image, isKept: boolean): Program {
    const program = this.#ports.make(name, image, isKept)
    this.#ports.programs.set(name, program)
    return program
  }

  #try(
    staged: Staged,
    program: Program,
    slot: number | undefined,
    before: Program | undefined,
    wasRunning: boolean
  ): void {
    const { offer, image } = staged
    const isKept = slot !== undefined
    const { trial } = this.#ports.shelf
    const tries = isKept ? trial : new VolatileTries(trial.attemptsMax)
    tries.attempt()
    this.#trial = {
      xfer: offer.xfer,
      names: new Set([program.name]),
      sha256: image.sha256,
      isKept,
      tries,
      slot,
      confirmMillis: confirmMillisOf(image),
      before: before?.isKept === true ? undefined : before,
      wasRunning,
      isOver: false,
      cancel: undefined
    }
  }

  /** From now on it must stay healthy for its time. */
  #awaitHealth(): void {
    const trial = this.#trial
    if (trial === undefined || trial.isOver) return
    trial.cancel?.()
    trial.cancel = this.#ports.clock.schedule(trial.confirmMillis, () => {
      const { programs, tell } = this.#ports
      const hasFailed = [...trial.names].some((name) => programs.get(name)?.standing.state === programStates.failed)
      // One that waits for its next start gets its time from there.
      const state = hasFailed ? undefined : this.confirm()
      if (state !== undefined) tell(state)
      this.#awaitHealth()
    })
  }

  /** What is on trial is over; what was before runs again. */
  #goBack(
    trial: Trial,
    { code, detail }: Pick<Refused, "code"> & Partial<Refused>,
    reason: "manual" | "boot_failure"
  ): Refused | undefined {
    const { programs, shelf } = this.#ports
    const refused = trial.isKept && reason === "manual" ? shelf.rollback(0) : undefined
    if (refused !== undefined) return refused
    const isStuck = trial.isKept && reason === "boot_failure" && !shelf.trial.leave()
    this.#end(trial)
    const running = namesOf(programs, (program) => trial.wasRunning && trial.names.has(program.name))
    for (const name of trial.names) {
      const program = programs.get(name)
      program?.leave({ state: programStates.rolledBack, code, ...(detail === undefined ? {} : { detail }) })
      if (program !== undefined) {
        program.isKept = false
        this.#ports.standsNow(program)
      }
    }
    if (!isStuck) this.#reconcile(running)
    for (const name of trial.names) if (trial.before?.name === name) this.#restore(name, trial.before, trial.wasRunning)
    const state = this.#keepInMind({
      ...this.#stateOf(trial, installedStates.rolledBack),
      code,
      ...(detail === undefined ? {} : { detail })
    })
    if (reason !== "manual") this.#ports.tell(state)
    return undefined
  }

  /** A program that was replaced takes its place again. */
  #restore(name: string, before: Program | undefined, wasRunning: boolean): void {
    const { programs } = this.#ports
    programs.get(name)?.remove()
    if (before === undefined) {
      programs.delete(name)
      return this.#ports.gone(name)
    }
    programs.set(name, before)
    if (before.load() === undefined && wasRunning) before.run()
  }

  /** Brings the programs in line with what is kept; `running` are those that ran and are to run again. */
  #reconcile(running: ReadonlySet<string>): void {
    const { programs, shelf } = this.#ports
    const kept = shelf.programs()
    for (const program of [...programs.values()]) {
      if (!program.isKept || kept.some(({ name }) => name === program.name)) continue
      program.remove()
      programs.delete(program.name)
      this.#ports.gone(program.name)
    }
    for (const { name, image, isStarted } of kept) {
      const known = programs.get(name)
      if (known?.isKept && isSameBytes(known.image.sha256, image.sha256)) continue
      known?.remove()
      const program = this.#put(name, image, true)
      if (program.load() === undefined && (isStarted || running.has(name))) program.run()
    }
  }

  #giveUpAtBoot(): ImageState | undefined {
    const { shelf } = this.#ports
    const failed = shelf.programs().find(({ isNew }) => isNew)
    if (!shelf.trial.leave()) return undefined
    return {
      xfer: 0,
      state: installedStates.rolledBack,
      code: codes.Trap,
      detail: "it did not start",
      generation: shelf.generation,
      ...(failed === undefined || failed.image.sha256.length === 0 ? {} : { sha256: failed.image.sha256 })
    }
  }

  #end(trial: Trial): void {
    trial.cancel?.()
    this.#trial = undefined
  }

  #stateOf({ xfer, sha256, isKept, slot }: Trial, state: number): ImageState {
    return {
      xfer,
      state,
      ...(sha256.length === 0 ? {} : { sha256 }),
      ...(isKept ? { generation: this.#ports.shelf.generation } : {}),
      ...(slot === undefined ? {} : { slot: String(slot) })
    }
  }

  #keepInMind(state: ImageState): ImageState {
    this.#last = state
    return state
  }

  #tell(state: ImageState): void {
    this.#ports.tell(this.#keepInMind(state))
  }
}

const confirmMillisOf = ({ manifest }: Image): number => manifest?.confirm ?? confirmMillisDefault

const namesOf = (programs: ReadonlyMap<string, Program>, isOne: (program: Program) => boolean): ReadonlySet<string> =>
  new Set([...programs.values()].filter(isOne).map(({ name }) => name))

/** A program that was rolled back to nothing is told of, and its name is free. */
const isThere = (program: Program | undefined): boolean =>
  program !== undefined && program.standing.state !== programStates.rolledBack
