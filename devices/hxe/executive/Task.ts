/** A task: a program while it is on the board, from the reservation of its place to its removal. */
import type { Machine } from "../machine/Machine.ts"
import type { Place } from "./Placement.ts"
import type { TaskState } from "./TaskState.ts"

/** What a parked task waits for. Deadlines are on the board's clock in milliseconds; none never comes. */
export type Wait =
  | { readonly kind: "sleep"; readonly millis: number; readonly deadline: number }
  | {
      readonly kind: "mailbox"
      readonly mailbox: number
      readonly handle: number
      readonly timeout: number
      readonly deadline: number | undefined
      readonly target: ReceiveTarget
    }

/** Where a received message goes in the program's memory. */
export interface ReceiveTarget {
  readonly buffer: number
  readonly bytesMax: number
  /** Address of the block that tells of the message; 0 for none. */
  readonly info: number
}

/** What is known of the image beside its code. */
export interface ImageIdentity {
  readonly sha256?: Uint8Array
  readonly version?: string
  readonly crc32?: number
  readonly generation?: number
}

/** A file a program has open. */
export interface OpenFile {
  readonly path: string
  position: number
}

/** A call of one of its own commands that the program goes on without. */
export interface PendingCall {
  readonly oid: number
  readonly handle: number
}

/** Why and how a task ended. */
export interface TaskEnd {
  /** What R0 held at the end, or the error word of a fault; none when it was killed. */
  readonly status: number | undefined
  /** A number of the code table; 0 for a good end. */
  readonly code: number
  readonly detail: string
}

/** Number of instructions and bytes, and rights, with which a program runs. */
export interface TaskRights {
  /** Instructions of one turn. */
  readonly quantum: number
  /** Kept and shown, without effect. */
  readonly priority: number
  /** Instructions of its whole life; none for no limit. */
  readonly stepsMax: number | undefined
  /** Level at which it may load and abort other programs. */
  readonly level: number
  /** Capabilities it may use; none for all. */
  readonly grants: ReadonlySet<string> | undefined
}

/** The rights of a program whose loader says nothing. */
export const defaultRights: TaskRights = {
  quantum: 1,
  priority: 10,
  stepsMax: undefined,
  level: 0,
  grants: undefined
}

/** What is fixed when a task is made. */
export interface TaskOrigin {
  /** Path or label under which it came. */
  readonly label: string | undefined
  /** Where it came from, in words. */
  readonly source: string | undefined
  /** On the board's clock in milliseconds. */
  readonly madeAt: number
}

/** A task. The executive alone changes it. */
export class Task {
  readonly pid: number
  readonly origin: TaskOrigin
  state: TaskState = "loading"
  /** Name of this instance, and of its program. */
  name: string
  base: string
  rights = defaultRights
  identity: ImageIdentity = {}
  callMode: string | undefined
  place: Place
  /** None while it is loading. After the end it stays for whoever looks for the cause. */
  machine: Machine | undefined
  /** Whether it may be scheduled; a program can be ready and wait to be started. */
  isStarted = false
  wait: Wait | undefined
  end: TaskEnd | undefined
  /** What is added to the persist keys of its values; none when they are not kept. */
  persistKeyBase: number | undefined
  /** Instructions that handlers called by the program itself used up in advance of its turns. */
  debt = 0
  pendingCalls: ReadonlyArray<PendingCall> = []
  readonly files = new Map<number, OpenFile>()
  nextFile = 3

  constructor(pid: number, origin: TaskOrigin, base: string, place: Place) {
    this.pid = pid
    this.origin = origin
    this.base = base
    this.name = base
    this.place = place
  }

  /** Instructions of one turn. */
  get quantum(): number {
    return this.rights.quantum
  }

  get isRunnable(): boolean {
    return this.isStarted && (this.state === "ready" || this.state === "running")
  }
}
