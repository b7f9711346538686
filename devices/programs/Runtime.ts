/**
 * What runs programs of one kind on a board: the seam between the programs of the link and a machine. A runtime waits for
 * nothing and has no time of its own; it is stepped, and says when it must be stepped again.
 */
import type { Result } from "effect"
import type { ValueId } from "../../src/protocol/frame/ProgramFrames.ts"
import type { ImageKind } from "../../src/protocol/image/ImageKind.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import type { Outcome } from "../agent/Application.ts"
import type { Refused } from "../Refused.ts"
import type { ImageSink } from "./ImageIntake.ts"
import type { Stepped } from "./Turns.ts"

/** Numbers of a program's states, as the link names them. */
export const programStates = {
  absent: 0,
  loading: 1,
  ready: 2,
  starting: 3,
  running: 4,
  waiting: 5,
  paused: 6,
  stopped: 7,
  completed: 8,
  failed: 9,
  rolledBack: 10
} as const

/** How a program is put on the board. */
export interface Wanted {
  /** The name it runs under. */
  readonly name: string
  /** None for what came to the board without one. */
  readonly manifest: Manifest | undefined
  /** It takes the place of this one, which is still there. */
  readonly replaces?: Task
}

/** Where a program stands by itself: running, waiting, paused, completed or failed. */
export interface Standing {
  /** A number of `programStates`. */
  readonly state: number
  /** What it ended with. */
  readonly exit?: number
  /** Why it failed. */
  readonly code?: number
  readonly detail?: string
}

/** One value of a program. */
export interface TaskValue {
  readonly oid: number
  readonly name: string | undefined
}

/** Takes a message of a tapped mailbox. */
export interface TappedMail {
  readonly data: Uint8Array
  readonly flags: number
  readonly channel: number
  readonly sourcePid: number
}

/** Mailboxes of one program, or those that belong to none. */
export interface Mailboxes {
  /** Answers the bytes taken. */
  readonly send: (target: string, data: Uint8Array, channel: number) => Result.Result<number, Refused>
  /** Copies what passes through a mailbox, at most so many messages a second. The answer ends it. */
  readonly tap: (
    target: string,
    rate: number | undefined,
    take: (mail: TappedMail) => void
  ) => Result.Result<() => void, Refused>
}

/** One program on the board. */
export interface Task extends Mailboxes {
  readonly pid: number
  readonly standing: () => Standing
  /** Lets it run, for the first time. */
  readonly start: () => void
  readonly pause: () => Refused | undefined
  readonly resume: () => Refused | undefined
  /** Ends it and frees all it had. */
  readonly remove: () => void
  /** Bytes of memory it holds. */
  readonly memoryBytes: number
  readonly values: () => ReadonlyArray<TaskValue>
  /** By number, by name, or by `group:id`. */
  readonly valueOf: (id: ValueId) => TaskValue | undefined
  readonly read: (oid: number) => Result.Result<number, Refused>
  /** `level` is the authorisation of who asks, 0 to 3. */
  readonly write: (oid: number, value: number, level: number) => Refused | undefined
  /** Runs a command by name or by `group:id`, to its end. */
  readonly command: (name: string) => Outcome
  /** What it offers to others, as the link tells it; absent where programs of its kind do not say. */
  readonly offers?: () => TwinMap
}

/** What a runtime tells its board. Called between and during steps, never twice for one fact. */
export interface RuntimeEvents {
  /** A program may stand elsewhere than before. */
  readonly stands: (pid: number) => void
  readonly printed: (pid: number, stream: "out" | "error", bytes: Uint8Array) => void
  readonly valueChanged: (pid: number, oid: number, value: number) => void
}

/** Runs programs of one kind. */
export interface Runtime extends Stepped, Mailboxes {
  readonly kind: ImageKind
  /** Refuses an image before a byte of it has come, or looks at it while it comes. */
  readonly admit: (wanted: Wanted & { readonly manifest: Manifest }) => ImageSink | Refused
  /** The kind's own checks of a whole image. */
  readonly check: (bytes: Uint8Array, wanted: Wanted) => Refused | undefined
  /** Puts a program on the board: all of it, and what it replaces is gone; or nothing. It does not run yet. */
  readonly load: (bytes: Uint8Array, wanted: Wanted) => Result.Result<Task, Refused>
  /**
   * Keys under which a program of such an image keeps values; absent where programs of this kind keep none. `task` is the
   * program while it is loaded: it may have made others.
   */
  readonly keysOf?: (bytes: Uint8Array, wanted: Wanted, task?: Task) => Result.Result<ReadonlyArray<number>, Refused>
  /** Saves what is to outlive the board's power, while there is time. */
  readonly flush: () => void
}
