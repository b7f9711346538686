/** What the provisioning service needs of whoever keeps images over a restart. */
import type { Result } from "effect"
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../Refused.ts"
import type { Source } from "./Source.ts"

/** Where an image is kept. */
export type PersistTarget = "FLASH" | "FRAM" | "FILE"

/** A program to keep: the file as it came, unstripped. */
export interface KeptProgram {
  readonly bytes: Uint8Array
  readonly image: HxeImage
  readonly source: Source
  readonly pid: number
  readonly autostart: boolean
}

/** Where and as what it was kept. */
export interface Kept {
  readonly slot: number
  readonly generation: number
  readonly imageCrc32: number
  readonly bytes: number
}

/** An older generation that rules again. */
export interface RolledBackTo {
  readonly fromGeneration: number
  readonly toGeneration: number
  readonly slot: number
  /** Names of the programs that the generation left behind had, or that this one has. */
  readonly concerned: ReadonlyArray<string>
  /** What the generation that rules now has of these, to be loaded as a start of the board would. */
  readonly programs: ReadonlyArray<{
    readonly appName: string
    readonly slot: number
    readonly bytes: Uint8Array
    readonly autostart: boolean
  }>
}

/** The seam to the non-volatile memory. Durable when a call returns. Commits are made one after another. */
export interface ImageKeeper {
  /** ENOSPC when no slot is left, EIO when what was written does not read back. */
  readonly persist: (program: KeptProgram, target: PersistTarget) => Result.Result<Kept, Refused>
  /** Confirms the generation that is on trial. */
  readonly activate: (pid: number) => Result.Result<void, Refused>
  /** The previous generation, or this one. ENOENT when it is not complete any more. */
  readonly rollback: (generation: number | undefined) => Result.Result<RolledBackTo, Refused>
}
