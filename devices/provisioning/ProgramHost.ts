/** What the provisioning service needs of whoever runs programs on this board. */
import type { Result } from "effect"
import type { HxeHeader, HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../Refused.ts"
import type { Source } from "./Source.ts"

/** What is known of a program before its first byte. */
export interface Reservation {
  readonly label: string | undefined
  readonly source: Source
  /** A pid somebody would like; taken means the next free one. */
  readonly pidHint: number | undefined
  /** The transfer replaces a running program of the same name. */
  readonly replaces: boolean
}

/** How a verified image becomes a program. */
export interface Registration {
  readonly source: Source
  readonly label: string | undefined
  /** Bytes of the whole file, unstripped. */
  readonly bytes: number
  readonly fileCrc32: number
  readonly autostart: boolean
  /** Programs that it replaces. */
  readonly replaces: ReadonlyArray<number>
}

/** What became of the persisted values a program declares. */
export interface RestoredValues {
  readonly restored: number
  readonly defaulted: number
  readonly stale: number
  readonly reset: number
}

/** A program that is on the board. */
export interface RegisteredProgram {
  /** The name of this instance, e.g. `motor_#0`. */
  readonly appInstance: string
  readonly values: number
  readonly commands: number
  readonly mailboxes: number
  readonly callMode: string
  readonly warnings: ReadonlyArray<string>
  /** None where no value is persisted. */
  readonly restored: RestoredValues | undefined
}

/**
 * The seam to the executive. All calls are synchronous but `prepare`; none throws. A pid that was reserved is never given
 * again.
 */
export interface ProgramHost {
  /** A pid, listed as loading and never scheduled. ENOSPC when there is no pid, window or stack left. */
  readonly reserve: (request: Reservation) => Result.Result<number, Refused>
  /**
   * Capabilities and budgets by the header alone; with a pid also sets that much aside, so that nothing loaded in between
   * takes it. ENOTSUP `caps:…`, ENOSPC `budget:…`.
   */
  readonly admit: (pid: number | undefined, header: HxeHeader, replaces: boolean) => Refused | undefined
  /** Whether the name is free, or the image may run more than once. EEXIST `app_exists:…`. */
  readonly checkName: (header: HxeHeader, replaces: boolean) => Refused | undefined
  /** Capabilities and budgets again, with all that the sections and the manifest ask for. */
  readonly checkImage: (pid: number | undefined, image: HxeImage, replaces: boolean) => Refused | undefined
  /**
   * Work that takes time before registration, such as compiling ahead; absent where there is none. `ready` is called once, maybe
   * before this returns. The service stops waiting when the transfer is aborted or runs out of time.
   */
  readonly prepare?: (pid: number, image: HxeImage, ready: (refused: Refused | undefined) => void) => void
  /**
   * Values, commands, mailboxes, persisted values, memory, task: all of it or none. What it replaces is ended, best only when
   * everything else has succeeded: what a host had to end before and a refusal are followed by loading the old image again.
   * After a refusal the pid is still reserved.
   */
  readonly register: (
    pid: number,
    image: HxeImage,
    registration: Registration
  ) => Result.Result<RegisteredProgram, Refused>
  /** Frees all that is reserved for a pid whose program was never registered. */
  readonly release: (pid: number) => void
  /** Ends a program and frees all it had. */
  readonly kill: (pid: number) => void
  /** Pids of the programs of this base name that are on the board. */
  readonly instancesOf: (appName: string) => ReadonlyArray<number>
  /** Whether a debugger holds it. */
  readonly isLocked: (pid: number) => boolean
  /** Whether the program is still on the board. */
  readonly isAlive: (pid: number) => boolean
}
