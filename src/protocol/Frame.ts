/**
 * The frames of the link between a board and the cluster, as decoded values. Field names are the words of the protocol's table.
 *
 * Frames from a board carry `seq`: 0 when unnumbered, else the number its acknowledgement names. Frames to a board carry
 * `epoch`: the attach that sent them, 0 before there is one. An absent optional field has no key. Ids of commands are
 * UUIDs as lower-case text; all other byte strings stay bytes. Times are milliseconds, `at` and `up` on the board's own
 * clock, `wall` since 1970 in UTC.
 */
import type { TwinMap, TwinPatch, TwinValue } from "./TwinValue.ts"

interface Up {
  readonly seq: number
}

interface Down {
  readonly epoch: number
}

/** First frame of a link: who speaks, in which boot, and what it can. */
export interface Hello extends Up {
  readonly type: "hello"
  /** Lowest protocol version the board speaks. */
  readonly min: number
  /** Highest protocol version the board speaks. */
  readonly max: number
  readonly id: string
  /** New at each start of the board, ≥ 1. */
  readonly boot: number
  /** 1, 2, … within one boot. */
  readonly link: number
  /** Since the start of this boot. */
  readonly up: number
  /** Left out by a board that does not know. */
  readonly wall?: number
  /** Name of the kind of board. */
  readonly profile: string
  /** Its version. */
  readonly firmware: string
  /** Bits of `caps`. */
  readonly caps: number
  /** Largest frame the board can receive, in bytes. */
  readonly rx: number
  /** Requests the board takes at a time; 1 when absent. */
  readonly requests?: number
  /** Desired version last applied and kept; 0 when absent. */
  readonly desired?: number
  /** Last sequence number used in this boot; 0 when absent. */
  readonly sent?: number
  /** Image kinds the board takes. */
  readonly kinds?: ReadonlyArray<number>
  /** Why the board started: a number of `resets`. */
  readonly reset?: number
  /** Asks for a proof on transports that do not authenticate. */
  readonly auth?: HelloAuth
  /** Records given up since boot. */
  readonly dropped?: number
  /** Where the board is, as far as nobody who knows better says so. */
  readonly zone?: string
}

/** Which key a board will prove with, and its nonce; 16 bytes each. */
export interface HelloAuth {
  readonly kid: Uint8Array
  readonly nonce: Uint8Array
}

/** Bits of `Hello.caps`. */
export const caps = {
  wallClock: 1 << 0,
  commandJournal: 1 << 1,
  keepsDesired: 1 << 2,
  takesImages: 1 << 3,
  firmwareSlots: 1 << 4,
  valuesAndMail: 1 << 5,
  offlineBuffer: 1 << 6,
  sealsFrames: 1 << 7,
  namedDocuments: 1 << 8
} as const

/** Names of `Hello.reset`, by number. */
export const resets = ["unknown", "power", "pin", "watchdog", "software", "fault", "brown-out"] as const

/** The attach is granted under this epoch. */
export interface Welcome extends Down {
  readonly type: "welcome"
  readonly version: number
  /** Highest sequence number of this boot that is durable without a gap. */
  readonly last: number
  readonly wall: number
  /** The board sends a heartbeat after this long without another frame. */
  readonly heartbeat: number
  /** Silence longer than this ends the link, on either side. */
  readonly lease: number
  /** Largest frame the gateway can receive, in bytes. */
  readonly rx: number
  /** Numbered frames a board may have unacknowledged. */
  readonly window: number
  /** 0: the MQTT PUBACK acknowledges; 1: `ack` frames do. */
  readonly ackMode: number
  /** Bits of `sync`. */
  readonly sync: number
  /** Desired version now. */
  readonly desired: number
  /** Name of the node, for logs. */
  readonly node?: string
  /** Of the gateway, where the board asked for one. */
  readonly proof?: Uint8Array
  /** Numbered frames per second; 0 is no limit. */
  readonly rate?: number
  /** The zone of the device. */
  readonly zone?: string
}

/** Bits of `Welcome.sync`. */
export const sync = {
  fullReport: 1 << 0,
  imageStatus: 1 << 1,
  programStatus: 1 << 2,
  doNotResend: 1 << 3
} as const

/** Sign of life of a board. */
export interface HeartbeatUp extends Up {
  readonly type: "heartbeat"
  readonly up: number
  /** Bytes of memory. */
  readonly free?: number
  /** 0…1. */
  readonly load?: number
  /** Records that wait to be sent. */
  readonly queued?: number
  /** Records given up since boot. */
  readonly dropped?: number
  /** dBm. */
  readonly signal?: number
  /** 0…1. */
  readonly power?: number
  /** Epoch of the board's last welcome: the field, not the head of a frame to a board. */
  readonly epoch: number
}

/** Answer to each heartbeat of a board; `up` is the echo of its clock. */
export interface HeartbeatDown extends Down {
  readonly type: "heartbeat"
  readonly up: number
  readonly wall: number
}

/** All numbered frames of `boot` up to `last` are consumed. */
export interface Ack extends Down {
  readonly type: "ack"
  readonly last: number
  readonly boot: number
}

interface ErrorFields {
  readonly type: "error"
  /** A number of `Codes`. */
  readonly code: number
  /** For people. */
  readonly detail?: string
  /** Number of the refused frame's type. */
  readonly frameType?: number
  /** Sequence number of the refused frame, which is consumed by this refusal. */
  readonly refusedSeq?: number
  /** The request or command that is refused. */
  readonly req?: number | string
  /** False when absent. */
  readonly fatal?: boolean
  /** Come back after this long. */
  readonly retry?: number
  /** Path to the refused field: body key first, then names and indexes. */
  readonly field?: ReadonlyArray<number | string>
}

/** A board refuses a frame. */
export interface ErrorUp extends Up, ErrorFields {}

/** The gateway or the device actor refuses a frame. */
export interface ErrorDown extends Down, ErrorFields {}

/** Names of a goodbye's reason, by number. */
export const goodbyeReasons = [
  "normal",
  "restart",
  "firmware-update",
  "sleep",
  "link-lost",
  "draining",
  "superseded",
  "refused",
  "retired",
  "quarantined",
  "too-many-errors"
] as const

/** Orderly end by the board, and the payload of its MQTT will. */
export interface GoodbyeUp extends Up {
  readonly type: "goodbye"
  /** A number of `goodbyeReasons`. */
  readonly reason: number
  /** The board means to be back after this long. */
  readonly retry?: number
  readonly boot: number
  readonly link: number
  readonly server?: string
}

/** Orderly end by the gateway. */
export interface GoodbyeDown extends Down {
  readonly type: "goodbye"
  /** A number of `goodbyeReasons`. */
  readonly reason: number
  /** Come back after this long. */
  readonly retry?: number
  readonly boot?: number
  readonly link?: number
  /** Come back there. */
  readonly server?: string
}

/** Changes window and pace of a running link. */
export interface Flow extends Down {
  readonly type: "flow"
  readonly window?: number
  /** Least time between numbered frames. */
  readonly interval?: number
  readonly heartbeat?: number
  readonly lease?: number
}

/** Reported state, samples, or both; at least one of them. */
export interface Report extends Up {
  readonly type: "report"
  /** Negative is before this boot; absent is unknown. */
  readonly at?: number
  /** Merge patch into reported. */
  readonly state?: TwinPatch
  /** True replaces all of reported; false when absent. */
  readonly full?: boolean
  /** Readings as `[dt, values]`, oldest first; `dt` counts from `at`. */
  readonly samples?: ReadonlyArray<Sample>
  /** Named document; absent is the unnamed one. */
  readonly doc?: string
}

/** One reading, `dt` milliseconds from the report's `at`, oldest first. */
export interface Sample {
  readonly dt: number
  readonly values: TwinMap
}

/** What desired holds and reported lacks. */
export interface Desired extends Down {
  readonly type: "desired"
  readonly version: number
  /** Null means: forget this key. */
  readonly state: TwinPatch
  /** Further parts of this version follow; false when absent. */
  readonly more?: boolean
  readonly doc?: string
}

/** A desired version is applied, but for the refused fields. */
export interface DesiredAck extends Up {
  readonly type: "desired-ack"
  readonly version: number
  /** JSON pointer to code. */
  readonly refused?: Readonly<Record<string, number>>
  readonly doc?: string
}

/** A command. */
export interface Invoke extends Down {
  readonly type: "invoke"
  readonly id: string
  readonly name: string
  readonly args?: TwinValue
  /** Life left when sent, 1…86 400 000. */
  readonly ttl: number
  /** Absent is the board itself. */
  readonly program?: string
  /** False when absent. */
  readonly idempotent?: boolean
  /** Id of the event that led to it, for logs. */
  readonly cause?: string
  readonly fence?: number
}

/** A command was accepted, or part of it is done. */
export interface Progress extends Up {
  readonly type: "progress"
  readonly id: string
  /** 0…1. */
  readonly done?: number
  /** For people. */
  readonly note?: string
}

/** End of a command; code 0 is done. */
export interface ResultFrame extends Up {
  readonly type: "result"
  readonly id: string
  readonly code: number
  readonly value?: TwinValue
  readonly detail?: string
  /** Run time. */
  readonly took?: number
  /** Answered from the board's journal; false when absent. */
  readonly again?: boolean
}

/** Asks to end a command early. */
export interface Cancel extends Down {
  readonly type: "cancel"
  readonly id: string
}

/** Names of the levels of events and log lines, by number. */
export const levels = ["error", "warn", "info", "debug", "trace"] as const

/** Something happened on the board. */
export interface EventFrame extends Up {
  readonly type: "event"
  readonly at?: number
  readonly name: string
  readonly data?: TwinValue
  /** A number of `levels`; 2 when absent. */
  readonly level?: number
  readonly program?: string
  /** Records lost before this one. */
  readonly dropped?: number
}

/** A line of text. */
export interface Log extends Up {
  readonly type: "log"
  readonly at?: number
  readonly level: number
  readonly text: string
  readonly program?: string
  readonly dropped?: number
}

/** Starts or resumes a transfer. */
export interface ImageOffer extends Down {
  readonly type: "image-offer"
  readonly xfer: number
  readonly sha256: Uint8Array
  readonly size: number
  readonly kind: number
  /** COSE_Sign1. */
  readonly manifest: Uint8Array
  /** Bytes a chunk, a power of two. */
  readonly chunk: number
  readonly window: number
  /** Bits of `imageFlags`. */
  readonly flags?: number
  readonly instance?: string
}

/** Bits of `ImageOffer.flags`. */
export const imageFlags = { autostart: 1, persist: 2, replace: 4, keepOld: 8 } as const

/** One piece of an image, from byte `index` × chunk size. */
export interface Chunk extends Down {
  readonly type: "chunk"
  readonly xfer: number
  readonly index: number
  readonly data: Uint8Array
  /** CRC-16/CCITT-FALSE of `data`. */
  readonly crc?: number
}

/** What the board holds of a transfer; `next` is the first index it does not. */
export interface ImageAck extends Up {
  readonly type: "image-ack"
  readonly xfer: number
  readonly next: number
  /** A number of `imageStates`. */
  readonly state: number
  /** 0 when absent. */
  readonly code?: number
  /** Bytes. */
  readonly have?: number
  readonly window?: number
  readonly missing?: ReadonlyArray<number>
}

/** Numbers of `ImageOp.op`. */
export const imageOps = { verify: 1, commit: 2, confirm: 3, rollback: 4, abort: 5, status: 6, slots: 7 } as const

/** An order about a transfer or about the slots. */
export interface ImageOp extends Down {
  readonly type: "image-op"
  /** A number of `imageOps`. */
  readonly op: number
  readonly xfer?: number
  /** For a rollback; 0 is the previous one. */
  readonly generation?: number
  /** For an abort: 0 user, 1 timeout, 2 error, 3 transport. */
  readonly reason?: number
  readonly req: number
}

/** Names of the states of a transfer, by number. */
export const imageStates = [
  "idle",
  "loading",
  "verify",
  "ready",
  "failed",
  "aborting",
  "staged",
  "committed",
  "trial",
  "confirmed",
  "rolled-back"
] as const

/** State of a transfer, or of the slots. */
export interface ImageStatus extends Up {
  readonly type: "image-status"
  readonly xfer?: number
  /** A number of `imageStates`. */
  readonly state: number
  readonly code?: number
  readonly detail?: string
  readonly generation?: number
  readonly slot?: string
  readonly sha256?: Uint8Array
  readonly slots?: ReadonlyArray<SlotStatus>
  readonly req?: number
  readonly secver?: number
}

/** One firmware slot; `state` is 0 empty, 1 staging, 6 staged, 7 pending, 8 trial, 9 confirmed, 10 bad, 11 old. */
export interface SlotStatus {
  readonly slot?: string
  readonly sha256?: Uint8Array
  readonly version?: string
  readonly state?: number
  readonly generation?: number
  readonly wear?: number
}

/** Numbers of `ProgramCtl.op`. */
export const programOps = {
  list: 0,
  start: 1,
  stop: 2,
  pause: 3,
  resume: 4,
  kill: 5,
  restart: 6,
  remove: 7,
  eval: 8,
  /** Answered with what the program offers: values, commands and mailboxes. */
  describe: 9
} as const

/** An order about a program. */
export interface ProgramCtl extends Down {
  readonly type: "program-ctl"
  readonly req: number
  /** A number of `programOps`. */
  readonly op: number
  readonly program?: string
  readonly args?: TwinValue
  /** For a stop; 5000 when absent. */
  readonly grace?: number
}

/** State of one or of all programs. */
export interface ProgramStatus extends Up {
  readonly type: "program-status"
  readonly programs: ReadonlyArray<ProgramEntry>
  /** The list is complete; false when absent. */
  readonly all?: boolean
  readonly at?: number
}

/** One program as the board sees it. */
export interface ProgramEntry {
  readonly name?: string
  readonly state?: number
  readonly kind?: number
  /** Whole, or its first 8 bytes. */
  readonly sha256?: Uint8Array
  readonly version?: string
  readonly restarts?: number
  readonly exit?: number
  readonly code?: number
  /** 0…1. */
  readonly cpu?: number
  /** Bytes. */
  readonly mem?: number
  readonly up?: number
  readonly pid?: number
  readonly detail?: string
}

/** Number or name of a program's value. */
export type ValueId = number | string

/** Reads values of a program. */
export interface ValueGet extends Down {
  readonly type: "value-get"
  readonly req: number
  readonly program: string
  /** Absent is all. */
  readonly ids?: ReadonlyArray<ValueId>
}

/** Sets a value of a program. */
export interface ValueSet extends Down {
  readonly type: "value-set"
  readonly req: number
  readonly program: string
  readonly id: ValueId
  readonly value: number | string
  /** Authorisation level, 0…3. */
  readonly level?: number
}

/** Starts or ends the watch of a value. */
export interface ValueWatch extends Down {
  readonly type: "value-watch"
  readonly req: number
  readonly program: string
  readonly id: ValueId
  readonly on: boolean
  readonly epsilon?: number
  /** Least time between two values. */
  readonly rate?: number
}

/** Watched values. */
export interface ValueFrame extends Up {
  readonly type: "value"
  readonly program: string
  readonly values: ReadonlyArray<ValueSample>
}

/** One watched value. */
export interface ValueSample {
  readonly id: ValueId
  readonly value: number | string
  readonly at: number
}

/** Puts a message into a mailbox of a program. */
export interface MailSend extends Down {
  readonly type: "mail-send"
  readonly req: number
  readonly program?: string
  readonly target: string
  readonly data: Uint8Array
  readonly channel?: number
}

/** Starts or ends the tap of a mailbox. */
export interface MailTap extends Down {
  readonly type: "mail-tap"
  readonly req: number
  readonly program?: string
  readonly target: string
  readonly on: boolean
  /** Messages per second. */
  readonly rate?: number
}

/** A message of a tapped or exported mailbox. */
export interface Mail extends Up {
  readonly type: "mail"
  readonly program?: string
  readonly target: string
  readonly data: Uint8Array
  readonly flags?: number
  readonly channel?: number
  /** Process id of the sender. */
  readonly source?: number
  readonly at?: number
}

/** Answer to a request with `req`; code 0 is done. */
export interface Answer extends Up {
  readonly type: "answer"
  readonly req: number
  readonly code: number
  /** Of a value-get: one `[id, value, code]` for each id, value null where it could not be read. */
  readonly value?: TwinValue | ReadonlyArray<readonly [id: ValueId, value: TwinValue | null, code: number]>
  readonly detail?: string
}

/** Numbers of the proof algorithms. */
export const algs = { ed25519: 1, secret: 2, secretEncrypted: 3 } as const

/** Asks a board to prove its key. */
export interface Challenge extends Down {
  readonly type: "challenge"
  /** 16 bytes. */
  readonly nonce: Uint8Array
  /** Numbers of `algs` the gateway accepts. */
  readonly algs: ReadonlyArray<number>
}

/** Answer to a challenge. */
export interface Proof extends Up {
  readonly type: "proof"
  readonly alg: number
  /** MAC or signature. */
  readonly proof: Uint8Array
}

/** Asks for an identity, or for its renewal. */
export interface Enrol extends Up {
  readonly type: "enrol"
  readonly token?: string
  /** PKCS#10, DER. */
  readonly csr?: Uint8Array
  /** Ed25519 public key, raw. */
  readonly key?: Uint8Array
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly profile: string
  /** The id the board wishes for. */
  readonly id?: string
  /** Signature or MAC. */
  readonly proof?: Uint8Array
  readonly serial?: string
  readonly renew?: boolean
}

/** The identity granted to a board. */
export interface Enrolled extends Down {
  readonly type: "enrolled"
  readonly id: string
  /** DER, leaf first. */
  readonly certs?: ReadonlyArray<Uint8Array>
  /** DER. */
  readonly ca?: ReadonlyArray<Uint8Array>
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly wall: number
  /** 16 bytes. */
  readonly kid: Uint8Array
  readonly urls?: ReadonlyArray<string>
  readonly trust?: ReadonlyArray<ImageSigner>
  readonly proof?: Uint8Array
}

/** A key that may sign images; `kinds` has one bit per image kind. */
export interface ImageSigner {
  readonly kid?: Uint8Array
  readonly key?: Uint8Array
  readonly kinds?: number
}

interface SealedFields {
  readonly type: "sealed"
  /** Grows with each frame of one direction, from 1 in each attach. */
  readonly counter: number
  /** First 8 bytes of the MAC; absent when encrypted. */
  readonly mac?: Uint8Array
  /** The inner frame's bytes, or their ciphertext. */
  readonly frame: Uint8Array
}

/** Carries an authenticated frame of a board without TLS. `seq` is 0: the inner frame has the number. */
export interface SealedUp extends Up, SealedFields {}

/** Carries an authenticated frame to a board without TLS. `epoch` is 0: the inner frame has the attach. */
export interface SealedDown extends Down, SealedFields {}

interface PrivateFields {
  readonly type: "private"
  /** 128…191. */
  readonly number: number
  readonly body: ReadonlyMap<number, unknown>
}

/** A frame between a site's own firmware and gateway plugins. Its body is well-formed and otherwise unchecked. */
export interface PrivateUp extends Up, PrivateFields {}

/** A frame between a site's own gateway plugins and firmware. Its body is well-formed and otherwise unchecked. */
export interface PrivateDown extends Down, PrivateFields {}

/** A frame from a board to the cluster. */
export type UpFrame =
  | Hello
  | HeartbeatUp
  | ErrorUp
  | GoodbyeUp
  | Report
  | DesiredAck
  | Progress
  | ResultFrame
  | EventFrame
  | Log
  | ImageAck
  | Answer
  | ValueFrame
  | Mail
  | Proof
  | Enrol
  | SealedUp
  | ImageStatus
  | ProgramStatus
  | PrivateUp

/** A frame from the cluster to a board. */
export type DownFrame =
  | Welcome
  | HeartbeatDown
  | Ack
  | ErrorDown
  | GoodbyeDown
  | Flow
  | Desired
  | Invoke
  | Cancel
  | Chunk
  | Challenge
  | Enrolled
  | SealedDown
  | ImageOffer
  | ImageOp
  | ProgramCtl
  | ValueGet
  | ValueSet
  | ValueWatch
  | MailSend
  | MailTap
  | PrivateDown
