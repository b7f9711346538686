/** Frames by which a link begins, lives and ends: hello, welcome, signs of life, refusals, pace and goodbye. */
import type { Down, Up } from "./Head.ts"

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
