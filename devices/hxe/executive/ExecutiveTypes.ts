/** What the executive is made of, what it is asked, and what it answers. */
import type { CallModeOption } from "../../../src/protocol/hxe/CallMode.ts"
import type { BudgetProfile } from "./BudgetProfile.ts"
import type { ExecutiveEvent } from "./Events.ts"
import type { PlacementCounts } from "./Placement.ts"
import type { ProgramFiles } from "./ProgramFiles.ts"
import type { ProgramHal } from "./ProgramHal.ts"
import type { Registered } from "./Registration.ts"
import type { ImageIdentity, TaskRights } from "./Task.ts"
import type { ValueStore } from "./ValueStore.ts"
import type { RestoreCounts } from "./Values.ts"

/** What a board gives its executive. */
export interface ExecutiveOptions {
  /** The board's clock in milliseconds. It never goes back. */
  readonly now: () => number
  /** Default `desktop`. */
  readonly profile?: BudgetProfile
  /** Told of every fact, in order. Must not call back into the executive. */
  readonly observe?: (event: ExecutiveEvent) => void
  /** Where values outlive a restart; without it they do not. */
  readonly store?: ValueStore
  readonly hal?: ProgramHal
  /** The files of a program, by its name. Without it there are none. */
  readonly files?: (program: string) => ProgramFiles
  /** Bits of `capabilities` the board offers; by default what the other options amount to. */
  readonly capabilities?: number
  /** Most instructions of a command handler; 10 000 unless given. */
  readonly commandBudget?: number
  /** Opens commands that ask for a token. Without it they stay closed. */
  readonly isTokenValid?: (oid: number, token: string) => boolean
}

/** A place for a program that is still coming. */
export interface ReserveRequest {
  readonly label?: string
  /** Where it comes from, in words. */
  readonly source?: string
  /** Process id somebody would like; one that was ever given means the next free one. */
  readonly pidHint?: number
}

/** How an image becomes a task. */
export interface LoadRequest extends ReserveRequest {
  /** The place that was reserved for it. */
  readonly pid?: number
  /** Name instead of the one in the header. */
  readonly name?: string
  readonly callMode?: CallModeOption
  /** Whether it may run at once; true unless given. */
  readonly autostart?: boolean
  /** Tasks that go when the load succeeds, and whose room and names count as free. */
  readonly replaces?: ReadonlyArray<number>
  readonly rights?: Partial<TaskRights>
  readonly identity?: ImageIdentity
}

/** What a load made. */
export interface LoadReply extends Registered {
  readonly pid: number
  /** Name of the instance, and of the program. */
  readonly name: string
  readonly base: string
  readonly callMode: string
  readonly restored: RestoreCounts
}

/** What a step did. */
export interface StepReply {
  /** Turns given; the last return of a task is one. */
  readonly executed: number
  /** Whether something can run at once. */
  readonly isBusy: boolean
  /** Who had the last turn and who has the next one; none for nobody. */
  readonly currentPid: number | undefined
  readonly nextPid: number | undefined
}

/** What is in use. After everything has ended and was removed it is as at the start. */
export interface ExecutiveCounts {
  readonly rows: number
  readonly places: PlacementCounts
  readonly values: number
  readonly commands: number
  readonly stringBytes: number
  readonly mailboxes: number
  readonly handles: number
  readonly timers: number
  readonly watches: number
}
