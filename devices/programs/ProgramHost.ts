/** The programs of one boot of a board, as the link sees them: images come in, programs run, values and mail go both ways. */
import { codes } from "../../src/protocol/Codes.ts"
import type { Chunk, ImageOffer, ImageOp } from "../../src/protocol/frame/ImageFrames.ts"
import {
  type MailSend,
  type MailTap,
  type ProgramCtl,
  programOps,
  type ValueGet,
  type ValueSet,
  type ValueWatch
} from "../../src/protocol/frame/ProgramFrames.ts"
import { type ImageKind, imageKinds } from "../../src/protocol/image/ImageKind.ts"
import type { Command, Execution, Outcome } from "../agent/Application.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ProgramStatusLetter } from "../agent/Letter.ts"
import type { ImageState, Programs, ProgramVoice, Reply } from "../agent/Programs.ts"
import type { BoardFiles } from "../hal/BoardFiles.ts"
import type { Refused } from "../Refused.ts"
import type { BoardTrust } from "./ImageChecks.ts"
import { ImageDesk } from "./ImageDesk.ts"
import { Installations } from "./Installations.ts"
import { type Image, Program } from "./Program.ts"
import { ProgramNews } from "./ProgramNews.ts"
import { ProgramSet } from "./ProgramSet.ts"
import { programStates, type Runtime, type RuntimeEvents } from "./Runtime.ts"
import type { Shelf } from "./Shelf.ts"
import { sweep, sweepCommand } from "./Sweep.ts"
import { isEmptyMap, TaskAccess } from "./TaskAccess.ts"
import { Turns } from "./Turns.ts"

/** How a board takes programs. */
export interface ProgramHostOptions {
  readonly voice: ProgramVoice
  readonly clock: Clock
  readonly shelf: Shelf
  /** What runs them, one for each kind the board takes. */
  readonly runtimes: (events: RuntimeEvents) => ReadonlyArray<Runtime>
  readonly profile: string
  readonly trust: BoardTrust
  readonly imageBytesMax: number
  readonly chunkBytesMax: number
  readonly windowMax: number
  /** Their files; absent where they have none. */
  readonly files?: BoardFiles
  /** What programs may be given, by name. */
  readonly capabilities: ReadonlyArray<string>
}

/** The programs of a board. */
export class ProgramHost implements Programs {
  readonly kinds: ReadonlyArray<number>
  readonly commands: ReadonlySet<string> = new Set([sweepCommand])
  readonly #options: ProgramHostOptions
  readonly #clock: Clock
  readonly #runtimes: ReadonlyArray<Runtime>
  readonly #desk: ImageDesk
  readonly #installations: Installations
  readonly #turns: Turns
  readonly #programs: ProgramSet
  readonly #access: TaskAccess
  readonly #news: ProgramNews

  constructor(options: ProgramHostOptions) {
    const { clock, voice } = options
    this.#options = options
    this.#clock = clock
    this.#runtimes = options.runtimes({
      stands: (pid) => this.#programs.byPid(pid)?.stands(),
      printed: (pid, stream, bytes) => {
        const program = this.#programs.byPid(pid)
        if (program !== undefined) this.#news.printed(program, stream, bytes)
      },
      valueChanged: (pid, oid, value) => {
        const program = this.#programs.byPid(pid)
        if (program !== undefined) this.#access.changed(program.name, oid, value)
      }
    })
    this.kinds = this.#runtimes.map(({ kind }) => imageKinds[kind])
    const tell = (state: ImageState): void => voice.letter({ type: "image-status", ...state })
    this.#programs = new ProgramSet({
      make: (name, image, isKept) => this.#make(name, image, isKept),
      gone: (name) => {
        this.#access.forget(name)
        this.#news.gone(name)
      }
    })
    this.#news = new ProgramNews({ clock, voice, programs: this.#programs })
    this.#installations = new Installations({
      clock,
      shelf: options.shelf,
      programs: this.#programs,
      standsNow: (program) => this.#news.standsNow(program),
      tell: (state) => {
        tell(this.#desk.settled(state))
        this.#turns.look()
      }
    })
    this.#desk = new ImageDesk({
      clock,
      chunkBytesMax: options.chunkBytesMax,
      windowMax: options.windowMax,
      rules: {
        profile: options.profile,
        trust: options.trust,
        kinds: this.#runtimes.map(({ kind }) => kind),
        imageBytesMax: options.imageBytesMax,
        capabilities: options.capabilities,
        versionOf: (name) => this.#programs.versionOf(name),
        acceptedSecver: (kind, name) => options.shelf.floor(kind, name)
      },
      shelf: options.shelf,
      programs: this.#programs,
      installations: this.#installations,
      runtimeOf: (kind) => this.#runtimes.find((runtime) => runtime.kind === kind),
      acknowledge: voice.acknowledge,
      declined: (xfer, refused) => this.#news.declined(xfer, refused),
      tell
    })
    this.#turns = new Turns(clock, {
      step: (instructions) => {
        for (const runtime of this.#runtimes) runtime.step(instructions)
      },
      nextDue: () => soonest(this.#runtimes)
    })
    this.#access = new TaskAccess({ clock, voice, programs: this.#programs, shared: this.#runtimes[0] })
  }

  start(): void {
    this.#installations.boot()
    this.#turns.look()
  }

  stop(orderly: boolean): void {
    if (orderly) {
      for (const runtime of this.#runtimes) runtime.flush()
      this.#options.shelf.flush()
    }
    this.#turns.stop()
    this.#desk.intake.stop()
    this.#installations.stop()
    this.#access.stop()
    this.#options.shelf.stop()
    this.#news.stop()
    for (const program of this.#programs.all) program.halt()
  }

  offer(frame: ImageOffer): void {
    this.#desk.intake.offer(frame)
  }

  chunk(frame: Chunk): void {
    this.#desk.intake.chunk(frame)
  }

  operate(frame: ImageOp): ImageState {
    const state = this.#desk.operate(frame)
    this.#turns.look()
    return state
  }

  control(frame: ProgramCtl): Reply {
    const reply = this.#control(frame)
    this.#turns.look()
    return reply
  }

  getValues(frame: ValueGet): Reply {
    return this.#access.getValues(frame)
  }

  setValue(frame: ValueSet): Reply {
    const reply = this.#access.setValue(frame)
    this.#turns.look()
    return reply
  }

  watchValue(frame: ValueWatch): Reply {
    return this.#access.watchValue(frame)
  }

  sendMail(frame: MailSend): Reply {
    const reply = this.#access.sendMail(frame)
    this.#turns.look()
    return reply
  }

  tapMail(frame: MailTap): Reply {
    return this.#access.tapMail(frame)
  }

  execute(command: Command, execution: Execution): undefined {
    execution.finish(command.program === undefined ? this.#sweep() : this.#access.call(command))
    this.#turns.look()
    return undefined
  }

  imageStates(): ReadonlyArray<ImageState> {
    return this.#desk.states()
  }

  programStatus(): ProgramStatusLetter {
    return {
      type: "program-status",
      programs: this.#programs.all.map(({ entry }) => entry),
      all: true,
      at: Math.floor(this.#clock.board())
    }
  }

  #sweep(): Outcome {
    // What is left may yet be gone back to, with its values.
    if (this.#installations.isOnTrial) return { code: codes.EBUSY, detail: "trial" }
    const { shelf, files } = this.#options
    const runtimeOf = (kind: ImageKind) => this.#runtimes.find((runtime) => runtime.kind === kind)
    return sweep({ programs: this.#programs.all, runtimeOf, shelf, files })
  }

  #make(name: string, image: Image, isKept: boolean): Program {
    const runtime = this.#runtimes.find(({ kind }) => kind === image.kind)
    return new Program(name, image, isKept, {
      clock: this.#clock,
      runtime,
      changed: (program) => this.#changed(program),
      ended: (program, ending) => this.#installations.ended(program, ending)
    })
  }

  #control({ op, program: name, args }: ProgramCtl): Reply {
    if (op === programOps.list) {
      this.#options.voice.letter(this.programStatus())
      return { code: codes.ok }
    }
    if (op === programOps.eval) return { code: codes.ENOTSUP, detail: "nothing here evaluates text" }
    if (name === undefined) return { code: codes.EINVAL, detail: "which program" }
    const program = this.#programs.get(name)
    if (program === undefined) return { code: codes.ESRCH, detail: `no program ${name}` }
    if (args !== undefined && !isEmptyMap(args))
      return { code: codes.ENOTSUP, detail: "programs here take no arguments" }
    if (op === programOps.describe) return describe(program)
    return this.#order(op, program) ?? { code: codes.ok }
  }

  #order(op: number, program: Program): Refused | undefined {
    switch (op) {
      case programOps.start:
        return program.start()
      case programOps.stop:
      case programOps.kill:
        return program.stop()
      case programOps.pause:
        return program.isRunning ? program.task?.pause() : notRunning
      case programOps.resume:
        return program.standing.state === programStates.paused ? program.task?.resume() : notPaused
      case programOps.restart:
        program.stop()
        return program.start()
      case programOps.remove:
        return this.#installations.remove(program)
      default:
        return { code: codes.EINVAL, detail: `op ${op}` }
    }
  }

  #changed(program: Program): void {
    if (program.standing.state === programStates.ready) this.#access.loaded(program)
    this.#news.changed(program)
    this.#turns.look()
  }
}

/** What a program offers, while it is loaded. */
const describe = ({ name, task }: Program): Reply => {
  if (task === undefined) return { code: codes.EBUSY, detail: `${name} is not loaded` }
  const offers = task.offers?.()
  return offers === undefined
    ? { code: codes.ENOTSUP, detail: `${name} does not say` }
    : { code: codes.ok, value: offers }
}

const notRunning: Refused = { code: codes.EBUSY, detail: "it does not run" }
const notPaused: Refused = { code: codes.EBUSY, detail: "it is not paused" }

const soonest = (runtimes: ReadonlyArray<Runtime>): number | undefined => {
  let due: number | undefined
  for (const runtime of runtimes) {
    const next = runtime.nextDue()
    if (next !== undefined && (due === undefined || next < due)) due = next
  }
  return due
}
