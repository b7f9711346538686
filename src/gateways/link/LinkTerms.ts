/** The terms of a link: what a welcome grants, and how long each step may take. Times are milliseconds. */

/** What can be configured. */
export interface LinkTerms {
  /** A board sends a heartbeat after this long without another frame. */
  readonly heartbeatMillis: number
  /** Silence longer than this ends the link. */
  readonly leaseMillis: number
  /** Numbered frames a board may have unacknowledged. */
  readonly window: number
  /** Numbered frames a second; 0 is no limit. */
  readonly framesPerSecond: number
  /** Largest frame taken after the welcome. */
  readonly frameBytesMax: number
}

/** Terms of a node whose config says nothing else. */
export const defaultTerms: LinkTerms = {
  heartbeatMillis: 10_000,
  leaseMillis: 25_000,
  window: 16,
  framesPerSecond: 0,
  frameBytesMax: 65_536
}

/** Largest frame before the welcome: what the smallest board must be able to send. */
export const greetingBytesMax = 512
/** Largest frame of any board; a larger one ends the connection instead of being read and refused. */
export const ceilingBytesMax = 262_144
/** From the open connection to the first hello. */
export const helloMillis = 10_000
/** From an attach's first try to its success. */
export const attachMillis = 10_000
/** From a frame's receipt to its commit. A link that takes longer is closed without acknowledging it. */
export const consumeMillis = 10_000
/** From the goodbye of a node that leaves to the end of the connection. */
export const drainMillis = 2_000
/** From an orderly goodbye of the board to the end of the connection. */
export const partingMillis = 1_000
/** Least time between two ack frames. */
export const ackMillis = 20
/** Delay of the second attach in a row; the first is at once, each further one waits twice as long. */
export const reattachMillisMin = 50
/** Longest delay between two attaches. */
export const reattachMillisMax = 1_000
/** An attach that holds this long makes the next one start at once again. */
export const calmMillis = 3_000
/** What happens too often within this time ends the link. */
export const burstMillis = 60_000
/** So many bad frames are too many. */
export const burstFrames = 5
/** How long a board may stay above its rate before it is told. */
export const overRateMillis = 5_000
/** How long a board may stay above twice its rate before it is turned away. */
export const floodMillis = 30_000
/** When a board that was turned away may come back. */
export const floodRetryMillis = 60_000
/** Messages of a cell that wait for the answer of the attach they belong to. */
export const earlyMessagesMax = 64
