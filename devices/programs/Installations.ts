/**
 * How images become programs of a board, and how it goes back: a new one takes its place, proves itself for a while, and is
 * confirmed; or it fails too often, and what was before it runs again. A board that restarts goes on where it was.
 */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type ImageOffer, imageFlags } from "../../src/protocol/frame/ImageFrames.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ImageState } from "../agent/Programs.ts"
import type { Refused } from "../Refused.ts"
import type { Admitted } from "./ImageChecks.ts"
import type { Image, Program } from "./Program.ts"
import type { ProgramSet } from "./ProgramSet.ts"
import { type ProgramTrial, stateOf, trialOf, trialOfKept } from "./ProgramTrial.ts"
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
  readonly programs: ProgramSet
  /** How a program stands at this moment must be told before it stands otherwise. */
  readonly standsNow: (program: Program) => void
  /** An image stands elsewhere, unasked. */
  readonly tell: (state: ImageState) => void
}

/** The installations of one boot. */
export class Installations {
  readonly #ports: InstallationPorts
  #trial: ProgramTrial | undefined
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
    if (shelf.trial.isOn && !isSafe) {
      shelf.trial.attempt()
      this.#trial = trialOfKept(onTrial, shelf)
    }
    if (given !== undefined) this.#tell(given)
    else if (!isSafe) this.#tellKept(kept)
    for (const { name, image, isStarted } of kept) {
      const program = this.#ports.programs.put(name, image, true)
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

  /** Makes a verified image a program of the board. State 3 means that nothing was tried; 4 that what was before still is. */
  install(staged: Staged): ImageState {
    const { offer, image, isSigned } = staged
    const { xfer, flags = 0 } = offer
    const failed = (refused: Refused): ImageState =>
      this.#keepInMind({ xfer, state: installedStates.failed, ...refused })
    const { programs, shelf } = this.#ports
    if (this.isOnTrial) return { xfer, state: installedStates.ready, code: codes.EBUSY, detail: "trial" }
    const placement = programs.placeOf(offer, staged.manifest)
    if ("code" in placement) return failed(placement)
    const { name, replaces } = placement
    const isKept = (flags & imageFlags.persist) !== 0
    const isStarted = (flags & imageFlags.autostart) !== 0
    const kept = isKept
      ? shelf.keep({ name, image, travelled: offer.manifest, isSigned, isStarted })
      : Result.succeed(undefined)
    if (Result.isFailure(kept)) return failed(kept.failure)
    const wasRunning = replaces?.isMeantToRun ?? false
    const program = programs.make(name, image, isKept)
    const refused = program.load(replaces?.task)
    if (refused !== undefined) {
      program.remove()
      if (isKept) shelf.takeBack()
      return failed(refused)
    }
    replaces?.remove()
    programs.take(program)
    const mayGoBack = (flags & imageFlags.keepOld) !== 0
    const place = {
      ...(kept.success === undefined ? {} : { generation: kept.success.generation, slot: String(kept.success.slot) })
    }
    if (mayGoBack) {
      const slot = kept.success?.slot
      this.#trial = trialOf({ xfer, program, slot, replaced: replaces, wasRunning }, shelf)
      this.#trial.tries.attempt()
    } else if (isKept) shelf.confirm()
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
    const running = programs.namesWhere((program) => program.isMeantToRun)
    const refused = shelf.rollback(generation)
    if (refused !== undefined) return { xfer: 0, state: 0, ...refused }
    if (trial !== undefined) this.#end(trial)
    programs.reconcile(shelf.programs(), running)
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
    this.#ports.programs.drop(program.name)
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
    trial: ProgramTrial,
    { code, detail }: Pick<Refused, "code"> & Partial<Refused>,
    reason: "manual" | "boot_failure"
  ): Refused | undefined {
    const { programs, shelf } = this.#ports
    const refused = trial.isKept && reason === "manual" ? shelf.rollback(0) : undefined
    if (refused !== undefined) return refused
    const isStuck = trial.isKept && reason === "boot_failure" && !shelf.trial.leave()
    this.#end(trial)
    const running = programs.namesWhere(({ name }) => trial.wasRunning && trial.names.has(name))
    for (const name of trial.names) {
      const program = programs.get(name)
      program?.leave({ state: programStates.rolledBack, code, ...(detail === undefined ? {} : { detail }) })
      if (program !== undefined) {
        program.isKept = false
        this.#ports.standsNow(program)
      }
    }
    if (!isStuck) programs.reconcile(shelf.programs(), running)
    if (trial.before !== undefined) programs.restore(trial.before, trial.wasRunning)
    const state = this.#keepInMind({
      ...this.#stateOf(trial, installedStates.rolledBack),
      code,
      ...(detail === undefined ? {} : { detail })
    })
    if (reason !== "manual") this.#ports.tell(state)
    return undefined
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

  #end(trial: ProgramTrial): void {
    trial.cancel?.()
    this.#trial = undefined
  }

  #stateOf(trial: ProgramTrial, state: number): ImageState {
    return stateOf(trial, state, this.#ports.shelf.generation)
  }

  #keepInMind(state: ImageState): ImageState {
    this.#last = state
    return state
  }

  #tell(state: ImageState): void {
    this.#ports.tell(this.#keepInMind(state))
  }
}
