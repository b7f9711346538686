/** The programs of a board by their names: who goes where, and how they follow what the board keeps. */
import { Result } from "effect"
import { type ImageOffer, imageFlags } from "../../src/protocol/frame/ImageFrames.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import { instanceName } from "../hxe/executive/InstanceName.ts"
import type { Refused } from "../Refused.ts"
import { isSameBytes } from "../SameBytes.ts"
import type { Image, Program } from "./Program.ts"
import { programStates } from "./Runtime.ts"
import type { Kept } from "./Shelf.ts"

/** Where a new program goes, and in whose place. */
export interface Placement {
  readonly name: string
  readonly replaces: Program | undefined
}

/** What the set gets from its board. */
export interface ProgramSetPorts {
  readonly make: (name: string, image: Image, isKept: boolean) => Program
  /** A program is no longer on the board. */
  readonly gone: (name: string) => void
}

/** A program that was rolled back to nothing is told of, and its name is free. */
const isThere = (program: Program | undefined): boolean =>
  program !== undefined && program.standing.state !== programStates.rolledBack

/** All programs of one boot. */
export class ProgramSet {
  readonly #ports: ProgramSetPorts
  readonly #programs = new Map<string, Program>()

  constructor(ports: ProgramSetPorts) {
    this.#ports = ports
  }

  get all(): ReadonlyArray<Program> {
    return [...this.#programs.values()]
  }

  get(name: string): Program | undefined {
    return this.#programs.get(name)
  }

  /** The one that runs under this number. */
  byPid(pid: number): Program | undefined {
    for (const program of this.#programs.values()) if (program.task?.pid === pid) return program
    return undefined
  }

  /**
   * Version of the image of this name, where one is there; "" where nobody knows it. What runs beside another of its name has
   * a name of its own.
   */
  versionOf(name: string): string | undefined {
    for (const program of this.#programs.values()) {
      const { image, name: own } = program
      if (isThere(program) && (image.manifest?.name ?? own) === name) return image.manifest?.version ?? ""
    }
    return undefined
  }

  namesWhere(isOne: (program: Program) => boolean): ReadonlySet<string> {
    return new Set(this.all.filter(isOne).map(({ name }) => name))
  }

  /** Where an image would go; 17 where its name is taken and it may neither replace that program nor run beside it. */
  placeOf({ instance, flags = 0 }: ImageOffer, manifest: Manifest): Placement | Refused {
    const isTaken = (name: string): boolean => isThere(this.#programs.get(name))
    const name = instance ?? manifest.name
    if (!isTaken(name)) return { name, replaces: undefined }
    if ((flags & imageFlags.replace) !== 0) return { name, replaces: this.#programs.get(name) }
    const beside = instanceName(name, isTaken, instance === undefined && manifest.start?.multiple === true)
    return Result.isSuccess(beside) ? { name: beside.success, replaces: undefined } : beside.failure
  }

  /** A program that is not in the set, yet. */
  make(name: string, image: Image, isKept: boolean): Program {
    return this.#ports.make(name, image, isKept)
  }

  /** It has its name from now on. */
  take(program: Program): void {
    this.#programs.set(program.name, program)
  }

  /** Makes a program and takes it. */
  put(name: string, image: Image, isKept: boolean): Program {
    const program = this.make(name, image, isKept)
    this.take(program)
    return program
  }

  /** Takes a program off the board. */
  drop(name: string): void {
    this.#programs.get(name)?.remove()
    this.#programs.delete(name)
    this.#ports.gone(name)
  }

  /** A program that was replaced takes its place again. */
  restore(before: Program, wasRunning: boolean): void {
    this.#programs.get(before.name)?.remove()
    this.take(before)
    if (before.load() === undefined && wasRunning) before.run()
  }

  /** Brings the programs in line with what is kept; `running` are those that ran and are to run again. */
  reconcile(kept: ReadonlyArray<Kept>, running: ReadonlySet<string>): void {
    for (const { isKept, name } of this.all) {
      if (isKept && !kept.some((each) => each.name === name)) this.drop(name)
    }
    for (const { name, image, isStarted } of kept) {
      const known = this.#programs.get(name)
      if (known?.isKept && isSameBytes(known.image.sha256, image.sha256)) continue
      known?.remove()
      const program = this.put(name, image, true)
      if (program.load() === undefined && (isStarted || running.has(name))) program.run()
    }
  }
}
