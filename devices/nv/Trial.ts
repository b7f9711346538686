/**
 * The trial of what was committed last: how its starts are counted, when they were too many, and the way back. The rule is
 * the same on every board, whoever loads and starts its programs.
 */
import { Result } from "effect"
import type { BootReason } from "./BootRecord.ts"
import type { NvResult, NvStore } from "./NvStore.ts"

/** A rollback that follows another one within so many starts, or as soon as failing allows, is a loop. */
const loopBootsMin = 3

/** The trial in one store. It outlives the boots of the board; this is its view in one of them. */
export class Trial {
  readonly #store: NvStore
  readonly #failuresMax: number | undefined

  /** `failuresMax` in place of what the configuration that rules says. */
  constructor(store: NvStore, failuresMax?: number) {
    this.#store = store
    this.#failuresMax = failuresMax
  }

  /** What rules has not proved itself. */
  get isOn(): boolean {
    return this.#store.isOnTrial
  }

  /** Starts of it, begun and not confirmed. */
  get attempts(): number {
    return this.#store.bootState.failCount
  }

  /** Starts it may have. */
  get attemptsMax(): number {
    return this.#failuresMax ?? this.#store.manifest.bootFailuresMax
  }

  /** It has had all its starts. */
  get isExhausted(): boolean {
    return this.isOn && this.attempts >= this.attemptsMax
  }

  /** Nothing more is tried, until somebody commits, confirms or rolls back. */
  get isStopped(): boolean {
    return this.#store.bootState.stopped
  }

  /** The board went back by itself a moment ago: to leave again would not end. */
  get isLoop(): boolean {
    const { bootCount, rolledBackAt } = this.#store.bootState
    return rolledBackAt !== 0 && bootCount - rolledBackAt <= Math.max(loopBootsMin, this.attemptsMax + 1)
  }

  /**
   * The board starts: that is counted. Answers the number of an attempt that ended with neither word nor confirmation, if the
   * last one did: something took the board down.
   */
  begin(): NvResult<number | undefined> {
    return Result.map(this.#store.countBoot(), () => {
      const { failCount, lastReason, stopped } = this.#store.bootState
      if (stopped || !this.isOn || failCount === 0 || lastReason !== 0) return undefined
      this.#store.noteFailure("watchdog")
      return failCount
    })
  }

  /** A start of it is about to be tried. Said before the first load, so that a load that takes the board down counts. */
  attempt(): NvResult<void> {
    return this.#store.countAttempt()
  }

  /** An attempt failed. */
  failed(reason: BootReason): void {
    this.#store.noteFailure(reason)
  }

  /** Back to what was proven. False where nothing was: then the board stays as it is, and may run none of its programs. */
  leave(): boolean {
    return Result.isSuccess(this.#store.giveUp("boot_failure"))
  }

  /** No more attempts. */
  stop(): void {
    this.#store.stopTrying()
  }
}
