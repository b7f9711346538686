/** What one boot of a board knows of the programs that have to prove themselves. */
import type { ImageState } from "../agent/Programs.ts"
import type { Image, Program } from "./Program.ts"
import type { Kept, Shelf } from "./Shelf.ts"
import { type Tries, VolatileTries } from "./VolatileTries.ts"

/** How long a program must stay healthy before it is confirmed, ms, where its manifest says nothing. */
const confirmMillisDefault = 30_000

const confirmMillisOf = ({ manifest }: Image): number => manifest?.confirm ?? confirmMillisDefault

/** Programs that have to prove themselves. */
export interface ProgramTrial {
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

/** A trial that goes on after a restart of the board. */
export const trialOfKept = (onTrial: ReadonlyArray<Kept>, shelf: Shelf): ProgramTrial => ({
  xfer: 0,
  names: new Set(onTrial.map(({ name }) => name)),
  sha256: onTrial[0]?.image.sha256 ?? new Uint8Array(0),
  isKept: true,
  tries: shelf.trial,
  slot: undefined,
  confirmMillis: Math.max(...onTrial.map(({ image }) => confirmMillisOf(image)), 0),
  before: undefined,
  wasRunning: false,
  isOver: false,
  cancel: undefined
})

/** A program that was just installed, and what it replaced. */
export interface Installed {
  readonly xfer: number
  readonly program: Program
  /** Where it is kept; none where it is not. */
  readonly slot: number | undefined
  readonly replaced: Program | undefined
  readonly wasRunning: boolean
}

/** The trial of a program that was just installed. */
export const trialOf = ({ xfer, program, slot, replaced, wasRunning }: Installed, shelf: Shelf): ProgramTrial => ({
  xfer,
  names: new Set([program.name]),
  sha256: program.image.sha256,
  isKept: program.isKept,
  tries: program.isKept ? shelf.trial : new VolatileTries(shelf.trial.attemptsMax),
  slot,
  confirmMillis: confirmMillisOf(program.image),
  before: replaced?.isKept === true ? undefined : replaced,
  wasRunning,
  isOver: false,
  cancel: undefined
})

/** Where it stands, in the words of the link. */
export const stateOf = (
  { xfer, sha256, isKept, slot }: ProgramTrial,
  state: number,
  generation: number
): ImageState => ({
  xfer,
  state,
  ...(sha256.length === 0 ? {} : { sha256 }),
  ...(isKept ? { generation } : {}),
  ...(slot === undefined ? {} : { slot: String(slot) })
})
