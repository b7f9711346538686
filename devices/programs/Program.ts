/** The course of one program on its board: loaded, started, ended, started again by its rule, stopped by somebody. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { ProgramEntry } from "../../src/protocol/frame/ProgramFrames.ts"
import { type ImageKind, imageKinds } from "../../src/protocol/image/ImageKind.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import type { Clock } from "../agent/Clock.ts"
import type { Refused } from "../Refused.ts"
import { type Ending, Restarts } from "./Restarts.ts"
import { programStates, type Runtime, type Standing, type Task } from "./Runtime.ts"

/** An image as a board holds it. */
export interface Image {
  readonly kind: ImageKind
  readonly bytes: Uint8Array
  readonly sha256: Uint8Array
  /** What came with it; none for what came another way. */
  readonly manifest: Manifest | undefined
}

/** What a program gets from its board. */
export interface ProgramPorts {
  readonly clock: Clock
  /** None where the board runs no programs of this kind. */
  readonly runtime: Runtime | undefined
  /** It may stand elsewhere than before. */
  readonly changed: (program: Program) => void
  /** It ended by itself. True when somebody else decides what follows; else its own rule does. */
  readonly ended: (program: Program, ending: Ending) => boolean
}

/** A change between running and waiting is told once it has lasted this long, ms: some programs make hundreds a second. */
const restlessMillis = 1000

const isRestless = (state: number): boolean => state === programStates.running || state === programStates.waiting

/** One program. */
export class Program {
  readonly name: string
  readonly image: Image
  /** Its image outlives a restart of the board. */
  isKept: boolean
  readonly #ports: ProgramPorts
  readonly #restarts: Restarts
  #task: Task | undefined
  #isStarted = false
  /** Where it stands while no task says so. */
  #resting: Standing = { state: programStates.absent }
  #startedAt = 0
  #shown: number = programStates.absent
  #seen: number = programStates.absent
  #seenAt = 0
  #cancelRest: (() => void) | undefined
  #cancelStart: (() => void) | undefined
  #cancelTime: (() => void) | undefined

  constructor(name: string, image: Image, isKept: boolean, ports: ProgramPorts) {
    this.name = name
    this.image = image
    this.isKept = isKept
    this.#ports = ports
    this.#restarts = new Restarts(image.manifest?.restart)
  }

  /** What it is on the board, while it is loaded. */
  get task(): Task | undefined {
    return this.#task
  }

  /** It has been started and has not ended. */
  get isRunning(): boolean {
    const { state } = this.standing
    return state >= programStates.starting && state <= programStates.paused
  }

  /** It runs, or will again by itself. */
  get isMeantToRun(): boolean {
    return this.isRunning || this.#cancelStart !== undefined
  }

  get standing(): Standing {
    if (this.#task === undefined || !this.#isStarted) return this.#resting
    return this.#task.standing()
  }

  /** As it is told; restless changes only once they have lasted. */
  get entry(): ProgramEntry {
    const { state, exit, code, detail } = this.standing
    const { kind, sha256, manifest } = this.image
    const task = this.#task
    return {
      name: this.name,
      state,
      kind: imageKinds[kind],
      ...(sha256.length === 0 ? {} : { sha256 }),
      restarts: this.#restarts.total,
      ...(manifest === undefined ? {} : { version: manifest.version }),
      ...(exit === undefined ? {} : { exit }),
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail }),
      ...(task === undefined ? {} : { mem: task.memoryBytes, pid: task.pid }),
      ...(this.isRunning ? { up: Math.max(0, Math.floor(this.#ports.clock.board() - this.#startedAt)) } : {})
    }
  }

  /** Puts it on the board without running it. */
  load(replaces?: Task): Refused | undefined {
    this.#unload()
    const { runtime } = this.#ports
    if (runtime === undefined) {
      const refused: Refused = { code: codes.ENOTSUP, detail: `kind:${this.image.kind}` }
      this.#rest({ state: programStates.failed, ...refused })
      return refused
    }
    const loaded = runtime.load(this.image.bytes, {
      name: this.name,
      manifest: this.image.manifest,
      ...(replaces === undefined ? {} : { replaces })
    })
    if (Result.isFailure(loaded)) {
      this.#rest({ state: programStates.failed, ...loaded.failure })
      return loaded.failure
    }
    this.#task = loaded.success
    this.#rest({ state: programStates.ready })
    return undefined
  }

  /** Somebody starts it. 16 while it runs. */
  start(): Refused | undefined {
    if (this.isRunning) return { code: codes.EBUSY, detail: "it runs" }
    this.#restarts.reset()
    return this.run()
  }

  /** Runs it from its beginning. */
  run(): Refused | undefined {
    this.#cancelStart?.()
    this.#cancelStart = undefined
    if (this.#task === undefined || this.#isStarted) {
      const refused = this.load()
      if (refused !== undefined) return refused
    }
    this.#isStarted = true
    this.#startedAt = this.#ports.clock.board()
    this.#task?.start()
    const time = this.image.manifest?.limits?.time ?? 0
    if (time > 0) this.#cancelTime = this.#ports.clock.schedule(time, () => this.#timeOver())
    this.stands()
    return undefined
  }

  /** Runs it again after a while, unless somebody stops it; `before` hears when. */
  runLater(delayMillis: number, before?: () => void): void {
    this.#cancelStart?.()
    this.#cancelStart = this.#ports.clock.schedule(delayMillis, () => {
      this.#cancelStart = undefined
      before?.()
      // A start that fails is an end like any other.
      if (this.run() !== undefined) this.#afterEnd("failed")
    })
  }

  /** Somebody ends it; it stays on the board. */
  stop(): undefined {
    if (!this.isMeantToRun) return
    this.#unload()
    this.#rest({ state: programStates.stopped })
  }

  /** Where it stands from now on without being there: failed, or rolled back. */
  leave(standing: Standing): void {
    this.#unload()
    this.#rest(standing)
  }

  /** It goes from the board, and says no more. */
  remove(): void {
    this.#unload()
    this.#cancelRest?.()
    this.#cancelRest = undefined
  }

  /** The board stops: no timer of it runs any more. */
  halt(): void {
    for (const cancel of [this.#cancelRest, this.#cancelStart, this.#cancelTime]) cancel?.()
  }

  /** Its runtime says that it may stand elsewhere. */
  stands(): void {
    const { state } = this.standing
    if (this.#isStarted && (state === programStates.completed || state === programStates.failed)) {
      if (this.#seen !== state) this.#end(state === programStates.completed ? "completed" : "failed")
      return
    }
    this.#look()
  }

  #end(ending: Ending): void {
    this.#cancelTime?.()
    this.#look()
    this.#afterEnd(ending)
  }

  #afterEnd(ending: Ending): void {
    if (this.#ports.ended(this, ending)) return
    const delay = this.#restarts.ended(this.#ports.clock.board(), ending)
    if (delay !== undefined) this.runLater(delay)
  }

  #timeOver(): void {
    if (!this.isRunning) return
    this.leave({ state: programStates.failed, code: codes.OutOfFuel, detail: "its run time is over" })
    this.#afterEnd("failed")
  }

  #unload(): void {
    this.#cancelStart?.()
    this.#cancelStart = undefined
    this.#cancelTime?.()
    this.#cancelTime = undefined
    this.#isStarted = false
    this.#task?.remove()
    this.#task = undefined
  }

  #rest(standing: Standing): void {
    this.#resting = standing
    this.#look()
  }

  /** Tells a change, a restless one when it has lasted. */
  #look(): void {
    const { state } = this.standing
    const { clock, changed } = this.#ports
    if (state !== this.#seen) {
      this.#seen = state
      this.#seenAt = clock.board()
    }
    if (state === this.#shown) return
    if (!isRestless(state) || !isRestless(this.#shown)) {
      this.#shown = state
      return changed(this)
    }
    this.#cancelRest ??= clock.schedule(restlessMillis, () => {
      this.#cancelRest = undefined
      if (this.standing.state === this.#shown) return
      if (clock.board() < this.#seenAt + restlessMillis) return this.#look()
      this.#shown = this.standing.state
      changed(this)
    })
  }
}
