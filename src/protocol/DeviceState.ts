/** The durable state of a device: its twin, its commands, and what must be known of its board's link. */
import type { Reason } from "./Because.ts"
import type { ActorAddress, BoardRequest } from "./BoardRequest.ts"
import type { FailedImage } from "./FailedImage.ts"
import type { FailingProgram, ProgramReport } from "./Program.ts"
import type { Twin } from "./Twin.ts"
import type { TwinValue } from "./TwinValue.ts"
import type { VsmId } from "./vsm/VsmId.ts"
import type { ZoneWords } from "./Zone.ts"

/** The frames of the current boot that were consumed: all up to `last`, and 64 more as bits, the lowest for `last` + 1. */
export interface Numbering {
  readonly last: number
  /** Numbers `last` + 1 to `last` + 32. */
  readonly low: number
  /** Numbers `last` + 33 to `last` + 64. */
  readonly high: number
}

/** A boot of the board, as far as it got. */
export interface Boot {
  readonly boot: number
  readonly link: number
  /** Counts the boots as their first hellos came. */
  readonly order: number
  readonly numbering: Numbering
}

/** The board as its last accepted hello described it. */
export interface Board {
  readonly boot: number
  readonly link: number
  /** Counts the boots as their first hellos came. */
  readonly order: number
  /** Highest number consumed when this boot became the current one: a higher one proves that it is the newest. */
  readonly provenAbove: number
  /** The two boots before, latest first. */
  readonly previous: ReadonlyArray<Boot>
  /** Where its link ends. */
  readonly node: string
  readonly connection: number
  readonly leaseMillis: number
  readonly profile: string
  readonly firmware: string
  /** Bits of `caps`. */
  readonly caps: number
  /** Bytes of a frame it can receive. */
  readonly rx: number
  /** Commands it takes at a time. */
  readonly requests: number
  readonly isLossy: boolean
}

/** A command. Its ids are remembered until `keepUntil`, so that no copy of it runs a second time. */
export interface Command {
  readonly id: string
  readonly name: string
  readonly args?: TwinValue
  readonly program?: string
  readonly idempotent: boolean
  readonly state: "queued" | "sent" | "accepted" | "done"
  /** Place in the order of acceptance. */
  readonly place: number
  readonly acceptedAt: number
  readonly expiresAt: number
  readonly keepUntil: number
  /** Some boot of the board accepted it, or could have begun it unasked: it may have run. */
  readonly wasAccepted: boolean
  readonly isCancelling: boolean
  readonly progress?: number
  readonly note?: string
  readonly code?: number
  readonly value?: TwinValue
  readonly detail?: string
  readonly tookMillis?: number
  readonly endedAt?: number
  /** What led to it, where that was no request of its own id. */
  readonly because?: Reason
}

/** All commands a device knows, with what is asked for at every frame computed once. Another object whenever it changes. */
export interface Commands {
  readonly byId: ReadonlyMap<string, Command>
  /** Those that have not ended, in order of acceptance. */
  readonly open: ReadonlyArray<Command>
  /** How many of them are sent or accepted. */
  readonly underWay: number
  /** Earliest end of life of one that waits, of one that was sent, of one the board accepted; infinite for none. */
  readonly queuedDue: number
  readonly sentDue: number
  readonly acceptedDue: number
}

/** An image on its way to the board. */
export interface Transfer {
  /** Number of the transfer on the link. */
  readonly xfer: number
  /** Session that wants it there. */
  readonly session: string
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  /** Number of its kind. */
  readonly kind: number
  /** Bits of `imageFlags`. */
  readonly flags: number
  readonly instance?: string
  /** The board holds all of it. */
  readonly isWhole: boolean
  /** The boot in which the board was last known to have the image. */
  readonly boot?: number
  /** Its session must have ended it by then. */
  readonly until?: number
  readonly because?: Reason
}

/** A request of another actor that the board has not answered. */
export interface Errand {
  /** Number of the request on the link. */
  readonly req: number
  /** As the asker names it. */
  readonly key: string
  readonly asker: ActorAddress
  readonly request: BoardRequest
  /** Transfer that it is about. */
  readonly xfer?: number
  /** It is given up then. */
  readonly until: number
  /** What led to it; absent where that is not known. */
  readonly because?: Reason
}

/** A program that somebody watches for a time, to learn whether it is well. */
export interface Observation {
  readonly key: string
  readonly asker: ActorAddress
  readonly program: string
  /** The image that is judged by it. */
  readonly sha256?: string
  /** How long it must be well, ms, and when that time is over. */
  readonly forMillis: number
  readonly until: number
  /** Its restarts when the time began. */
  readonly restarts: number
  /** How long its board may be away in order, ms. */
  readonly patienceMillis?: number
  readonly because?: Reason
}

/** What the board was asked to tell unasked. */
export interface Subscription {
  readonly key: string
  readonly asker: ActorAddress
  readonly request: BoardRequest
}

/** A program that failed and is not started again by the board. */
export interface Failing extends FailingProgram {
  /** When it was put on the event stream; absent until then. */
  readonly toldAt?: number
}

/** What the board does for other actors: images, programs, their values and mail. */
export interface Work {
  readonly transfer: Transfer | undefined
  readonly errands: ReadonlyMap<number, Errand>
  /** Programs by their names, as the board last told of them. */
  readonly programs: ReadonlyMap<string, ProgramReport>
  readonly observations: ReadonlyMap<string, Observation>
  readonly subscriptions: ReadonlyMap<string, Subscription>
  /** By their names. */
  readonly failing: ReadonlyMap<string, Failing>
  /** When the actors of programs were quarantined last, by the names of the programs. */
  readonly quarantined: ReadonlyMap<string, number>
  /** By their hashes. */
  readonly failedImages: ReadonlyMap<string, FailedImage>
  /** Last number given to a request or a transfer. */
  readonly lastNumber: number
}

/** Whether the board is there; the fields are those of the contract's connection. */
export interface ConnectionNow {
  readonly state: "never" | "online" | "offline" | "silent" | "retired"
  readonly since: number
  readonly reason: string
  readonly lastSeen: number
}

/** Whose unit a device is. */
export interface Membership {
  readonly vsm: VsmId
  /** Counts the holders so far. */
  readonly fence: number
}

/** The immune system keeps the board apart: it is turned away until then. */
export interface Isolation {
  /** Id of the mitigation. */
  readonly mitigation: string
  readonly until: number
}

/** The highest fences that commands came with, by VSM and resource with a space between them. */
export type Fences = ReadonlyMap<string, number>

export interface DeviceState {
  readonly connection: ConnectionNow
  /** Absent until the first hello. */
  readonly board: Board | undefined
  /** Attaches so far. */
  readonly epoch: number
  readonly numbering: Numbering
  readonly twin: Twin
  readonly commands: Commands
  readonly work: Work
  /** Who says in which zone it is; absent while nobody does. */
  readonly zone: ZoneWords | undefined
  /** Absent until its board attaches for the first time, or a VSM adopts it. */
  readonly unit: Membership | undefined
  /** What was claimed of it. */
  readonly fences: Fences
  /** Absent where its board may attach. */
  readonly isolation: Isolation | undefined
  /** What a newer node keeps in the head and this one does not know. */
  readonly rest: Readonly<Record<string, unknown>>
}

/** Whether a value is a device's state. States come from the behaviour itself, so the shape of the top is enough. */
export const isDeviceState = (value: unknown): value is DeviceState =>
  typeof value === "object" && value !== null && "connection" in value && "twin" in value && "commands" in value
